"""The scenarios, long, in random order, for so many minutes: `make soak`, or

    python -m tests.guarantees.soak [--minutes 20] [--seed N] [--only SCENARIO]

Each under one of the two guarantees, drawn like all else.

Prints its seed first. Stops at the first violation with what the judge has found,
and leaves the logs of the workers where it says.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random
from typing import Final

from tests.guarantees.google import Google
from tests.guarantees.harness import Chat2ga, secrets
from tests.guarantees.judge import Verdict
from tests.guarantees.scenarios import LONG, SCENARIOS, Scenario
from tests.kafka import KafkaCluster, delete_topics

GUARANTEES: Final = ("at_least_once", "exactly_once")
_PATIENCE_S: Final = 1_800.0
"""For one scenario: whatever stands still is a violation too."""


async def _play(
    scenario: Scenario, guarantee: str, kafka: KafkaCluster, prefix: str, directory: Path, rng: Random
) -> Verdict:
    """One scenario on topics of its own."""
    async with Google(secrets=secrets()) as google:
        chat2ga = Chat2ga(
            kafka, prefix, directory, google=google, copies=len(kafka.nodes), processing_guarantee=guarantee
        )
        try:
            with chat2ga:
                async with asyncio.timeout(_PATIENCE_S):
                    return await scenario.play(chat2ga, rng, LONG)
        finally:
            await asyncio.to_thread(kafka.restore)
            await delete_topics(kafka.bootstrap, prefix)


def _soak(minutes: float, seed: int, only: str | None) -> int:
    rng, end, number = Random(seed), time.monotonic() + minutes * 60, 0
    directory = Path(tempfile.mkdtemp(prefix="chat2ga-soak-"))
    _say(f"seed {seed}: {minutes:g} minutes; logs in {directory}")
    order: list[str] = []
    with KafkaCluster() as one, KafkaCluster(nodes=3) as three:
        while time.monotonic() < end:
            number += 1
            if not order:  # all of them, before any comes again
                order = [only] if only else rng.sample(list(SCENARIOS), len(SCENARIOS))
            name = order.pop()
            scenario, began, mine = SCENARIOS[name], time.monotonic(), rng.randrange(1_000_000)
            guarantee = rng.choice(GUARANTEES)
            here = directory / f"{number}-{name}"
            here.mkdir()
            try:
                kafka = {1: one, 3: three}[scenario.nodes]
                verdict = asyncio.run(_play(scenario, guarantee, kafka, f"soak{number}-", here, Random(mine)))
                violated = bool(verdict.faults)
                told = str(verdict)
            except Exception:  # noqa: BLE001 - whatever it is, it is what the soak is looking for
                violated, told = True, traceback.format_exc()
            if violated:
                _say(
                    f"VIOLATION after {number} scenarios in {name}, {guarantee} "
                    f"(its seed {mine}; of the soak {seed}):\n{told}"
                )
                _say(f"logs: {here}")
                return 1
            took_s = time.monotonic() - began
            _say(f"{number}. {scenario.name}, {guarantee}: well after {took_s:.0f} s; {told.splitlines()[-1]}")
            shutil.rmtree(here)
    shutil.rmtree(directory)
    _say(f"seed {seed}: {number} scenarios, no violation")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


def main() -> int:
    """0 where nothing was violated."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0, help="how long to go on beginning scenarios")
    parser.add_argument("--seed", type=int, default=None, help="the same one, the same scenarios; drawn if left out")
    parser.add_argument("--only", choices=SCENARIOS, default=None, help="this scenario, again and again")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else Random().randrange(1_000_000)
    return _soak(given.minutes, seed, given.only)


if __name__ == "__main__":
    sys.exit(main())
