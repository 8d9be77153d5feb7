"""The line between the supervisor and one of its processes: a pair of sockets, and nothing else.

No port, no file: nobody else can ask, and a kill leaves nothing behind. Over it
the supervisor asks for states and metrics. That it ends tells the process to
stop: whether the supervisor let go of it or was killed is the same to the
process, so the one is tested with the other.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Final, Literal

import orjson

from streams.worker.health import State, Watched

__all__ = ["Line", "follow"]

ANSWER_S: Final = 1.5
"""For an answer: a process at work computes for some milliseconds at a time. Probes wait 1 s or more."""
_LENGTH_BYTES: Final = 4

Asked = Literal[b"s", b"m"]
"""States or metrics."""
_UP: Final = b"u"


class Line:
    """The supervisor's end."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._pending: Final[dict[bytes, asyncio.Future[bytes | None]]] = {}
        self.up = False
        """Whether the process has begun to answer."""

    async def open(self, end: socket.socket) -> None:
        """Begin to listen."""
        reader, self._writer = await asyncio.open_connection(sock=end)
        self._reading = asyncio.create_task(self._read(reader), name="line")

    async def states(self) -> dict[str, State] | None:
        """The state of each of its parts; None: no answer in time."""
        said = await self._ask(b"s")
        return None if said is None else orjson.loads(said)

    async def metrics(self) -> bytes | None:
        """Its metrics; None: no answer in time."""
        return await self._ask(b"m")

    async def _ask(self, what: Asked) -> bytes | None:
        """At most one question of a kind is under way, so that none pile up before a process that hangs."""
        pending = self._pending.get(what)
        if pending is None:
            if self._writer is None or self._writer.is_closing():
                return None
            pending = self._pending[what] = asyncio.get_running_loop().create_future()
            self._writer.write(what)
        try:
            return await asyncio.wait_for(asyncio.shield(pending), ANSWER_S)
        except TimeoutError:
            return None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the process has ended, which its exit code tells
            while True:
                what = await reader.readexactly(1)
                said = await reader.readexactly(int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big"))
                self.up = True
                if pending := self._pending.pop(what, None):
                    pending.set_result(said)
        self._give_up()

    def _give_up(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()  # at once: a process that hangs reads nothing more
        for pending in self._pending.values():
            pending.set_result(None)
        self._pending.clear()

    def close(self) -> None:
        """Let go: the process stops in order."""
        if self._reading is not None:
            self._reading.cancel()
        self._give_up()


async def follow(end: socket.socket, watched: Watched) -> None:
    """The process's end: answer, and return when the supervisor has let go or is gone."""
    reader, writer = await asyncio.open_connection(sock=end)
    try:
        _say(writer, _UP, b"")
        while what := await reader.read(1):
            _say(writer, what, await watched.metrics() if what == b"m" else orjson.dumps(await watched.states()))
            await writer.drain()
    except ConnectionError:
        pass  # killed in the midst of a question: the same end
    finally:
        writer.close()


def _say(writer: asyncio.StreamWriter, what: bytes, said: bytes) -> None:
    writer.write(what + len(said).to_bytes(_LENGTH_BYTES, "big") + said)
