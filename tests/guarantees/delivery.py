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
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from aiokafka.errors import KafkaError

from tests.guarantees.due import Due, Events, Letters, Receipts
from tests.guarantees.feeding import records_of
from tests.guarantees.harness import ACCOUNTS, Chat2ga, secrets
from tests.guarantees.judge import Verdict
from tests.guarantees.ways import REFUSALS, TIMEOUT_S, WAYS, Failing
from tests.kafka import KafkaCluster, Written, delete_topics, each_record, end_offsets
from tests.kafka.needs import ExistingKafka, existing_kafka
from tests.streams.cli.command import COMMAND, ROOT, environment

__all__ = ["Proof", "prove", "prove_failing", "prove_refusing"]

INTERACTIONS: Final = 12.0
"""A session, on average, as visits go; copies of tabs and redeliveries come on top."""
SPAN_S: Final = 7_200.0
"""Sessions begin within so long, six hours ago: all of it lies in the past, and within the 72 h of GA."""
OLDEST_S: Final = 48 * 3600.0
SETTINGS: Final = {"ga_in_flight": 32, "session_timeout_s": 30, "heartbeat_s": 3, "rebalance_timeout_s": 60}
"""Those of production: nothing befalls the workers here."""
STALLED_S: Final = 120.0
BREAKER_OPENS: Final = "one request at a time asks anew"
"""In the worker's log, where an endpoint has failed too often in a row."""
_LOOK_S: Final = 1.0
_TELL_S: Final = 5.0
_COMMAND_S: Final = 1_800.0
_EXAMPLES: Final = 5
_MEGA: Final = 1_000_000
_KILO_IN_MEGA: Final = 1_000  # of ru_maxrss

FAILURES: Final = tuple(way for way in WAYS if way not in REFUSALS)


