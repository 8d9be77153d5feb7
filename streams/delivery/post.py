"""Post: one request over HTTP, one answer back. The only place where a secret meets an address.

httpx's transport is used without its client: the client logs addresses at INFO,
keeps cookies and can follow redirects, and none of that may happen here. The
transport keeps connections open and gives them back.
"""

import asyncio
from types import TracebackType
from typing import Final, Self

import httpx

from streams.delivery.errors import CannotPost
from streams.delivery.quiet import quieten
from streams.measurement import HOSTS, Answer, Request, answer_of, no_answer

__all__ = ["Post"]

_CONNECT_S: Final = 5.0
_KEEPALIVE_S: Final = 30.0
_ANSWER_BYTES: Final = 65_536  # GA's answers are empty: of a longer one the connection is given up, not read to its end


class Post:
    """Requests out, to Google or to the endpoint in its place."""

    def __init__(self, endpoint: str | None, in_flight: int, timeout_s: float) -> None:
        self._endpoint = endpoint
        self._in_flight = in_flight
        self._timeout_s = timeout_s
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def __aenter__(self) -> Self:
        quieten()
        self._transport = httpx.AsyncHTTPTransport(
            trust_env=False,  # the environment is read by the settings alone, and no .netrc is sent to GA
            limits=httpx.Limits(
                max_connections=self._in_flight,
                max_keepalive_connections=self._in_flight,
                keepalive_expiry=_KEEPALIVE_S,
            ),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    def host(self, region: str) -> str:
        """Where requests of a region go."""
        return self._endpoint or (HOSTS["eu"] if region == "eu" else HOSTS["global"])

    async def __call__(self, request: Request, region: str, secret: str | None, now_micros: int) -> Answer:
        """The answer to one request; having none is an answer too.

        Raises CannotPost for what no endpoint could mend.
        """
        wrong = ""
        try:
            async with asyncio.timeout(self._timeout_s):
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
        assert self._transport is not None, "Post is used inside `async with`"
        query = {"measurement_id": request.tracker_id, "api_secret": secret} if request.needs_secret else None
        response = await self._transport.handle_async_request(
            httpx.Request(
                "POST",
                httpx.URL(self.host(region) + request.path, params=query),
                headers={"content-type": request.content_type, "user-agent": "chat2ga"},
                content=request.body_at(now_micros),
                extensions={
                    "timeout": httpx.Timeout(self._timeout_s, connect=min(_CONNECT_S, self._timeout_s)).as_dict()
                },
            )
        )
        try:
            size = 0
            async for part in response.aiter_raw():
                size += len(part)
                if size > _ANSWER_BYTES:
                    break
        finally:
            await response.aclose()
        return answer_of(response.status_code, response.headers.get("retry-after"), now_micros)
