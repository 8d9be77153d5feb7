"""The crew of a replay: tasks on several processes, or in this one where one is enough.

A process of the crew ends with the replay however that ends: with its last task,
by Ctrl-C, or when the process that started it is killed.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Final, Self, TypeVar

from streams.replay.errors import ProcessDied
from streams.replay.plan import Plan

__all__ = ["Crew"]

Given = TypeVar("Given")
Outcome = TypeVar("Outcome")
Task = Callable[[Plan, Given], Outcome]

_PER_PROCESS: Final = 2
"""Tasks under way for each: one that it does and one that waits for it."""


class Crew:
    """`jobs` processes that share one plan. A task is a plain function of the plan and what it is given."""

    def __init__(self, plan: Plan, jobs: int) -> None:
        self._plan: Final = plan
        self._jobs: Final = jobs
        self._pool: ProcessPoolExecutor | None = None
        self._others: Final = set(multiprocessing.active_children())

    @property
    def has_processes(self) -> bool:
        """Whether tasks are done in other processes than this."""
        return self._pool is not None

    def __enter__(self) -> Self:
        if self._jobs > 1:
            # Spawned, not forked: the same on every system, and safe whatever threads this process has.
            self._pool = ProcessPoolExecutor(
                self._jobs, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(self._plan,)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pool is None:
            return
        if kind is not None:
            for process in set(multiprocessing.active_children()) - self._others:
                process.terminate()  # nobody waits for what it would finish
        self._pool.shutdown(cancel_futures=True)

    def each(self, task: Task[Given, Outcome], given: Iterable[Given]) -> Iterator[Outcome]:
        """The outcome of a task for each thing given, in that order. Few are under way at once.

        Raises what a task raises, and ProcessDied where a process was killed.
        """
        if self._pool is None:
            yield from (task(self._plan, each) for each in given)
            return
        under_way: deque[Future[Outcome]] = deque()
        try:
            for each in given:
                under_way.append(self._submit(self._pool, task, each))
                if len(under_way) >= self._jobs * _PER_PROCESS:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BrokenProcessPool:
            raise ProcessDied from None

    @staticmethod
    def _submit(pool: ProcessPoolExecutor, task: Task[Given, Outcome], given: Given) -> Future[Outcome]:
        # Submitting may start a process, which inherits what is blocked: Ctrl-C is this process's to handle.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return pool.submit(_do, task, given)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


# -- in a process of the crew -------------------------------------------------------------

_plan: Plan | None = None


def _begin(plan: Plan) -> None:
    global _plan  # noqa: PLW0603 - the plan is sent once to a process, not with every task
    _plan = plan
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(task: Task[Given, Outcome], given: Given) -> Outcome:
    assert _plan is not None
    return task(_plan, given)
