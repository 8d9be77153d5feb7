"""The worker beside vanilla Faust, on one Apache Kafka, taking turns in one run.

Both do the same job on the same records: decode, `step`, state with a changelog,
events out. The worker runs both of its agents: `deliver` reads every event and
writes its receipts (no tracker has a secret, so nothing is posted). It runs as it
comes, and as one that uses the machine's two cores (`CHAT2GA_PROCESSES=2`). The core
is compiled, for every engine alike, where that can be done here (docs/decisions/0012);
`--pure` leaves it as it is written. The last line says which it was.

    python -m benchmarks.worker_beside_vanilla [--rounds 3] [--records 500000] [--vanilla-records 30000] [--pure]

An engine is started first, and has its input written in one go once it is at work:
so no rebalance falls into the time that is measured. Rate: input records a second
from when all of the input is there, or 10 % of the output if that is later, to the
last event that is due. A first round warms the broker up. Prints a Markdown table; `--json FILE` writes the figures.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.interaction import Fault, Unknown
from streams.attribution import RuleBook, step
from streams.demo.traffic import Mix, Record, sessions
from streams.runs import Record as Written
from streams.runs.producer import Publisher
from streams.worker.rekey import partition_of
from tests.kafka import KafkaCluster, WorkerProcess, create_topics
from tools.compiled import compiled, why_not

PARTITIONS: Final = 4
ROOT: Final = Path(__file__).parents[1]
GIVE_UP_S: Final = 300.0
BATCH_BYTES: Final = 524_288
LOOK_S: Final = 0.1
LEAST_SHARE: Final = 0.4
"""Of the output, over which a rate is taken."""


Input = list[list[Written]]
"""Records by partition."""
Engine = Callable[[KafkaCluster, str], AbstractAsyncContextManager[int]]
"""Starts an engine on the topics of a prefix, and ends it; the id of its process."""


class Core(NamedTuple):
    """Which form of the core all engines run, and the directory that it is first found in."""

    what: str
    first: Path | None


class Figures(NamedTuple):
    """What one turn gave."""

    records_per_s: float
    cpu_s_per_million: float
    peak_mib: float


def main() -> None:
    """Take turns, and say what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--vanilla-records", type=int, default=30_000)
    parser.add_argument("--pure", action="store_true", help="do not compile the core")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    core = Core("pure Python, as asked for", None) if asked.pure else _core()
    figures = asyncio.run(_rounds(core, asked.rounds, asked.records, asked.vanilla_records))
    print(_table(figures, core))
    if asked.json:
        asked.json.write_text(json.dumps(_as_json(figures, core), indent=2) + "\n")


def _core() -> Core:
    """The compiled one, or the reason why not."""
    missing = why_not()
    if missing is not None:
        return Core(f"pure Python (to compile it: install {missing})", None)
    return Core("compiled", compiled())


async def _rounds(core: Core, rounds: int, records: int, vanilla_records: int) -> dict[str, list[Figures]]:
    engines: dict[str, tuple[Engine, int]] = {
        "chat2ga worker, 2 processes": (partial(_worker, core, processes=2), records),
        "chat2ga worker": (partial(_worker, core), records),
        "vanilla Faust": (partial(_vanilla, core), vanilla_records),
        "vanilla Faust, loggers off": (partial(_vanilla, core, how="quiet"), vanilla_records),
    }
    found: dict[str, list[Figures]] = {name: [] for name in engines}
    inputs = {count: _input(count) for _, count in engines.values()}
    with KafkaCluster() as kafka:
        # Round 0 counts for nothing: a broker that has just been started runs code that is not compiled yet.
        for turn in range(rounds + 1):
            for name, (engine, count) in engines.items():
                written, due = inputs[count]
                prefix = f"b{turn}{list(engines).index(name)}-"
                await _prepare(kafka, prefix)
                async with engine(kafka, prefix) as pid:
                    await _fill(kafka, f"{prefix}chat-interactions", written)
                    figures = await _measure(kafka, prefix, pid, count, due)
                if turn:
                    found[name].append(figures)
                print(f"round {turn} {name}: {figures.records_per_s:,.0f} records/s", file=sys.stderr, flush=True)
    return found


def _input(count: int) -> tuple[Input, int]:
    """Records of sample traffic, by partition, and the number of events due."""
    written: Input = [[] for _ in range(PARTITIONS)]
    held: dict[bytes, object] = {}
    rules, due = RuleBook(), 0
    for record in _records(count):
        assert record.key is not None
        written[partition_of(record.key, PARTITIONS)].append(Written(record.key, record.value, record.arrival_ms))
        decoded = rules.decode(record.value, record.arrival_ms)
        assert not isinstance(decoded, (Fault, Unknown))
        decision = step(held.get(record.key), decoded, rules.of(decoded.account_id))  # type: ignore[arg-type]
        held[record.key] = decision.session
        due += len(decision.events)
    return written, due


def _records(count: int) -> Iterator[Record]:
    """The first so many that every engine takes alike: bad ones are another benchmark's."""
    mix = Mix(bad=0.0, unknown=0.0, starts_per_s=50.0)
    for record, _ in zip(sessions(1, count, mix=mix), range(count), strict=False):
        yield record


async def _prepare(kafka: KafkaCluster, prefix: str) -> None:
    compact = {"cleanup.policy": "compact"}
    plain = [f"{prefix}{name}" for name in ("chat-interactions", "ga-events", "ga-receipts", "dead-letters")]
    await create_topics(kafka.bootstrap, *plain, partitions=PARTITIONS)
    await create_topics(kafka.bootstrap, f"{prefix}vanilla-sessions-changelog", partitions=PARTITIONS, config=compact)


