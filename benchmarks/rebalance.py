"""Rebalances: how long a partition is silent while a second worker joins, leaves, and is killed.

Records come at a pace all the time. The pause is the longest time between two events of
one partition; how long that is where nothing happens stands beside it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from benchmarks.engines import Place, start_worker, worker
from benchmarks.names import OURS
from benchmarks.pacing import sending
from benchmarks.peers.jobs import JOBS
from benchmarks.suite import Suite, turns
from benchmarks.tables import Column, Table
from benchmarks.throughput import timed
from tests.kafka import WorkerProcess, read_topic

__all__ = ["longest_silence", "measure"]

PARTITIONS: Final = 4
PER_S: Final = 1_500.0
"""At most; a quarter of the top rate where that is less."""
TIMEOUT_S: Final = 30
"""The group's session timeout, which is chat2ga's default: for so long a killed worker is not missed."""
_SETTLED_S: Final = 5.0
_UNDER_WAY: Final = 500
"""Outputs, by which records do come at the pace."""
_LONGEST_S: Final = 150.0
_SETTINGS: Final = {"only": "attribute", "session_timeout_s": TIMEOUT_S}
_COLUMNS: Final = [Column("pause_s", "longest silence of a partition, s")]


async def measure(suite: Suite) -> list[Table]:
    """One table, a row for each thing that happens."""
    how = f"Up to {PER_S:,.0f} records a second on 4 partitions, {turns(suite.sizes.rebalances)}."
    table = Table("rebalance", "Rebalances", how, "what happens", _COLUMNS)
    for turn in range(1, suite.sizes.rebalances + 1):
        async with suite.failing(table, "nothing"):
            for what, pause_s in (await _turn(suite)).items():
                table.add(what, {"pause_s": pause_s})
                suite.tell(f"turn {turn}, {what}: silent for {pause_s:.2f} s")
    return [table]


async def _turn(suite: Suite) -> dict[str, float]:
    job, engine = JOBS["full"], worker(OURS, only="attribute")
    warm = suite.warm(engine)
    top = suite.top.get(("full", engine.name))
    if top is None:
        top = (await timed(suite, engine, suite.sizes.full_records, PARTITIONS))["records_per_s"]
    per_s = min(PER_S, top / 4)
    given = suite.input(job, warm + round(per_s * _LONGEST_S))
    async with suite.at_work(engine, PARTITIONS, given.part(0, warm)) as running:
        place = running.place
        records = given.records[warm:]
        with sending(place.kafka.bootstrap, f"{place.prefix}{job.reads}", PARTITIONS, records, per_s) as process:
            await running.outputs.until(running.out + _UNDER_WAY)  # whoever sends takes a while to begin
            spans = await _happenings(place)
            if not process.is_alive():
                raise TimeoutError(f"all was written before all had happened, within {_LONGEST_S:g} s")
        written = await read_topic(place.kafka.bootstrap, f"{place.prefix}{job.writes}")
    by_partition: defaultdict[int, list[float]] = defaultdict(list)
    for record in written:
        by_partition[record.partition].append(record.timestamp_ms / 1000)
    return {what: longest_silence(by_partition, *span) for what, span in spans.items()}


async def _happenings(place: Place) -> dict[str, tuple[float, float]]:
    """Let it all happen, one after the other; when each began, and when it was surely over."""
    spans = {}
    await asyncio.sleep(_SETTLED_S)
    began = time.time()
    await asyncio.sleep(_SETTLED_S)
    spans["nothing"] = (began, time.time())
    began = time.time()
    second = await _second(place)
    try:
        await asyncio.sleep(_SETTLED_S)
        spans["a second worker joins"] = (began, time.time())
        began = time.time()
        await asyncio.to_thread(second.terminate)
        await asyncio.sleep(_SETTLED_S)
        spans["it leaves (SIGTERM)"] = (began, time.time())
    finally:
        second.end()
    second = await _second(place)
    await asyncio.sleep(_SETTLED_S)
    began = time.time()
    second.end()
    await asyncio.sleep(TIMEOUT_S + 2 * _SETTLED_S)
    spans[f"it is killed (SIGKILL; session timeout {TIMEOUT_S} s)"] = (began, time.time())
    return spans


async def _second(place: Place) -> WorkerProcess:
    second = start_worker(place._replace(directory=place.directory / "second"), _SETTINGS)
    try:
        await second.ready()
    except BaseException:
        second.end()
        raise
    return second


def longest_silence(times_s: Mapping[int, Sequence[float]], begin_s: float, end_s: float) -> float:
    """The longest time within a span in which some partition gave nothing; the span's ends count as its bounds.

    Raises ValueError where there is no partition.
    """
    return max(_longest_gap(each, begin_s, end_s) for each in times_s.values())


def _longest_gap(times_s: Iterable[float], begin_s: float, end_s: float) -> float:
    within = [begin_s, *sorted(at for at in times_s if begin_s < at < end_s), end_s]
    return max(after - before for before, after in pairwise(within))
