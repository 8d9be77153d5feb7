"""Places: how many requests may be worked on at once, and when the last of them is done."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from streams.observe import metrics

__all__ = ["Places"]


class Places:
    """So many, and no queue: who finds none comes again."""

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._taken = 0
        self._empty: Final = asyncio.Event()
        self._empty.set()

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Whether there is a place; if so it is taken while this lasts."""
        if self._taken >= self._most:
            yield False
            return
        self._taken += 1
        self._empty.clear()
        metrics.INGEST_IN_FLIGHT.set(self._taken)
        try:
            yield True
        finally:
            self._taken -= 1
            metrics.INGEST_IN_FLIGHT.set(self._taken)
            if not self._taken:
                self._empty.set()

    async def empty(self, within_s: float) -> bool:
        """Whether all of them are free within this time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), within_s)
        return self._empty.is_set()
