"""Writing: what a run gives reaches the broker, in an order that no crash can turn into a loss.

The order is a guarantee's, and each guarantee is one class here or in
`transactions`: the pipelines compute and hand over, and know of neither.
"""

from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from faust.types.tuples import TP

from streams.runs.producer import Record
from streams.runs.run import Run, RunMessage

if TYPE_CHECKING:
    from streams.runs.table import RunTable

__all__ = ["AtLeastOnce", "Output", "Turn", "Work", "Writes", "Writing"]


class Output(NamedTuple):
    """Records for one partition of a topic."""

    topic: str
    partition: int
    records: Sequence[Record]


class Writes(NamedTuple):
    """What a run gives: outputs, and the changes of the state that were made for them."""

    outputs: Sequence[Output] = ()
    changes: Sequence[Record] = ()


class Work:
    """A run that nothing is left to do for but to write what it gives."""

    __slots__ = ("finished", "message", "table", "writes")

    def __init__(self, message: RunMessage, writes: Writes, table: "RunTable | None") -> None:
        self.message = message
        self.writes = writes
        self.table = table
        self.finished = False


Turn = Callable[[], Awaitable[bool]]
"""Waits until the run before is finished. False: one has failed, and nothing may be written on top of it."""


class Writing(Protocol):
    """A processing guarantee."""

    transactional: bool
    """Whether what is written with a run's offset is written once, however often the run is read."""

    async def open(self, partitions: AbstractSet[TP]) -> None:
        """These input partitions are ours from now on, and no others; before anything of them is read."""

    async def close(self) -> None:
        """No partition is ours: what was begun is finished or given up."""

    async def write(self, run: Run, writes: Writes, table: "RunTable | None") -> None:
        """Make durable what a run gives that is not finished."""

    async def finish(self, work: Work, turn: Turn) -> None:
        """Make durable what a run gives, and its offset committable."""


class AtLeastOnce:
    """Outputs, then state, then the offset: a crash in between repeats, and never loses."""

    transactional = False

    def __init__(self, app: Any) -> None:
        self._app: Final = app

    async def open(self, partitions: AbstractSet[TP]) -> None:
        """Nothing to prepare: one producer serves all."""

    async def close(self) -> None:
        """Nothing to end."""

    async def write(self, run: Run, writes: Writes, table: "RunTable | None") -> None:
        """Outputs, then state."""
        await self._app.publish(writes.outputs)
        if table is not None:
            await table.write(run.partition, writes.changes)

    async def finish(self, work: Work, turn: Turn) -> None:
        """The order of DESIGN §2."""
        run = work.message.run
        # 1. Outputs: state written before them could swallow them at a crash.
        await self._app.publish(work.writes.outputs)
        # 2. The run before: the changelog keeps the order of the input.
        if not await turn():
            return
        # 3. State: an offset committed before it could lose it.
        if work.table is not None and work.writes.changes:
            await work.table.write(run.partition, work.writes.changes)
        # 4. Only now may the input offset be committed.
        self._app.consumer.ack(work.message)
