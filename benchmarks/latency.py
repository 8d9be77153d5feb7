"""Latency: from a record's append to the moment at which what comes of it can be read from the output topic.

Records come at a pace, from a process of their own. The broker stamps each with the
time of its append; a consumer that waits on the output notes when it gets what. So
both ends are the user's: the broker's acknowledgement, and a consumer's hands.
Under exactly once the consumer reads what is committed alone.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.engines import ENGINES, Engine, kafka_streams
from benchmarks.figures import percentile
from benchmarks.inputs import Input
from benchmarks.names import QUICK_STREAMS
from benchmarks.pacing import sending
from benchmarks.peers.jobs import JOBS
from benchmarks.suite import Running, Suite, turns
from benchmarks.tables import Column, Table
from benchmarks.throughput import timed
from tests.kafka import read_topic

__all__ = ["SHARES", "latencies", "measure"]

PARTITIONS: Final = 4
SHARES: Final = (0.01, 0.25, 0.75)
"""Of the engine's own top rate."""
LATE_S: Final = 20.0
"""So long after the last record an output may come: an engine that needs more does not keep up."""
_LEFT_OUT: Final = ("2 processes", "receipts", "loggers off", "2 threads")
_COLUMNS: Final = [
    Column("per_s", "records a second"),
    *(Column(f"p{name}_ms", f"p{name}, ms") for name in ("50", "99", "99.9")),
]


async def measure(suite: Suite) -> list[Table]:
    """The table: each engine at each share of its top rate."""
    how = (
        f"Records at a pace for {suite.sizes.latency_s:g} s, {turns(suite.sizes.rounds)}; the share is of the "
        "engine's own top rate in this run. From the append of a record to its output in a consumer's hands. The "
        "processes that write and read take their share of the same cores."
    )
    table = Table("latency", "Latency", how, "engine, share of its top rate", _COLUMNS)
    counting = [kafka_streams(QUICK_STREAMS, threads=1, linger_ms=5)]
    engines = [each for each in (*ENGINES, *counting) if suite.wanted(each) and not each.name.endswith(_LEFT_OUT)]
    for turn in range(1, suite.sizes.rounds + 1):
        for engine in engines:
            if reason := engine.why_not():
                table.miss(_row(engine, 0.25), reason)
                continue
            async with suite.failing(table, _row(engine, 0.25)):
                for share, found in await _turn(suite, engine):
                    table.add(_row(engine, share), found)
                    told = ", ".join(f"{key} {value:,.1f}" for key, value in found.items())
                    suite.tell(f"turn {turn}, {_row(engine, share)}: {told}")
    return [table]


def _row(engine: Engine, share: float) -> str:
    return f"{engine.name} ({engine.job}), {share:.0%}"


async def _turn(suite: Suite, engine: Engine) -> list[tuple[float, dict[str, float]]]:
    """All shares on one start of the engine; from the first that it does not keep up with on, they are left out."""
    top, found = await _top(suite, engine), []
    rates = [max(top * share, 20.0) for share in SHARES]
    counts = [round(rate * suite.sizes.latency_s) for rate in rates]
    warm = suite.warm(engine)
    given = suite.input(JOBS[engine.job], warm + sum(counts))
    async with (
        suite.at_work(engine, PARTITIONS, given.part(0, warm), append_time=True) as running,
        _reading(running, engine) as reader,
    ):
        await reader.until(sum(given.due[:warm]), lambda: False)
        first = warm
        for share, rate, count in zip(SHARES, rates, counts, strict=True):
            try:
                received = await _received(running, reader, given.part(first, first + count), rate)
            except TimeoutError as error:
                suite.tell(f"{_row(engine, share)}: it does not keep up: {error}")
                break
            ms = latencies(await _appended(running, given.part(0, first + count), first), received)
            found.append((share, {"per_s": rate, **_percentiles(ms)}))
            first += count
    return found


