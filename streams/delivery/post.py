"""Post: one request over HTTP, one answer back. The only place where a secret meets an address.

httpx's request and answer over a transport of our own, without httpx's client: the
client logs addresses at INFO, keeps cookies and can follow redirects, and none of
that may happen here.

An answer is its head: the status says whether the events were taken. A body that
comes slowly or breaks off takes nothing back, so events are not sent again for it.
"""

import asyncio
from functools import lru_cache
from types import TracebackType
from typing import Final, Self

import httpx

from streams.delivery.errors import CannotPost
from streams.delivery.quiet import quieten
from streams.delivery.timeouts import Timeouts
from streams.delivery.transport import Transport
from streams.measurement import Answer, Request, answer_of, host_of, no_answer

__all__ = ["Post", "address", "posted"]

_ADDRESSES: Final = 1_024
"""To make an address takes longer than to send a request. More trackers than these are made anew in turn."""


class Post:
    """Requests out, to Google or to the endpoint in its place."""

    def __init__(self, endpoint: str | None, timeouts: Timeouts) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._phases = timeouts.as_httpx()
        self._transport = Transport()
        self._address = lru_cache(_ADDRESSES)(address)  # its own: secrets do not outlive it

    async def __aenter__(self) -> Self:
        quieten()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._address.cache_clear()
        await self._transport.aclose()

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
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            wrong = type(error).__name__
        # Outside the handler: an error raised within it would carry httpx's along.
        raise CannotPost(request.tracker_id, wrong)

    async def _exchange(self, request: Request, region: str, secret: str | None, now_micros: int) -> Answer:
        given = secret if request.needs_secret else None
        where = self._address(self.host(region) + request.path, request.tracker_id, given)
        response = await self._transport.handle_async_request(
            posted(request, where, request.body_at(now_micros), self._phases)
        )
        await response.aclose()
        later = None if response.is_success else response.headers.get("retry-after")
        return answer_of(response.status_code, later, now_micros)


def address(url: str, tracker_id: str, secret: str | None) -> httpx.URL:
    """Where a tracker's events go, with its secret if there is one. Raises httpx.InvalidURL."""
    query = None if secret is None else {"measurement_id": tracker_id, "api_secret": secret}
    return httpx.URL(url, params=query)


def posted(request: Request, where: httpx.URL, body: bytes, phases: dict[str, float]) -> httpx.Request:
    """A request as the transport takes it; `phases`: seconds for each, by httpx's names."""
    return httpx.Request(
        "POST",
        where,
        headers={"content-type": request.content_type, "user-agent": "chat2ga"},
        stream=httpx.ByteStream(body),
        extensions={"timeout": phases},
    )
