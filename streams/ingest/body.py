"""Reading a request's body: up to a limit, and within a time. Not a byte more is kept.

As it came: a body that is encoded is not decoded, as the signature is of what was
sent, and as a few bytes may be made to decode to any number.
"""

import asyncio
from typing import Final, Protocol

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

__all__ = ["CutShort", "Stream", "TooLarge", "TooSlow", "read_body"]

_BROKEN: Final = (ConnectionError, web.RequestPayloadError, ClientError, HttpProcessingError)


class TooLarge(Exception):
    """It is larger than the limit, or says that it will be."""


class TooSlow(Exception):
    """It did not arrive in time."""


class CutShort(Exception):
    """It ended before its end, or is not what its headers say."""


class Stream(Protocol):
    """A body that arrives."""

    async def readany(self) -> bytes:
        """What has arrived; nothing at the end."""


async def read_body(stream: Stream, declared: int | None, *, most: int, within_s: float) -> bytes:
    """The body, of `declared` bytes or of nobody knows how many. Raises TooLarge, TooSlow and CutShort."""
    if declared is not None and declared > most:
        raise TooLarge
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            while part := await stream.readany():
                if len(body) + len(part) > most:
                    raise TooLarge
                body += part
    except TimeoutError:
        raise TooSlow from None
    except _BROKEN:
        raise CutShort from None
    return bytes(body)
