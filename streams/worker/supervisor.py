"""The supervisor: one worker as several processes, where one interpreter lock would leave cores idle.

Each process runs all the parts that the worker would run alone, as a member of
the same consumer groups: which partitions it has is Kafka's to say, and no
record passes through the supervisor. That one only starts them, answers for all
of them over HTTP, and stops them together: when it is told to, and when one of
them ends, since half a worker at work looks well and is not.

A process begins as a new interpreter (multiprocessing's `spawn`), not as a fork:
Faust, aiokafka and RocksDB have threads. It is sent, through a pipe, the very
settings, accounts, rules and topics that the supervisor has checked: a file that
is edited meanwhile does not make siblings differ, and nothing of them stands on
a command line.

Local stores: a directory for each process, below that of the worker, as a
database has one opener. A rebalance may hand a partition to a sibling before the
process that had it has closed its database, so sharing would need a lock
between them, and one that hangs would hold up the others. The price: a partition
that moves, as it may at every start, is brought up to date from what its new
process last knew of it, if anything, by reading the rest of its changelog; and
a machine may hold a copy for each process that ever had it. Never a wrong state:
a store says at which changelog offset it stands.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from multiprocessing import resource_tracker
from typing import Any, Final

from streams.settings import BadSettings, Settings
from streams.worker.health import HealthServer, State, Watched, merged
from streams.worker.line import Line, follow
from streams.worker.starting import SIGNALS

__all__ = ["Member", "check_shares", "obey", "share", "supervise"]

logger: Final = logging.getLogger(__name__)

Member = Callable[[int, Settings, socket.socket], None]
"""What a process runs: with its number, its settings and its end of the line. Must be one that pickles."""

END_S: Final = 9.6
"""For all to have ended: a process gives itself nine seconds, an orchestrator gives ten."""


def check_shares(settings: Settings, *, delivers: bool) -> None:
    """Every process must be able to post. Raises BadSettings."""
    if delivers and settings.processes > settings.ga_in_flight:
        fault = (
            f"CHAT2GA_PROCESSES: {settings.processes} processes cannot share CHAT2GA_GA_IN_FLIGHT="
            f"{settings.ga_in_flight} requests. Raise that, or run fewer processes."
        )
        raise BadSettings((fault,))


def share(settings: Settings, number: int) -> Settings:
    """The settings of one process: those of the worker, with its share of what is the worker's as a whole."""
    each, left_over = divmod(settings.ga_in_flight, settings.processes)
    own = {
        "ga_in_flight": each + (number < left_over),
        "state_dir": settings.state_dir / f"process-{number}",
    }
    return settings.model_copy(update=own)


async def supervise(settings: Settings, member: Member, stop: asyncio.Event) -> int:
    """Run the processes until told to stop or until one ends; the exit code, 0 only if all of them ended well.

    Raises PortTaken, before any is started. `stop` is set by the caller's signal handlers.
    """
    processes = [_Process(number) for number in range(settings.processes)]
    health = HealthServer(settings.http_host, settings.http_port, _All(processes))
    await health.start()
    try:
        with _signals_held_back():
            for process in processes:
                await process.start(member, share(settings, process.number))
        return await _watch(processes, stop)
    finally:
        await _end(processes)
        await health.stop()


async def _watch(processes: "Sequence[_Process]", stop: asyncio.Event) -> int:
    told = asyncio.create_task(stop.wait())
    ends: list[asyncio.Future[Any]] = [told, *[process.ended for process in processes]]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    lost = [] if stop.is_set() else [process for process in processes if process.ended.done()]
    for process in lost:
        logger.error("%s ended by itself: %s. The others are stopped.", process, process.end())
    logger.info("stopping: %d processes", len(processes))
    await _end(processes)
    failed = [process for process in processes if process.ended.result() and process not in lost]
    for process in failed:
        logger.error("%s, told to stop, ended so: %s", process, process.end())
    logger.info("stopped")
    return 1 if lost or failed else 0


