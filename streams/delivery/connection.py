"""Connection: one HTTP/1.1 connection, one exchange after the other.

The parser is llhttp's (`httptools`); the rest is what asyncio calls. One write for
head and body of a request, no task and no lock of its own.

Whoever asks has the connection to himself until he has left the answer and it has
ended, be that later: then it is free for another. One whose answer does not end in
time is closed.

Source: RFC 9112.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

import httptools
import httpx

__all__ = ["Connection", "Head"]

Head = tuple[int, list[tuple[bytes, bytes]]]
"""Status and header fields of an answer."""

_INTERIM: Final = range(100, 200)  # RFC 9110 §15.2: the answer proper is yet to come
_LEFT_S: Final = 5.0
"""For the rest of an answer that nobody reads: GA's are empty, and what a proxy adds comes at once."""
_LEFT_BYTES: Final = 65_536
_HEAD_BYTES: Final = 65_536
_FRAMED: Final = (b"content-length", b"transfer-encoding")


class Connection(asyncio.Protocol):
    """States: idle; somebody's, from `exchange` until `leave` and the answer's end; lost.

    Whatever an exchange that is given up leaves behind is never read as the answer
    to the next.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        free: Callable[["Connection"], None],
        lost: Callable[["Connection"], None],
    ) -> None:
        """`free` takes it back once another may ask; `lost` hears that it is gone."""
        self._loop = loop
        self._free = free
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._phases = (0.0, 0.0)  # seconds to write, and between two pieces of the answer
        self._writing = False
        self._moved_s = 0.0
        self.idle_since_s = 0.0
        self._begin()

    def _begin(self) -> None:
        self._parser: httptools.HttpResponseParser | None = None
        self._head: asyncio.Future[Head] | None = None
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: deque[bytes] = deque()
        self._head_size = 0  # with all interim answers, or they could go on for ever
        self._left_size = 0
        self._more = asyncio.Event()
        self._left = False
        self._ended = False
        self._is_reusable = False
        self._broken: httpx.TransportError | None = None

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be asked on it any more."""
        return self._transport is None or self._transport.is_closing()

    @property
    def has_more(self) -> bool:
        """Whether an answer has begun and not ended."""
        return not self._ended and not self.is_lost

    # -- an exchange ---------------------------------------------------------------------

    async def exchange(self, sent: bytes, write_s: float, read_s: float) -> Head:
        """Write a request and wait for the head of its answer, which is to be left. Raises httpx.TransportError.

        Cancelled or failed, the connection is closed: whatever comes later answers nobody.
        """
        assert self._transport is not None  # it was connected, and is idle
        self._begin()
        self._parser = httptools.HttpResponseParser(self)
        self._head = self._loop.create_future()
        self._phases, self._moved_s = (write_s, read_s), self._loop.time()
        try:
            self._transport.write(sent)
            self._look()
            return await self._head
        except BaseException:
            self.abort()
            raise

    async def body(self) -> AsyncIterator[bytes]:
        """The answer's body, as it comes. Raises httpx.TransportError where it breaks off."""
        while True:
            while self._body:
                yield self._body.popleft()
            if self._ended:
                return
            if self._broken:
                raise self._broken
            self._more.clear()
            await self._more.wait()

    def leave(self) -> None:
        """Once: the body is read no further. Its rest goes by, if that is soon over, or the connection is closed."""
        self._left = True
        self._body.clear()
        if self._ended:
            self._give_back()
        elif self.has_more:
            self._stop_timer()
            self._timer = self._loop.call_later(_LEFT_S, self.abort)

    def abort(self) -> None:
        """Close it now, whatever is under way."""
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    # -- what asyncio calls ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        assert isinstance(transport, asyncio.Transport)
        # So that `pause_writing` says whether anything is left to write. Not 0: over TLS that is reached by nothing.
        transport.set_write_buffer_limits(high=1)
        self._transport = transport

    def pause_writing(self) -> None:
        """The system did not take all of a request at once."""
        self._writing = True

    def resume_writing(self) -> None:
        """Now it has."""
        self._writing, self._moved_s = False, self._loop.time()

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        if self._parser is None:
            self.abort()  # nobody asked: a server that ends a silence so is about to close
            return
        self._moved_s = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._break(httpx.RemoteProtocolError(type(error).__name__))
            return
        if self._ended:
            self._end()
        elif not self._status:
            self._head_size += len(data)
            if self._head_size > _HEAD_BYTES:
                self._break(httpx.RemoteProtocolError("a head this long is no answer"))
        elif self._left:
            self._left_size += len(data)
            if self._left_size > _LEFT_BYTES:
                self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone: by the other side, or closed here."""
        self._transport = None
        self._stop_timer()
        self._lost(self)
        if self._parser is None:
            return
        if self._status and exc is None and not any(name.lower() in _FRAMED for name, _ in self._headers):
            self._ended = True  # RFC 9112 §6.3: its end is the connection's
            self._end()
        else:
            self._break(httpx.ReadError("") if exc else httpx.RemoteProtocolError("closed before the answer's end"))

    # -- what the parser calls ---------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer; a second one in the same exchange was not asked for."""
        if self._ended:
            raise ValueError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there; an interim one is not the answer."""
        assert self._parser is not None
        assert self._head is not None
        status = self._parser.get_status_code()
        if status in _INTERIM:
            return
        if status < _INTERIM.start:
            raise ValueError("no status")
        self._status = status
        if not self._head.done():
            self._head.set_result((status, self._headers))

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._left:
            self._body.append(body)
            self._more.set()

    def on_message_complete(self) -> None:
        """The answer's end, or that of an interim one."""
        assert self._parser is not None
        if self._status:
            self._ended, self._is_reusable = True, self._parser.should_keep_alive()
        else:
            self._headers = []

    # -- its end ---------------------------------------------------------------------------------

    def _end(self) -> None:
        self._stop_timer()
        self._parser = None
        self._more.set()
        if self._writing or not self._is_reusable:
            # Answered early, the rest of the request would stand before the next one. And at once: over TLS a
            # connection that is closed in good form waits half a minute for the other side.
            self.abort()
        if self._left:
            self._give_back()

    def _give_back(self) -> None:
        if not self.is_lost:
            self.idle_since_s = self._loop.time()
            self._free(self)

    def _break(self, error: httpx.TransportError) -> None:
        self._broken = error
        self._parser = None
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        self._more.set()
        self.abort()

    # -- its time ----------------------------------------------------------------------------------

    def _look(self) -> None:
        """Whether the phase that it is in has stood still for too long."""
        phase_s = self._phases[0 if self._writing else 1]
        left_s = self._moved_s + phase_s - self._loop.time()
        if left_s > 0:
            # To the nearer end of both: a phase may begin meanwhile that has less time.
            self._timer = self._loop.call_later(min(left_s, *self._phases), self._look)
        else:
            self._break(httpx.WriteTimeout("") if self._writing else httpx.ReadTimeout(""))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
