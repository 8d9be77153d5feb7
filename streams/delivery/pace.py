"""Pace: how long to wait before a request is tried again, and the clock that waits go by."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["Pace"]


@dataclass(frozen=True, slots=True)
class Pace:
    """Exponential backoff with full jitter, and whatever the endpoint asks for on top.

    Full jitter, because lanes that failed together must not come back together:
    each wait is anywhere between nothing and its bound.
    """

    first_s: float = 0.5
    longest_s: float = 60.0  # between two probes of an endpoint that fails altogether
    longest_of_lane_s: float = 15.0  # while others get through: a run ends with its slowest lane
    chance: Callable[[], float] = random.random  # of [0, 1)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now_s: Callable[[], float] = time.monotonic  # the wall's may be set back, and an endpoint be left alone for hours

    def wait_s(self, attempts: int, retry_after_s: float | None) -> float:
        """Seconds that a lane waits after that many attempts. Never less than the endpoint asks for."""
        bound = min(self.longest_of_lane_s, self.first_s * 2.0 ** min(attempts - 1, 32))
        return (retry_after_s or 0.0) + self.chance() * bound
