"""`make bench`, `make bench-full`: the suite, on one Apache Kafka, in one run.

    python -m benchmarks [--size tiny|quick|full] [--part NAME ...] [--engine TEXT ...] [--rounds N] [--out DIRECTORY]

Progress on stderr; the tables as Markdown on stdout and in DIRECTORY/SIZE.md, every
figure of every turn in DIRECTORY/SIZE.json (`.cache/bench` unless told).
"""

import argparse
import asyncio
import shlex
import sys
from itertools import chain
from pathlib import Path

from benchmarks.engines import Engine
from benchmarks.environments import CACHE, core_of
from benchmarks.machine import described
from benchmarks.parts import PARTS
from benchmarks.report import report
from benchmarks.suite import FULL, QUICK, TINY, Suite
from benchmarks.tables import Result, to_json
from tests.kafka import KafkaCluster

SIZES = {sizes.name: sizes for sizes in (TINY, QUICK, FULL)}


def main() -> int:
    """Take all turns, and say what came of them; 1 where chat2ga could not be measured."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="quick")
    parser.add_argument("--part", action="append", choices=PARTS, help="these alone")
    parser.add_argument("--engine", action="append", default=[], help="those alone whose job and name hold this")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--pure", action="store_true", help="do not compile the core")
    parser.add_argument("--out", type=Path, default=CACHE)
    asked = parser.parse_args()
    result = asyncio.run(_run(asked))
    sys.stdout.write(report(result))
    return int(any(row.missing for table in result.tables for row in table.rows if row.name.startswith("chat2ga")))


async def _run(asked: argparse.Namespace) -> Result:
    def wanted(engine: Engine) -> bool:
        return not asked.engine or any(text in f"{engine.job} {engine.name}" for text in asked.engine)

    sizes = SIZES[asked.size]
    if asked.rounds:
        sizes = sizes._replace(rounds=asked.rounds)
    core = core_of(pure=asked.pure)
    result = Result(described(core), _command(asked), [])
    with KafkaCluster(heap="1g") as kafka:
        suite = Suite(kafka, core, sizes, wanted)
        for name, measure in PARTS.items():
            if not asked.part or name in asked.part:
                suite.tell(f"== {name}")
                result.tables += await measure(suite)
                _keep(result, asked.out / asked.size)
    return result


def _command(asked: argparse.Namespace) -> str:
    """As it was asked, but for where it is kept."""
    lists = [["--part", part] for part in asked.part or ()] + [["--engine", text] for text in asked.engine]
    rounds = ["--rounds", str(asked.rounds)] if asked.rounds else []
    pure = ["--pure"] if asked.pure else []
    return shlex.join(["python", "-m", "benchmarks", "--size", asked.size, *chain.from_iterable(lists), *rounds, *pure])


def _keep(result: Result, at: Path) -> None:
    """After each part: what was measured is not lost with what is still to come."""
    at.parent.mkdir(parents=True, exist_ok=True)
    at.with_suffix(".json").write_bytes(to_json(result))
    at.with_suffix(".md").write_text(report(result), encoding="utf-8")


if __name__ == "__main__":  # what is sent at a pace is sent by a process that imports this again
    sys.exit(main())
