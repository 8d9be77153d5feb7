"""Transport: HTTP/1.1 for httpx, by asyncio's own transports and llhttp's parser.

httpx's own (`httpcore` over `anyio` and `h11`) costs fifteen times the processor time
of a request, and aiohttp's client twice: docs/decisions/0016-transport.md.

It has as many connections as there are requests at once, which is for those who ask
to bound, and `_LINGERING` whose answers nobody reads to their end. It follows
no redirect, keeps no cookie, knows no proxy, reads no environment, tries nothing
twice and logs nothing.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

import httpx
from aiohappyeyeballs import start_connection

from streams.delivery.connection import Connection

__all__ = ["Transport"]

_PORTS: Final = {"http": 80, "https": 443}
_LAST_PORT: Final = 65_535
_KEEPALIVE_S: Final = 30.0
"""Idle for longer, a connection is not used again: the other side may be about to close it."""
_EYEBALLS_S: Final = 0.25
"""RFC 8305: the other family of addresses is tried beside one that does not answer within it."""

_LINGERING: Final = 32
"""So many connections may wait for the rest of an answer that was left; one more is closed instead."""

Origin = tuple[str, str, int]
"""Scheme, host, port."""


class Transport(httpx.AsyncBaseTransport):
    """What httpx posts over: each request has a connection to itself, which stays open for the next."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[Connection]] = {}  # the last one back is the next one out: few stay warm
        self._open: set[Connection] = set()
        self._lingering: set[Connection] = set()
        self._closed = False
        # One for all: it takes longer to make than a request. The environment is read by the settings alone.
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._tls.set_alpn_protocols(["http/1.1"])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer's head, its body yet to be read or left. Raises httpx.TransportError.

        `request.extensions["timeout"]` bounds connecting, writing and the wait
        between two pieces of the answer, in seconds.
        """
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([part async for part in request.stream])
        sent = _head(request, len(body)) + body
        times: dict[str, float] = request.extensions["timeout"]
        connection = await self._connection(request.url, times["connect"])
        status, headers = await connection.exchange(sent, times["write"], times["read"])
        return httpx.Response(status, headers=headers, stream=_Body(connection, self._leave))

    async def aclose(self) -> None:
        """Close every connection, also those whose answers nobody awaits any more, and open none any more."""
        self._closed = True
        for connection in list(self._open):
            connection.abort()
        self._idle.clear()
        while self._open:  # noqa: ASYNC110 - two rounds at most
            await asyncio.sleep(0)  # asyncio closes their sockets with its next round

    async def _connection(self, url: httpx.URL, connect_s: float) -> Connection:
        """An idle one, or one more. Raises httpx.UnsupportedProtocol, ConnectError, ConnectTimeout."""
        if url.scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"not HTTP: {url.scheme}")
        # As it goes over the wire: what httpx shows of a name outside ASCII, asyncio would encode as another one.
        origin = (url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme])
        if origin[2] > _LAST_PORT:
            raise httpx.UnsupportedProtocol(f"no port: {origin[2]}")
        oldest_s = asyncio.get_running_loop().time() - _KEEPALIVE_S
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            if not connection.is_lost and connection.idle_since_s >= oldest_s:
                return connection
            connection.abort()
        return await self._connect(origin, connect_s)

    async def _connect(self, origin: Origin, connect_s: float) -> Connection:
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        is_tls = scheme == "https"
        connection = Connection(loop, partial(self._take_back, origin), self._lost)
        try:
            async with asyncio.timeout(connect_s):
                addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                # asyncio's own race of addresses leaves a socket open where time runs out as it connects.
                made = await start_connection(addresses, happy_eyeballs_delay=_EYEBALLS_S, interleave=1)
                await loop.create_connection(
                    lambda: connection,
                    sock=made,
                    ssl=self._tls if is_tls else None,
                    server_hostname=host if is_tls else None,
                )
        except TimeoutError:
            raise httpx.ConnectTimeout("") from None
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(type(error).__name__) from None
        self._open.add(connection)
        if self._closed:
            connection.abort()
            raise httpx.ConnectError("closed meanwhile")
        return connection

    def _leave(self, connection: Connection) -> None:
        if connection.has_more:
            if len(self._lingering) >= _LINGERING:
                connection.abort()
                return
            self._lingering.add(connection)
        connection.leave()

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._lingering.discard(connection)

    def _take_back(self, origin: Origin, connection: Connection) -> None:
        self._lingering.discard(connection)
        idle = self._idle.setdefault(origin, [])
        idle.append(connection)
        while idle and (idle[0].is_lost or idle[0].idle_since_s < connection.idle_since_s - _KEEPALIVE_S):
            idle.pop(0).abort()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, of as much of it as is read."""

    def __init__(self, connection: Connection, leave: Callable[[Connection], None]) -> None:
        self._connection: Connection | None = connection
        self._leave = leave

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._connection is None:
            raise httpx.StreamClosed
        return self._connection.body()

    async def aclose(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None  # it may be another's from here on
            self._leave(connection)


def _head(request: httpx.Request, length: int) -> bytes:
    """Request line and header fields. Raises httpx.LocalProtocolError where one holds a line break."""
    url = request.url
    fields = [
        b"%s %s HTTP/1.1" % (request.method.encode("ascii"), url.raw_path),
        b"host: " + url.netloc,
        b"content-length: %d" % length,
        *[b"%s: %s" % field for field in request.headers.raw],
    ]
    if any(b"\n" in field or b"\r" in field for field in fields):
        raise httpx.LocalProtocolError("a line break within a header field")
    return b"\r\n".join(fields) + b"\r\n\r\n"
