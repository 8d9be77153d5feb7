"""Engines in turns: whether each gives what is due, then records a second, processor time and memory.

A turn: the engine is started and does a first part of its input; it is held
(SIGSTOP) while its input is written, so that writing takes nothing from it, and let
go. The rate is that from 10 % of the output to all of it.
"""

import asyncio
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from benchmarks.broker import GIVE_UP_S, LOOK_S
from benchmarks.engines import ENGINES, Engine
from benchmarks.figures import Look, Rate, rate, spread
from benchmarks.inputs import Input, expected
from benchmarks.peers.jobs import JOBS, Job
from benchmarks.suite import Running, Suite, turns
from benchmarks.tables import Column, Table
from benchmarks.watching import cpu_s, peak_mib
from tests.kafka import read_topic

__all__ = ["COLUMNS", "catch_up", "differences", "measure", "timed"]

PARTITIONS: Final = 4
COLUMNS: Final = [
    Column("records_per_s", "records a second"),
    Column("cpu_s_per_million", "processor s a million records"),
    Column("peak_mib", "peak memory, MiB"),
]
_TITLES: Final = {"full": "The full job: attribution", "counting": "The counting job"}
_HOW: Final = {
    "full": "Decode, `step`, state, events out: the same core in every engine, {records:,} records of sample traffic "
    "in 12 interactions a session, 4 partitions, {turns}. Plain Faust and Quix Streams get fewer records.",
    "counting": "Decode, count and add up by key, a count out for every second record; state with a changelog. "
    "{records:,} records of about 190 bytes, 2,000 keys, 4 partitions, {turns}. Kafka Streams as it comes "
    "(RocksDB, cache of 10 MB, linger 100 ms) with batches of 256 KiB.",
}


async def measure(suite: Suite) -> list[Table]:
    """The table of each job."""
    sizes = suite.sizes
    counts = {"full": sizes.full_records, "counting": sizes.counting_records}
    tables = {
        name: Table(
            f"throughput_{name}",
            _TITLES[name],
            _HOW[name].format(records=count, turns=turns(sizes.rounds)),
            "engine",
            COLUMNS,
        )
        for name, count in counts.items()
    }
    engines = [engine for engine in ENGINES if suite.wanted(engine)]
    able = [engine for engine in engines if await _gives_what_is_due(suite, engine, tables[engine.job])]
    for turn in range(1, sizes.rounds + 1):
        for engine in able:
            count = max(round(counts[engine.job] * engine.share), 2_000)
            async with suite.failing(tables[engine.job], engine.name):
                found = await timed(suite, engine, count, PARTITIONS)
                tables[engine.job].add(engine.name, found)
                suite.tell(f"turn {turn}, {engine.job}: {engine.name}: {found['records_per_s']:,.0f} records/s")
    for engine in able:
        if rates := tables[engine.job].row(engine.name).figures.get("records_per_s"):
            suite.top[engine.job, engine.name] = spread(rates).median
    return [table for table in tables.values() if table.rows]


# -- whether it does the job ------------------------------------------------------


async def _gives_what_is_due(suite: Suite, engine: Engine, table: Table) -> bool:
    """Its outputs beside the core's own, to the byte; why not stands in the table."""
    table.row(engine.name)
    reason = engine.why_not() or await _difference(suite, engine)
    if reason:
        table.miss(engine.name, reason)
    suite.tell(f"{engine.job}: {engine.name}: {reason or 'gives what is due'}")
    return not reason


async def _difference(suite: Suite, engine: Engine) -> str:
    """How its outputs differ from those due; empty where they do not."""
    job = JOBS[engine.job]
    given = suite.input(job, suite.sizes.checked_records)
    try:
        async with suite.at_work(engine, PARTITIONS, given) as running:
            topic = f"{running.place.prefix}{job.writes}"
            isolation = "read_committed" if engine.guarantee == "exactly_once" else "read_uncommitted"
            await asyncio.sleep(1.0)  # for what is one too many
            written = await read_topic(suite.kafka.bootstrap, topic, isolation=isolation)  # type: ignore[arg-type]
    except (TimeoutError, RuntimeError) as error:
        return f"it does not come to its end: {error}"
    return differences(
        expected(job, given.records), ((record.key or b"", record.value or b"") for record in written), _form_of(job)
    )


def _form_of(job: Job) -> Callable[[bytes], Any]:
    """Events must be the same to the byte; counts, which every language writes its own way, by what they say."""
    return bytes if job.name == "full" else orjson.loads


def differences(
    due: dict[bytes, list[bytes]], given: Iterable[tuple[bytes, bytes]], form: Callable[[bytes], Any]
) -> str:
    """The first key whose outputs are not those due, in their order; empty where there is none."""
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for key, value in given:
        found[key].append(value)
    for key in {**due, **found}:
        wanted, there = [form(each) for each in due.get(key, [])], [form(each) for each in found.get(key, [])]
        if wanted != there:
            place = next((at for at, (a, b) in enumerate(zip(wanted, there, strict=False)) if a != b), None)
            where = f"output {place + 1} of" if place is not None else f"{len(there)} outputs and not {len(wanted)} of"
            return f"its outputs are not those due: {where} {key.decode()}"
    return ""


# -- how fast ---------------------------------------------------------------------


async def timed(
    suite: Suite, engine: Engine, count: int, partitions: int, *, length: int | None = None
) -> dict[str, float]:
    """One turn."""
    warm = suite.warm(engine)
    given = suite.input(JOBS[engine.job], warm + count, length)
    async with suite.at_work(engine, partitions, given.part(0, warm)) as running:
        found = await catch_up(running, given.part(warm, warm + count))
        return {**found._asdict(), "peak_mib": peak_mib(running.process.pid)}


async def catch_up(running: Running, given: Input) -> Rate:
    """The engine's rate over input that is all there when it begins. Raises TooFew, TimeoutError."""
    due = sum(given.due)
    os.killpg(running.process.pid, signal.SIGSTOP)
    try:
        await running.fill(given)
        out = await running.outputs.count()
    finally:
        os.killpg(running.process.pid, signal.SIGCONT)
    looks: list[Look] = []
    end = time.monotonic() + GIVE_UP_S
    while not looks or looks[-1].out < due:
        if time.monotonic() > end or running.process.exit_code is not None:
            raise TimeoutError(f"{looks[-1].out} of {due} outputs:\n{running.process.tail(15)}")
        await asyncio.sleep(LOOK_S)
        looks.append(Look(time.monotonic(), await running.outputs.count() - out, cpu_s(running.process.pid)))
    return rate(looks, len(given.records), due)