async def _fill(kafka: KafkaCluster, topic: str, written: Input) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, enable_idempotence=True, max_batch_size=BATCH_BYTES)
    await producer.start()
    try:
        publisher = Publisher(lambda: producer)
        await asyncio.gather(*[publisher.publish(topic, number, records) for number, records in enumerate(written)])
    finally:
        await producer.stop()


@asynccontextmanager
async def _worker(core: Core, kafka: KafkaCluster, prefix: str, processes: int = 1) -> AsyncIterator[int]:
    with tempfile.TemporaryDirectory() as directory:
        worker = WorkerProcess(
            kafka.url,
            Path(directory),
            first=core.first,
            topic_prefix=prefix,
            partitions=PARTITIONS,
            processes=processes,
            log_level="warning",
        ).start()
        try:
            await worker.ready()
            yield worker.process.pid
        finally:
            worker.terminate()


@asynccontextmanager
async def _vanilla(core: Core, kafka: KafkaCluster, prefix: str, how: str = "plain") -> AsyncIterator[int]:
    command = [sys.executable, "-m", "benchmarks.peers.vanilla_faust", kafka.url, prefix, str(PARTITIONS), how]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in (core.first, ROOT) if path)}
    with tempfile.TemporaryDirectory() as directory, (Path(directory) / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log)  # noqa: ASYNC220
        try:
            await _in_group(kafka, f"{prefix}vanilla")
            yield process.pid
        finally:
            process.kill()
            process.wait()


async def _in_group(kafka: KafkaCluster, group: str) -> None:
    """Wait until the group has its members and their partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(GIVE_UP_S):
            while True:
                with suppress(KafkaError):  # nobody coordinates a group that nobody has joined
                    (described,) = await admin.describe_consumer_groups([group])
                    if "Stable" in described.groups[0]:
                        return
                await asyncio.sleep(LOOK_S)
    finally:
        await admin.close()


async def _measure(kafka: KafkaCluster, prefix: str, pid: int, records: int, due: int) -> Figures:
    """From 10 % of the output to all of it."""
    began, give_up = 0.0, time.monotonic() + GIVE_UP_S
    out_at_start, cpu_at_start = 0, 0.0
    # One client for all looks: a new one each time would take a share of the two cores from what is measured.
    client = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, enable_auto_commit=False)
    await client.start()
    try:
        events = [TopicPartition(f"{prefix}ga-events", number) for number in range(PARTITIONS)]
        while True:
            out = sum((await client.end_offsets(events)).values())
            now = time.monotonic()
            if not began and out >= due / 10:
                began, out_at_start, cpu_at_start = now, out, _cpu_s(pid)
            if out >= due:
                share = (out - out_at_start) / due
                if share < LEAST_SHARE:
                    raise ValueError(f"{records} records are too few: only {share:.0%} were left once it was at work")
                cpu_s = _cpu_s(pid) - cpu_at_start
                return Figures(share * records / (now - began), cpu_s / (share * records) * 1e6, _peak_mib(pid))
            if now > give_up:
                raise TimeoutError(f"{prefix}: {out} of {due} events after {GIVE_UP_S:g} s")
            await asyncio.sleep(LOOK_S)
    finally:
        await client.stop()


def _family(pid: int) -> Iterator[int]:
    """A process and those that it started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))


def _cpu_s(pid: int) -> float:
    """Processor time so far, of all processes of an engine."""
    per_s = int(os.sysconf("SC_CLK_TCK"))
    stats = [Path(f"/proc/{each}/stat").read_text().rpartition(") ")[2].split() for each in _family(pid)]
    return sum((int(fields[11]) + int(fields[12])) / per_s for fields in stats)


def _peak_mib(pid: int) -> float:
    """Peak memory, of all processes of an engine together."""
    lines = [Path(f"/proc/{each}/status").read_text().splitlines() for each in _family(pid)]
    return sum(int(line.split()[1]) / 1024 for each in lines for line in each if line.startswith("VmHWM"))


def _median(figures: list[Figures], name: str) -> float:
    return float(statistics.median(getattr(each, name) for each in figures))


def _table(found: dict[str, list[Figures]], core: Core) -> str:
    rows = [
        "| engine | records/s, median (min to max) | processor s a million records | peak memory, MiB |",
        "|---|---|---|---|",
    ]
    for name, figures in found.items():
        rates = [each.records_per_s for each in figures]
        rows.append(
            f"| {name} | {statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) "
            f"| {_median(figures, 'cpu_s_per_million'):,.1f} | {_median(figures, 'peak_mib'):,.0f} |"
        )
    medians = {name: _median(figures, "records_per_s") for name, figures in found.items()}
    ours = [name for name in found if name.startswith("chat2ga")]
    rows.append("")
    rows += [
        f"- {name} / {other}: {medians[name] / medians[other]:.1f}"
        for name in ours
        for other in found
        if other not in ours
    ]
    rows += ["", f"Machine: {_machine(core)}"]
    return "\n".join(rows)


def _machine(core: Core) -> str:
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, Python {platform.python_version()}, "
        f"Apache Kafka on the same cores; core of every engine: {core.what}"
    )


def _as_json(found: dict[str, list[Figures]], core: Core) -> dict[str, object]:
    return {
        "machine": _machine(core),
        "engines": {name: [each._asdict() for each in figures] for name, figures in found.items()},
    }


if __name__ == "__main__":
    main()
