"""Validation: sample events through a validation server. Nothing that goes there reaches a property.

Source: Google's page "Validate events". The request is the one that would be
sent, at another path; Google's server looks at names and forms, not at secrets.
"""

import asyncio
from types import TracebackType
from typing import Final, Self

import httpx
import msgspec

from streams.delivery.errors import CannotValidate
from streams.delivery.post import address, posted
from streams.delivery.quiet import quieten
from streams.delivery.transport import Transport
from streams.measurement import Request, host_of

__all__ = ["Message", "Validation"]

_DEBUG: Final = "/debug"
# The strictest that the server can be: recommendations count as rules.
_STRICT: Final = b',"validation_behavior":"ENFORCE_RECOMMENDATIONS"}'
_ANSWER_BYTES: Final = 1_048_576
_OK: Final = range(200, 300)
_MASK: Final = "**********"


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """What the server finds wrong."""

    field_path: str = ""
    description: str = ""
    validation_code: str = ""


class _Said(msgspec.Struct, frozen=True, rename="camel"):
    validation_messages: tuple[Message, ...]


class Validation:
    """Requests to a validation server: Google's of the region, or that of the endpoint in its place."""

    def __init__(self, endpoint: str | None, timeout_s: float) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._transport = Transport()

    async def __aenter__(self) -> Self:
        quieten()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    def host(self, region: str) -> str:
        """Where requests of a region go."""
        return host_of(region, self._endpoint)

    async def __call__(self, request: Request, region: str, secret: str) -> tuple[Message, ...]:
        """What is wrong with a GA4 request, by the server; nothing: it would be taken.

        Raises CannotValidate where the server cannot say.
        """
        host = self.host(region)
        try:
            async with asyncio.timeout(self._timeout_s):
                status, raw = await self._exchange(host, request, secret)
        except (httpx.TimeoutException, TimeoutError):
            status, raw, why = 0, b"", f"no answer within {self._timeout_s:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            status, raw, why = 0, b"", f"it cannot be reached ({type(error).__name__})"
        else:
            why = "" if status in _OK else f"it answered with status {status}"
        if why:  # outside the handlers: an error raised within one would carry httpx's along, and that the address
            raise CannotValidate(host, why, status)
        try:
            said = msgspec.json.decode(raw, type=_Said)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise CannotValidate(host, "its answer is not that of a validation server", status) from None
        return tuple([_masked(message, secret) for message in said.validation_messages])

    async def _exchange(self, host: str, request: Request, secret: str) -> tuple[int, bytes]:
        where = address(host + _DEBUG + request.path, request.tracker_id, secret)
        phases = dict.fromkeys(("connect", "write", "read"), self._timeout_s)
        response = await self._transport.handle_async_request(
            posted(request, where, request.encoded[:-1] + _STRICT, phases)
        )
        raw = b""
        try:
            async for part in response.aiter_raw():
                raw += part
                if len(raw) > _ANSWER_BYTES:
                    break
        finally:
            await response.aclose()
        return response.status_code, raw


def _masked(message: Message, secret: str) -> Message:
    """Without the secret, which a server may repeat."""
    parts = (message.field_path, message.description, message.validation_code)
    return Message(*[part.replace(secret, _MASK) for part in parts])