@dataclass
class Proof:
    """What one run has shown."""

    name: str
    verdict: Verdict = field(default_factory=Verdict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.verdict.faults

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        found = {
            name: {"count": len(places), "first": places[:_EXAMPLES]} for name, places in self.verdict.found.items()
        }
        return {"run": self.name, "holds": self.holds, **self.figures, "violations": found}


class _Run:
    """Feed, let the worker work, and compare: the steps that the three have in common."""

    def __init__(self, name: str, chat2ga: Chat2ga, google: Failing, tell: Callable[[str], None]) -> None:
        self.chat2ga, self.google = chat2ga, google
        self.proof = Proof(name)
        self._tell = lambda line: tell(f"{name}: {line}")
        self._peak_bytes = 0.0
        self._last_told = 0.0

    # -- the input, and what is due of it ------------------------------------------------

    async def fed(self, sessions: int, seed: int | str) -> Due:
        """Write the input, and compute what is due of it as it lies there."""
        records = records_of(seed, sessions, mean_interactions=INTERACTIONS, starts_per_s=max(50.0, sessions / SPAN_S))
        await self.chat2ga.feed(self._counted(records))
        due, partition = Due(ACCOUNTS), 0
        async for record in each_record(self.chat2ga.kafka.bootstrap, self.chat2ga.input):
            if record.partition != partition:
                due.end()
                partition = record.partition
            due.take(record)
            self._sometimes(f"{due.interactions:,} interactions through the core")
        due.end()
        oldest_s = time.time() - (due.oldest_micros or 0) / 1e6
        assert oldest_s < OLDEST_S, f"an event is {oldest_s:.0f} s old: GA would take it no more"
        return due

    def _counted(self, records: Iterable[Written]) -> Iterator[Written]:
        for number, record in enumerate(records):
            self._sometimes(f"{number:,} interactions written")
            yield record

    # -- the work --------------------------------------------------------------------------

    async def worked(self, due: Due, program: Sequence[str] = ()) -> float:
        """A worker does all of it, `attribute` and `deliver`; how many seconds from being ready to the end."""
        self.chat2ga.start("worker", None, program=program)
        await self.chat2ga.at_work()
        began = time.monotonic()
        await self.caught_up(due)
        return time.monotonic() - began

    async def caught_up(self, due: Due) -> None:
        """Wait until all is committed. Raises TimeoutError where nothing moves."""
        events, moved, since = f"{self.chat2ga.prefix}ga-events", (0, 0, 0), time.monotonic()
        while True:
            self.chat2ga.check_alive()
            now = moved
            with suppress(KafkaError, OSError, TimeoutError):  # a broker this busy may answer late: asked again
                attributed = sum((await self.chat2ga.committed("attribute")).values())
                delivered = sum((await self.chat2ga.committed("deliver")).values())
                now = attributed, delivered, self.google.requests
                ends = await end_offsets(self.chat2ga.kafka.bootstrap, events) if attributed else {}
                if attributed >= due.interactions and delivered >= sum(ends.values()):
                    return
                self._sometimes(
                    f"{attributed:,} of {due.interactions:,} interactions attributed, {delivered:,} of "
                    f"{sum(ends.values()):,} events settled, {self.google.requests:,} requests"
                )
                held = await self.chat2ga.metric("worker", "process_resident_memory_bytes")
                self._peak_bytes = max(self._peak_bytes, held)
            if now != moved:
                moved, since = now, time.monotonic()
            elif time.monotonic() - since > STALLED_S:
                raise TimeoutError(f"nothing has moved for {STALLED_S:g} s: {moved}\n{self.chat2ga.logs()}")
            await asyncio.sleep(_LOOK_S)

    async def requeued(self) -> str:
        """`chat2ga dead-letters requeue` of all that was refused; what it says."""
        done = await self._command("dead-letters", "requeue", "--code", "refused", "--yes")
        return done.stderr.strip().splitlines()[-1]

    async def stopped(self) -> None:
        """The worker ends in order."""
        text = self.chat2ga.workers["worker"].process.text()
        self.proof.figures["breaker_opened"] = text.count(BREAKER_OPENS)
        codes = await self.chat2ga.stop_all()
        self.proof.verdict.wrong("exit_code", *[code for code in codes.values() if code])

    # -- what came of it ---------------------------------------------------------------------

    async def judge_events(self, due: Due) -> None:
        """`ga-events` before anything is put back."""
        events = Events()
        async for record in self._each("ga-events"):
            events.take(record.key or b"", record.value or b"")
        due.judge_events(self.proof.verdict, events)
        self.proof.figures["events"] = events.count

    async def letters(self) -> Letters:
        """The dead letters."""
        letters = Letters()
        async for record in self._each("dead-letters"):
            letters.take(record)
        return letters

    async def receipts(self) -> Receipts:
        """The receipts."""
        receipts = Receipts()
        async for record in self._each("ga-receipts"):
            receipts.take(record)
        return receipts

    def _each(self, topic: str) -> Any:  # an asynchronous iterator
        self._tell(f"reading {topic}")
        return each_record(self.chat2ga.kafka.bootstrap, f"{self.chat2ga.prefix}{topic}")

    async def judge(self, due: Due, receipts: Receipts, letters: Letters) -> None:
        """All but `ga-events`, and what `chat2ga receipts` makes of it."""
        verdict, google = self.proof.verdict, self.google
        due.judge_receipts(verdict, receipts)
        due.judge_letters(verdict, letters, google.refused)
        due.judge_arrivals(verdict, google.times, google.unasked.elements())
        outcomes = receipts.by_outcome()
        if outcomes["delivered"] != len(google.times):
            verdict.wrong("delivered", f"{outcomes['delivered']} receipts, {len(google.times)} pairs at the collector")
        told = json.loads((await self._command("receipts")).stdout)["outcomes"]
        if told != dict(outcomes):
            verdict.wrong("chat2ga_receipts", f"{told} instead of {dict(outcomes)}")
        for sample in google.summary()["violations_first"]:
            verdict.wrong("violation", f"{sample['rule']}: {sample['detail']}")

    async def _command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        env = environment(broker=self.chat2ga.kafka.url, topic_prefix=self.chat2ga.prefix)
        done = await asyncio.to_thread(
            subprocess.run,
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"chat2ga {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done

    # -- told --------------------------------------------------------------------------------

    def _sometimes(self, line: str) -> None:
        if time.monotonic() - self._last_told > _TELL_S:
            self._last_told = time.monotonic()
            self._tell(line)

    def tell_all(self, due: Due, receipts: Receipts, seconds: float) -> Proof:
        """The figures."""
        google, figures = self.google, self.proof.figures
        figures |= {
            "sessions": due.sessions,
            "interactions": due.interactions,
            "pairs_due": len(due.outcomes),
            "outcomes": dict(receipts.by_outcome().most_common()),
            "dead_letters": len(due.dead_letters),
            "requests": google.requests,
            "requests_taken": google.requests_taken,
            "arrivals": google.arrivals(),
            "events_a_request": round(google.arrivals() / max(google.requests_taken, 1), 2),
            "repeats": self.proof.verdict.arrivals_repeated,
            "by_way": dict(google.by_way),
            "attempts": dict(sorted(receipts.attempts.items())),
            "seconds": round(seconds, 1),
            "arrivals_a_second": round(google.arrivals() / max(seconds, 0.1)),
            "worker_peak_mb": round(self._peak_bytes / _MEGA),
            "own_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _KILO_IN_MEGA,
        }
        return self.proof


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
) -> Proof:
    """Everything that is due arrives; how the collector treats requests, short of refusals, is its own affair.

    `program`: a worker in place of the real one (`tests.guarantees.broken`).
    """
    run = _Run(name, chat2ga, google, tell)
    due = await run.fed(sessions, seed)
    google.places(due.order)
    seconds = await run.worked(due, program)
    await run.stopped()
    await run.judge_events(due)
    receipts = await run.receipts()
    await run.judge(due, receipts, await run.letters())
    return run.tell_all(due, receipts, seconds)


async def prove_failing(
    chat2ga: Chat2ga,
    google: Failing,
    *,
    sessions: int,
    seed: int | str,
    tell: Callable[[str], None] = _quiet,
    program: Sequence[str] = (),
) -> Proof:
    """The same while every second request fails in all ways in turn."""
    google.ways = FAILURES
    chat2ga.settings["ga_timeout_s"] = TIMEOUT_S
    name = "every second fails"
    proof = await prove(chat2ga, google, sessions=sessions, seed=seed, name=name, tell=tell, program=program)
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
    run = _Run("refused, put back", chat2ga, google, tell)
    due = await run.fed(sessions, seed)
    seconds = await run.worked(due)
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
    return run.tell_all(due, receipts, seconds)


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
    lines += [f"  {name:<20} {value}" for name, value in rows]
    for name, places in proof.verdict.found.items():
        lines.append(f"  {name}: {len(places):,}, first")
        lines += [f"    {place}" for place in places[:_EXAMPLES]]
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
