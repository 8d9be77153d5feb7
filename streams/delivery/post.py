"""Post: one request over HTTP, one answer back. The only place where a secret meets an address.

httpx's transport is used without its client: the client logs addresses at INFO,
keeps cookies and can follow redirects, and none of that may happen here.

Each request in flight has a transport of its own, with a connection that stays
open for the next. In one shared pool every request looks through all connections,
idle ones at the cost of a system call each: with 32 in flight, a quarter of the
requests a second.
"""

import asyncio
from types import TracebackType
from typing import Final, Self

import httpx

from streams.delivery.errors import CannotPost
from streams.delivery.quiet import quieten
from streams.delivery.timeouts import Timeouts
from streams.measurement import Answer, Request, answer_of, host_of, no_answer

__all__ = ["Post"]

_KEEPALIVE_S: Final = 30.0
_CONNECTIONS: Final = 2  # of a transport: one for each of Google's two regions
_ANSWER_BYTES: Final = 65_536  # GA's answers are empty: of a longer one the connection is given up, not read to its end


class Post:
    """Requests out, to Google or to the endpoint in its place."""

    def __init__(self, endpoint: str | None, timeouts: Timeouts) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._phases = timeouts.as_httpx()
        # One for all: it takes longer to make than a request. The environment is read by the settings alone.
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._idle: list[httpx.AsyncHTTPTransport] = []  # the last one back is the next one out: few stay warm

    async def __aenter__(self) -> Self:
        quieten()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._idle:
            await self._idle.pop().aclose()

    def _transport(self) -> httpx.AsyncHTTPTransport:
        """One that nobody uses. As many are made as requests were ever in flight at once."""
        if self._idle:
            return self._idle.pop()
        return httpx.AsyncHTTPTransport(
            verify=self._tls,
            trust_env=False,
            limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_KEEPALIVE_S),
        )

    def host(self, region: str) -> str:
        """Where requests of a region go."""
        return host_of(region, self._endpoint)

    async def __call__(self, request: Request, region: str, secret: str | None, now_micros: int) -> Answer:
        """The answer to one request; having none is an answer too.

        Raises CannotPost for what no endpoint could mend.
        """
        wrong = ""
        try:
            async with asyncio.timeout(self._timeouts.whole_s):
                return await self._exchange(request, region, secret, now_micros)
        except (httpx.TimeoutException, TimeoutError):
            return no_answer("timeout")
        except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError):
            return no_answer("unreachable")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            wrong = type(error).__name__
        # Outside the handler: an error raised within it would carry httpx's along.
        raise CannotPost(request.tracker_id, wrong)

    async def _exchange(self, request: Request, region: str, secret: str | None, now_micros: int) -> Answer:
        query = {"measurement_id": request.tracker_id, "api_secret": secret} if request.needs_secret else None
        posted = httpx.Request(
            "POST",
            httpx.URL(self.host(region) + request.path, params=query),
            headers={"content-type": request.content_type, "user-agent": "chat2ga"},
            content=request.body_at(now_micros),
            extensions={"timeout": self._phases},
        )
        transport = self._transport()
        try:
            response = await transport.handle_async_request(posted)
            try:
                await _read(response)
            finally:
                await response.aclose()
        finally:
            self._idle.append(transport)
        return answer_of(response.status_code, response.headers.get("retry-after"), now_micros)


async def _read(response: httpx.Response) -> None:
    """To its end, so that the connection can be used again, unless that is far off."""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > _ANSWER_BYTES:
            return
