"""Pipelines: what happens to a run from its delivery to the commit of its offset.

Two forms, by what the work is. A *stateful* one computes at once and in order,
and only the writing takes time, so several runs of a partition can be under way.
How it is written is the guarantee's: see `writing` and `transactions`.

A *sink* waits for somebody else, for as long as it takes; a partition's runs go
one after the other, and one under way can be given up for a rebalance.

Anything that fails stops the app: a run is never skipped.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, cast

from faust.types import EventT, Message, StreamT
from faust.types.tuples import TP

from streams.runs.run import Run, RunMessage
from streams.runs.table import RunTable
from streams.runs.writing import Work, Writes

__all__ = ["Handle", "Pipeline", "Quiet", "Sink", "Stateful", "never_busy"]


Handle = Callable[[Run], Awaitable[Writes]]
"""Does a run's work; what is left to write with its offset."""
Quiet = Callable[[float], AbstractAsyncContextManager[None]]
"""Entered once nothing is half done, or after so many seconds; while it lasts, nothing is begun."""


def never_busy(_patience_s: float) -> AbstractAsyncContextManager[None]:
    """The `Quiet` of a sink of which nothing is ever half done."""
    return nullcontext()


class Pipeline:
    """Takes runs as Faust delivers them; how they are handled is the subclass's."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._last: dict[TP, asyncio.Task[None]] = {}
        self._failed = False  # from then on nothing is written: a later run stands on the one that failed

    async def consume(self, stream: StreamT[Run]) -> None:
        """The body of a Faust agent."""
        async for event in stream.noack().events():  # type: ignore[attr-defined]  # of Stream, not of its type
            if self._failed:
                return
            try:
                task = self.begin(event)
            except Exception as error:  # noqa: BLE001 - whatever it is: Faust would restart the agent and skip the run
                await self._fail(error)
                return
            tp = event.message.tp
            self._last[tp] = task
            task.add_done_callback(lambda done, tp=tp: self._forget(tp, done))  # type: ignore[misc]

    def begin(self, event: EventT) -> asyncio.Task[None]:
        """Start on a run; the task ends when it is finished."""
        raise TypeError(f"{event.message.tp}: a pipeline is stateful or a sink")

    def _forget(self, tp: TP, done: asyncio.Task[None]) -> None:
        if self._last.get(tp) is done:
            del self._last[tp]

    async def give_up(self, patience_s: float) -> None:
        """Give up what waits for somebody else; what waits for the broker only is worth waiting for."""

    async def _guarded(self, work: Awaitable[None], message: Message) -> None:
        try:
            await work
        except asyncio.CancelledError:
            self.app.consumer.abandon(message)
            raise
        except Exception as error:  # noqa: BLE001 - see `consume`
            await self._fail(error)

    async def _fail(self, error: Exception) -> None:
        first, self._failed = not self._failed, True
        if first:  # the others only fail because of it
            await self.app.crash(error)


class Stateful(Pipeline):
    """Computes in order, writes with several runs under way."""

    def __init__(self, app: Any, compute: Callable[[Run], Writes], table: RunTable | None = None) -> None:
        super().__init__(app)
        self._compute = compute
        self._table = table

    def begin(self, event: EventT) -> asyncio.Task[None]:
        """Compute now, so that the next run of the partition meets the new state; write behind."""
        run = cast("Run", event.value)
        work = Work(cast("RunMessage", event.message), self._compute(run), self._table)
        run.release()
        previous = self._last.get(event.message.tp)
        return asyncio.create_task(self._guarded(self._write(work, previous), event.message))

    async def _write(self, work: Work, previous: asyncio.Task[None] | None) -> None:
        async def turn() -> bool:
            if previous is not None:
                await asyncio.shield(previous)
            return not self._failed

        await self.app.writing.finish(work, turn)


class Sink(Pipeline):
    """Hands runs on to somebody else, one after the other in each partition.

    In `quiet` nothing is half done, unless patience has run out, and nothing is
    begun: a run can be given up without being done twice.
    """

    def __init__(self, app: Any, handle: Handle, table: RunTable | None = None, quiet: Quiet = never_busy) -> None:
        super().__init__(app)
        self._handle = handle
        self._table = table
        self._quiet = quiet
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, event: EventT) -> asyncio.Task[None]:
        """Queue the run behind its partition's last."""
        previous = self._last.get(event.message.tp)
        task = asyncio.create_task(self._guarded(self._after(previous, event), event.message))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _after(self, previous: asyncio.Task[None] | None, event: EventT) -> None:
        if previous is not None:
            await asyncio.wait([previous])
            if previous.cancelled():
                raise asyncio.CancelledError  # given up: what comes after it is given up too
        if self._failed:
            return
        writes = await self._handle(cast("Run", event.value))
        self._under_way.discard(cast("asyncio.Task[None]", asyncio.current_task()))  # from here on the broker's
        await self.app.writing.finish(Work(cast("RunMessage", event.message), writes, self._table), self._may_write)

    async def _may_write(self) -> bool:
        return not self._failed

    async def give_up(self, patience_s: float) -> None:
        """None of the runs under way is committed: all will be read again, here or elsewhere."""
        async with self._quiet(patience_s):
            given_up = list(self._under_way)
            for task in given_up:
                task.cancel()
            await asyncio.gather(*given_up, return_exceptions=True)
