"""Proof that everything due reaches Google Analytics, at size: `make prove-delivery`, or

    python -m tests.guarantees.delivery [--sessions 100000] [--failing 10000] [--refusing 2000] [--seed N] [--json FILE]

Random sessions of the sample traffic, every account and every way of being
measured, through a real Kafka, a real worker and the strict collector in Google's
place; three times, each on topics of its own (0 sessions leave one out):

- while all is well: each event that is due arrives exactly once;
- while every second request fails, in all ways in turn: nothing is missing, and
  nothing comes again but what was taken and not answered in time;
- while every fourth request is refused for good: receipts and dead letters say so, and
  `chat2ga dead-letters requeue` brings all of it to where it is due.

What is due comes from the core alone, over the input as it lies in Kafka. Exit code 1
where anything differs. Takes some 3 kB of memory a session.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.guarantees.harness import Chat2ga, Only, secrets
from tests.guarantees.proving import EXAMPLES, SETTINGS, Proof, Run
from tests.guarantees.ways import REFUSALS, TIMEOUT_S, WAYS, Failing
from tests.kafka import KafkaCluster, delete_topics
from tests.kafka.needs import ExistingKafka, existing_kafka

__all__ = ["prove", "prove_failing", "prove_refusing"]

FAILURES: Final = tuple(way for way in WAYS if way not in REFUSALS)


def _quiet(_: str) -> None:
    """Tells nobody."""


async def prove(
    chat2ga: Chat2ga,
    google: Failing,
    *,
    sessions: int,
    seed: int | str,
    name: str = "all is well",
    tell: Callable[[str], None] = _quiet,
    program: Sequence[str] = (),
    parts: Sequence[Only] = (None,),
) -> Proof:
    """Everything that is due arrives; how the collector treats requests, short of refusals, is its own affair.

    `program`: a worker in place of the real one (`tests.guarantees.broken`).
    """
    run = Run(name, chat2ga, google, tell)
    due = await run.fed(sessions, seed)
    google.places(due.order)
    await run.worked(due, program, parts)
    await run.stopped()
    await run.judge_events(due)
    receipts = await run.receipts()
    await run.judge(due, receipts, await run.letters())
    return run.tell_all(due, receipts)


async def prove_failing(
    chat2ga: Chat2ga,
    google: Failing,
    *,
    sessions: int,
    seed: int | str,
    tell: Callable[[str], None] = _quiet,
    program: Sequence[str] = (),
) -> Proof:
    """The same while every second request fails in all ways in turn.

    `deliver` has a process to itself: in one with `attribute` and its backlog, a
    time-out this short would run out for answers that are there.
    """
    google.ways = FAILURES
    chat2ga.settings["ga_timeout_s"] = TIMEOUT_S
    proof = await prove(
        chat2ga,
        google,
        sessions=sessions,
        seed=seed,
        name="every second fails",
        tell=tell,
        program=program,
        parts=("attribute", "deliver"),
    )
    proof.verdict.wrong("way_not_met", *[way for way in FAILURES if not google.by_way[way]])
    return proof


async def prove_refusing(
    chat2ga: Chat2ga,
    google: Failing,
    *,
    sessions: int,
    seed: int | str,
    tell: Callable[[str], None] = _quiet,
) -> Proof:
    """Every fourth request is refused for good; then it is mended, and what was refused is put back."""
    google.ways, google.every = REFUSALS, 4
    run = Run("refused, put back", chat2ga, google, tell)
    due = await run.fed(sessions, seed)
    await run.worked(due)
    google.ways = ()
    due.refused(google.refused)
    await run.judge_events(due)
    letters = await run.letters()
    await run.judge(due, await run.receipts(), letters)
    run.proof.figures |= {"refused": len(google.refused), "requeue": await run.requeued()}
    due.put_back(letters)
    await run.caught_up(due)
    await run.stopped()
    receipts = await run.receipts()
    await run.judge(due, receipts, await run.letters())
    run.proof.verdict.wrong("way_not_met", *[way for way in REFUSALS if not google.by_way[way]])
    return run.tell_all(due, receipts)


# -- the command ---------------------------------------------------------------------------------


async def _prove_all(asked: Sequence[tuple[Callable[..., Any], int]], seed: int, directory: Path) -> list[Proof]:
    """One after the other, on topics of their own; stops at none that differs."""
    with _kafka() as kafka:
        return [
            await _on_its_own(play, sessions, f"{seed}-{play.__name__}", kafka, directory) for play, sessions in asked
        ]


def _kafka() -> AbstractContextManager[KafkaCluster | ExistingKafka]:
    existing = existing_kafka()
    return KafkaCluster() if existing is None else nullcontext(existing)


async def _on_its_own(
    play: Callable[..., Any], sessions: int, seed: str, kafka: KafkaCluster | ExistingKafka, directory: Path
) -> Proof:
    prefix = f"proof{time.monotonic_ns()}-"
    logs = tempfile.mkdtemp(dir=directory)
    async with Failing(secrets=secrets()) as google:
        with Chat2ga(kafka, prefix, Path(logs), google=google, **SETTINGS) as chat2ga:
            try:
                proof: Proof = await play(chat2ga, google, sessions=sessions, seed=seed, tell=_progress)
            finally:
                await delete_topics(kafka.bootstrap, prefix)
    _show(proof)
    return proof


def _progress(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def _show(proof: Proof) -> None:
    """Its figures in a table, and the first of what differs."""
    rows = [(name.replace("_", " "), _cell(value)) for name, value in proof.figures.items() if value != {}]
    lines = [f"{proof.name}: {'holds' if proof.holds else 'DOES NOT HOLD'}"]
    lines += [f"  {name:<28} {value}" for name, value in rows]
    for name, places in proof.verdict.found.items():
        lines.append(f"  {name}: {len(places):,}, first")
        lines += [f"    {place}" for place in places[:EXAMPLES]]
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_cell(count)}" for name, count in value.items())
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def main() -> int:
    """0 where everything holds."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.guarantees.delivery", description=__doc__.partition("\n")[0].partition(":")[0]
    )
    parser.add_argument("--sessions", type=int, default=100_000, help="while all is well; 0: not at all")
    parser.add_argument("--failing", type=int, default=10_000, help="while every second request fails")
    parser.add_argument("--refusing", type=int, default=2_000, help="while every fourth is refused for good")
    parser.add_argument("--seed", type=int, default=None, help="the same one, the same sessions; drawn if left out")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # of a topic that is yet to be made it tells at once
    seed = given.seed if given.seed is not None else Random().randrange(1_000_000)
    plays = ((prove, given.sessions), (prove_failing, given.failing), (prove_refusing, given.refusing))
    asked = [(play, sessions) for play, sessions in plays if sessions]
    with tempfile.TemporaryDirectory(prefix="chat2ga-delivery-") as directory:
        _progress(f"seed {seed}; logs in {directory} meanwhile")
        proofs = asyncio.run(_prove_all(asked, seed, Path(directory)))
    if given.json is not None:
        told = {"seed": seed, "runs": [proof.as_json() for proof in proofs]}
        given.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0 if all(proof.holds for proof in proofs) else 1


if __name__ == "__main__":
    sys.exit(main())