async def _end(processes: "Sequence[_Process]") -> None:
    """Stop all that run, and wait for them; what does not end in time is killed. Once is as good as twice."""
    started = [process for process in processes if process.started]
    for process in started:
        process.stop()
    if not started:
        return
    _, late = await asyncio.wait([process.ended for process in started], timeout=END_S)
    for process in started:
        if process.ended in late:
            logger.error("%s has not stopped within %g s: it is killed", process, END_S)
            process.kill()
    await asyncio.wait([process.ended for process in started])


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """What is started in here begins with SIGTERM and SIGINT held back until it can stop in order.

    Ctrl-C in a terminal reaches every process at once, also one that is still
    importing.
    """
    resource_tracker.ensure_running()  # started later, by the first process, it would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Process:
    """One process, seen by the supervisor."""

    def __init__(self, number: int) -> None:
        self.number: Final = number
        self.line: Final = Line()
        self.ended: Final[asyncio.Future[int]] = asyncio.get_running_loop().create_future()
        self.started = False
        self._stopping = False

    def __str__(self) -> str:
        return f"process {self.number} (pid {self._process.pid})"

    async def start(self, member: Member, settings: Settings) -> None:
        """Start it. Until it answers it is `starting`."""
        ours, theirs = socket.socketpair()
        await self.line.open(ours)
        with theirs:  # the process has a copy of it, and sees our end close once we have none
            self._process = multiprocessing.get_context("spawn").Process(
                target=member, args=(self.number, settings, theirs)
            )
            self._process.start()
        self.started = True
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._take_end)
        logger.info("started %s", self)

    def _take_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self.ended.set_result(self._process.exitcode or 0)

    def end(self) -> str:
        """How it ended, for people."""
        code = self.ended.result()
        return f"exit code {code}" + (f" ({signal.Signals(-code).name})" if code < 0 else "")

    def stop(self) -> None:
        """Let go of it: it stops in order."""
        self._stopping = True
        self.line.close()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    async def states(self) -> dict[str, State]:
        """The states of its parts, or its own where it tells of none."""
        name = f"process {self.number}"
        if self.ended.done() and not self._stopping:
            return {name: "failed"}
        if self._stopping or not self.line.up:
            return {name: "stopping" if self._stopping else "starting"}
        told = await self.line.states()
        return {name: "silent"} if told is None else {f"{name} {part}": state for part, state in told.items()}


class _All:
    """The whole worker, as its health port shows it."""

    def __init__(self, processes: Sequence[_Process]) -> None:
        self._processes: Final = processes

    async def states(self) -> dict[str, State]:
        """The states of all parts of all processes."""
        told = await asyncio.gather(*[process.states() for process in self._processes])
        return {name: state for states in told for name, state in states.items()}

    async def metrics(self) -> bytes:
        """The metrics of every process that answers."""
        up = [process for process in self._processes if process.line.up]
        told = await asyncio.gather(*[process.line.metrics() for process in up])
        answers = zip(up, told, strict=True)
        return merged({str(process.number): metrics for process, metrics in answers if metrics is not None})


# -- in a process -------------------------------------------------------------------------


@asynccontextmanager
async def obey(end: socket.socket, watched: Watched, stop: asyncio.Event) -> AsyncIterator[None]:
    """Answer the supervisor meanwhile; once it has let go, or is gone, stop is set."""
    threading.Thread(target=_end_with_supervisor, daemon=True).start()

    async def follow_to_the_end() -> None:
        try:
            await follow(end, watched)
        finally:
            stop.set()

    following = asyncio.create_task(follow_to_the_end(), name="supervisor")
    try:
        yield
    finally:
        following.cancel()


def _end_with_supervisor() -> None:
    """Nobody is there to kill a process that hangs once its supervisor was killed: so it does that itself.

    In a thread of its own: what hangs may be the event loop.
    """
    supervisor = multiprocessing.parent_process()
    assert supervisor is not None
    supervisor.join()
    time.sleep(END_S)
    os._exit(1)
