"""Breaker: whether an endpoint may be asked, after how it answered. Pure: time and chance come in as data.

Closed, every request may begin. After `FAILURES` in a row it is open: nothing
begins but one probe at a time, each after a wait; the first success closes it.

Invariants: while open at most one probe is under way; no wait is longer than
`LONGEST_S`; whoever was let in says how it ended, so a probe is never lost.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["FAILURES", "LONGEST_S", "Breaker"]

FAILURES: Final = 10
"""In a row, over all lanes. Where every second request fails by chance, one row in a thousand
is that long; where an endpoint is gone, the first places in flight are through it at once."""

LONGEST_S: Final = 3_600.0
"""A probe an hour burdens nobody, and a Retry-After of years (a wrong clock) must not outlast the trouble."""

_PLAIN: Final = 0


@dataclass(slots=True)
class Breaker:
    """The state of one endpoint. Times in seconds of a clock that never goes back."""

    first_s: float = 0.5
    longest_s: float = 60.0
    failures: int = 0  # in a row
    probes: int = 0  # that failed, since it opened
    opened: bool = False
    probing: int = 0  # the number of the probe under way; a probe of an earlier opening has another
    numbered: int = 0
    until_s: float = 0.0  # no probe before

    def closed_for_s(self, now_s: float) -> float | None:
        """Seconds until a request may begin, 0: at once, None: once the probe under way has ended."""
        if not self.opened:
            return 0.0
        return None if self.probing else max(0.0, self.until_s - now_s)

    def begin(self, now_s: float) -> int | None:
        """Let a request in, by the number of its probe or 0; None: it may not begin."""
        if self.closed_for_s(now_s) != 0.0:
            return None
        if not self.opened:
            return _PLAIN
        self.numbered += 1
        self.probing = self.numbered
        return self.numbered

    def succeeded(self) -> bool:
        """The endpoint answered well, be it to a request of before it opened. Whether that closed it."""
        was_open = self.opened
        self.failures, self.probes, self.opened, self.probing, self.until_s = 0, 0, False, _PLAIN, 0.0
        return was_open

    def failed(self, entry: int, now_s: float, chance: float, retry_after_s: float | None = None) -> bool:
        """It did not. `chance` is of [0, 1). Whether that opened it.

        What the endpoint asks for holds for all who wait; the jitter comes on top,
        as workers that were sent away together must not come back together.
        """
        self.failures += 1
        opens = not self.opened and self.failures >= FAILURES
        probed = entry != _PLAIN and entry == self.probing
        if opens:
            self.opened = True
        elif probed:
            self.probes += 1
            self.probing = _PLAIN
        if not self.opened:
            return False
        asked = retry_after_s or 0.0
        jitter = chance * min(self.longest_s, self.first_s * 2.0 ** min(self.probes, 32)) if opens or probed else 0.0
        if opens or probed or asked:  # a straggler of before it opened adds only what it was asked
            self.until_s = max(self.until_s, now_s + min(LONGEST_S, asked + jitter))
        return opens

    def given_up(self, entry: int) -> None:
        """No answer was waited for: the next may probe at once."""
        if entry != _PLAIN and entry == self.probing:
            self.probing = _PLAIN
