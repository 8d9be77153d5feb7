"""Lanes: what must happen one after the other, also where several calls meet.

A lane is an account, a tracker and a client. Runs of one partition may be on
their way at the same time, and may hold the same event twice; the later one waits
here until the earlier one's receipts are written, and then asks the ledger again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.measurement import Lane

__all__ = ["Lanes"]


class _Held:
    __slots__ = ("lock", "wanted")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()  # first come, first served
        self.wanted = 0


class Lanes:
    """Locks by lane, kept only while someone holds or awaits one."""

    def __init__(self) -> None:
        self._held: dict[Lane, _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    @asynccontextmanager
    async def hold(self, lane: Lane) -> AsyncIterator[None]:
        """Hold a lane, once those who asked before have given it back."""
        held = self._held.setdefault(lane, _Held())
        held.wanted += 1
        try:
            async with held.lock:
                yield
        finally:
            held.wanted -= 1
            if not held.wanted:
                del self._held[lane]
