"""Places: how many requests are in flight at once, and quiet, in which none begins."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from streams.observe.metrics import GA_IN_FLIGHT

__all__ = ["MayPost", "Places"]

MayPost = Callable[[], bool]
"""Whether the events are still the caller's to post: another may have been given them meanwhile."""

_LOOK_S: Final = 0.1
_log: Final = logging.getLogger(__name__)


class Places:
    """A place in flight is held from before a request begins until its receipts are written."""

    def __init__(self, in_flight: int) -> None:
        self._places = asyncio.Semaphore(in_flight)
        self._open = asyncio.Event()
        self._open.set()
        self._taken = 0
        self._none_taken = asyncio.Event()

    @asynccontextmanager
    async def take(self, may_post: MayPost) -> AsyncIterator[None]:
        """Hold a place, once there is one and a request may begin."""
        async with self._places:
            await self._open.wait()
            while not may_post():
                await asyncio.sleep(_LOOK_S)
                await self._open.wait()
            self._taken += 1
            GA_IN_FLIGHT.inc()
            try:
                yield
            finally:
                GA_IN_FLIGHT.dec()
                self._taken -= 1
                if not self._taken:
                    self._none_taken.set()

    @asynccontextmanager
    async def quiet(self, patience_s: float = math.inf) -> AsyncIterator[None]:
        """While it lasts no place is given; it is entered once all are back, or patience has run out."""
        self._open.clear()
        try:
            try:
                async with asyncio.timeout(None if math.isinf(patience_s) else patience_s):
                    while self._taken:
                        self._none_taken.clear()
                        await self._none_taken.wait()
            except TimeoutError:
                _log.warning(
                    "%d requests in flight are given up: GA has not answered, and may get them twice", self._taken
                )
            yield
        finally:
            self._open.set()
