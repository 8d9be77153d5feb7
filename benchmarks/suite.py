"""What all parts of the suite share: the broker, the core, sizes, inputs made once, engines put to work."""

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka.errors import KafkaError

from benchmarks.broker import Outputs, fill, make_topics, outputs_of
from benchmarks.engines import Engine, Place
from benchmarks.environments import Core
from benchmarks.inputs import Growing, Input, clicks, interactions, whole_sessions
from benchmarks.peers.jobs import JOBS, Job
from benchmarks.tables import Table
from tests.kafka import KafkaCluster, Process, delete_topics

__all__ = ["FULL", "QUICK", "TINY", "Running", "Sizes", "Suite", "turns"]


class Sizes(NamedTuple):
    """How much of everything."""

    name: str
    rounds: int
    full_records: int
    counting_records: int
    warm_records: int
    """That lie before what is timed: joining, and for a JVM compiling."""
    checked_records: int
    latency_s: float
    replay_records: int
    sessions: tuple[int, ...]
    """Held at once."""
    growth_rounds: int
    growth_records: int
    lengths: tuple[int, ...]
    """Interactions a session."""
    partitions: tuple[int, ...]
    rebalances: int
    sink_sessions: int


TINY: Final = Sizes(
    name="tiny",
    rounds=1,
    full_records=30_000,
    counting_records=60_000,
    warm_records=1_000,
    checked_records=2_000,
    latency_s=3.0,
    replay_records=30_000,
    sessions=(1_000, 3_000),
    growth_rounds=1,
    growth_records=20_000,
    lengths=(10,),
    partitions=(4,),
    rebalances=1,
    sink_sessions=200,
)
"""Whether it works, in some minutes; its figures say nothing."""
QUICK: Final = Sizes(
    name="quick",
    rounds=1,
    full_records=150_000,
    counting_records=400_000,
    warm_records=20_000,
    checked_records=5_000,
    latency_s=5.0,
    replay_records=200_000,
    sessions=(10_000, 50_000),
    growth_rounds=1,
    growth_records=60_000,
    lengths=(10,),
    partitions=(4,),
    rebalances=1,
    sink_sessions=1_000,
)
FULL: Final = Sizes(
    name="full",
    rounds=3,
    full_records=600_000,
    counting_records=1_500_000,
    warm_records=60_000,
    checked_records=20_000,
    latency_s=10.0,
    replay_records=1_000_000,
    sessions=(10_000, 100_000, 1_000_000),
    growth_rounds=1,  # ten million interactions lie before the first figure
    growth_records=300_000,
    lengths=(10, 1_000),
    partitions=(4, 16, 64),
    rebalances=2,
    sink_sessions=3_000,
)


def turns(count: int) -> str:
    """How often, in words."""
    return "one turn" if count == 1 else f"{count} turns each"


class Running(NamedTuple):
    """An engine at work, and what it has put out so far: `out` of it counts for nothing any more."""

    place: Place
    job: Job
    process: Process
    outputs: Outputs
    out: int
    ready_s: float
    """From the start of its process until it said that it was ready, where it does; else until it was started."""

    async def fill(self, given: Input) -> None:
        """Write more input."""
        await fill(self.place.kafka, f"{self.place.prefix}{self.job.reads}", given.records, self.place.partitions)


class Suite:
    """One run, on one broker."""

    def __init__(self, kafka: KafkaCluster, core: Core, sizes: Sizes, engines: Callable[[Engine], bool]) -> None:
        self.kafka: Final = kafka
        self.core: Final = core
        self.sizes: Final = sizes
        self.wanted: Final = engines
        self.top: Final[dict[tuple[str, str], float]] = {}
        """Rates of this run, by job and engine: what a share of the top rate is a share of."""
        self._inputs: Final[dict[tuple[str, int | None], Growing]] = {}
        self._turns = 0
        self._began: Final = time.monotonic()

    def tell(self, text: str) -> None:
        """Where it is, for whoever waits."""
        print(f"{time.monotonic() - self._began:7.1f} s  {text}", file=sys.stderr, flush=True)

    def input(self, job: Job, count: int, length: int | None = None) -> Input:
        """The first so many records of a job, the same for all; with a `length`, of sessions that are so long."""
        known = self._inputs.get((job.name, length))
        if known is None:
            records = clicks() if job.name == "counting" else whole_sessions(length) if length else interactions()
            known = self._inputs[job.name, length] = Growing(job, records)
        if len(known) < count:
            self.tell(f"making {count - len(known):,} records for the {job.name} job")
        return known.first(count)

    def warm(self, engine: Engine) -> int:
        """Records that an engine does before it is timed: as many as take each a like time."""
        return max(round(self.sizes.warm_records * engine.share), 1_000)

    @asynccontextmanager
    async def at_work(
        self, engine: Engine, partitions: int, warm: Input, *, append_time: bool = False
    ) -> AsyncIterator[Running]:
        """An engine that has done a first part of its input, so that joining and warming up lie behind it.

        However it ends, its processes and its topics are gone afterwards.
        """
        job, prefix = JOBS[engine.job], self._prefix()
        await make_topics(self.kafka, prefix, job, engine.compacted, partitions, append_time=append_time)
        with tempfile.TemporaryDirectory(prefix="chat2ga-bench-", ignore_cleanup_errors=True) as directory:
            place = Place(self.kafka, prefix, partitions, Path(directory), self.core)
            began = time.monotonic()
            process = await engine.start(place)
            ready_s = time.monotonic() - began
            try:
                async with outputs_of(self.kafka, f"{prefix}{job.writes}", partitions) as outputs:
                    running = Running(place, job, process, outputs, 0, ready_s)
                    await running.fill(warm)
                    await self._until_warm(running, sum(warm.due))
                    yield running._replace(out=await outputs.count())
            finally:
                process.kill_group()
                await delete_topics(self.kafka.bootstrap, prefix)

    def _prefix(self) -> str:
        self._turns += 1
        return f"b{self._turns}-"

    @asynccontextmanager
    async def failing(self, table: Table, row: str) -> AsyncIterator[None]:
        """A turn that fails is told in the table, and the others go on: there are hours in them."""
        try:
            yield
        except (TimeoutError, RuntimeError, ValueError, KafkaError) as error:
            table.miss(row, f"{type(error).__name__}: {error}")
            self.tell(f"{row}: {type(error).__name__}: {error}")

    @staticmethod
    async def _until_warm(running: Running, due: int) -> None:
        try:
            await running.outputs.until(due, 120.0)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{running.process.tail(15)}") from None
