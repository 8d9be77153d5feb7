"""Bucket: at most so many requests a second. Pure: the time comes in as data.

Over any span of T seconds it lets through at most `rate * T + burst`.
"""

from dataclasses import dataclass

__all__ = ["Bucket"]


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at `rate_per_s`, up to `burst`. Times in seconds of a clock that never goes back."""

    rate_per_s: float
    burst: float  # at least 1, or nothing ever passes
    tokens: float
    at_s: float

    def take(self, now_s: float) -> bool:
        """Take a token, if there is one."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now_s - self.at_s) * self.rate_per_s)
        self.at_s = max(self.at_s, now_s)
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True

    def wait_s(self, ahead: int) -> float:
        """Seconds until there is a token for one who has that many before it."""
        return max(0.0, 1.0 - self.tokens + ahead) / self.rate_per_s

    def is_full(self, now_s: float) -> bool:
        """Whether it need not be remembered."""
        return self.tokens + max(0.0, now_s - self.at_s) * self.rate_per_s >= self.burst