async def _top(suite: Suite, engine: Engine) -> float:
    """Its top rate, of this run; taken now where it was not."""
    key = (engine.job, engine.name)
    if key not in suite.top:
        most = suite.sizes.full_records if engine.job == "full" else suite.sizes.counting_records
        found = await timed(suite, engine, max(round(most * engine.share), 2_000), PARTITIONS)
        suite.top[key] = found["records_per_s"]
    return suite.top[key]


def _percentiles(ms: list[float]) -> dict[str, float]:
    return {f"p{share}_ms": percentile(ms, float(share) / 100) for share in ("50", "99", "99.9")}


# -- both ends --------------------------------------------------------------------


class _Reader:
    """Reads outputs as they come, from the first on: so it is known of each which one it is."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer: Final = consumer
        self.received: Final[list[tuple[bytes, float]]] = []
        """Key and time of reading, in epoch ms."""

    async def until(self, count: int, writing: Callable[[], bool]) -> None:
        """Read until there are so many. Raises TimeoutError some time after nothing is written any more."""
        end: float | None = None
        while len(self.received) < count:
            got = await self._consumer.getmany(timeout_ms=100)
            now_ms = time.time() * 1000
            for records in got.values():
                self.received.extend((record.key, now_ms) for record in records)
            if end is None and not writing():
                end = time.monotonic() + LATE_S
            if end is not None and time.monotonic() > end:
                raise TimeoutError(f"{len(self.received)} of {count} outputs {LATE_S:g} s after the last record")


@asynccontextmanager
async def _reading(running: Running, engine: Engine) -> AsyncIterator[_Reader]:
    place = running.place
    isolation = "read_committed" if engine.guarantee == "exactly_once" else "read_uncommitted"
    consumer = AIOKafkaConsumer(
        bootstrap_servers=place.kafka.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=isolation,
    )
    await consumer.start()
    try:
        topic = f"{place.prefix}{running.job.writes}"
        consumer.assign([TopicPartition(topic, number) for number in range(place.partitions)])
        yield _Reader(consumer)
    finally:
        await consumer.stop()


async def _received(running: Running, reader: _Reader, given: Input, per_s: float) -> list[tuple[bytes, float]]:
    """Write the records at the pace; the key of each output, and when it was read. Raises TimeoutError."""
    place, before = running.place, len(reader.received)
    topic = f"{place.prefix}{running.job.reads}"
    with sending(place.kafka.bootstrap, topic, place.partitions, given.records, per_s) as process:
        await reader.until(before + sum(given.due), process.is_alive)
        await asyncio.to_thread(process.join)  # the last records may be due nothing
    return reader.received[before:]


async def _appended(running: Running, given: Input, first: int) -> Iterator[tuple[bytes, float, int]]:
    """Key, time of the append and number of outputs of each record written from the `first` on."""
    place = running.place
    written = await read_topic(place.kafka.bootstrap, f"{place.prefix}{running.job.reads}", timeout_s=120.0)
    by_key: defaultdict[bytes, deque[float]] = defaultdict(deque)
    for record in written:
        by_key[record.key or b""].append(float(record.timestamp_ms))
    stamped = [(record.key or b"", by_key[record.key or b""].popleft()) for record in given.records]
    return ((key, ms, due) for (key, ms), due in zip(stamped[first:], given.due[first:], strict=True))


def latencies(appended: Iterable[tuple[bytes, float, int]], received: Iterable[tuple[bytes, float]]) -> list[float]:
    """Milliseconds of each output: those of a key come in the order of its records.

    Raises ValueError where there is an output too many.
    """
    waiting: defaultdict[bytes, deque[float]] = defaultdict(deque)
    for key, ms, due in appended:
        waiting[key].extend([ms] * due)
    found = []
    for key, at_ms in received:
        if not waiting[key]:
            raise ValueError(f"{key!r}: an output that no record waits for")
        found.append(max(at_ms - waiting[key].popleft(), 0.0))  # the broker's time is in whole milliseconds
    return found
