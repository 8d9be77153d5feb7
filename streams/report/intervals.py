"""How sure a share is: intervals for proportions and for the difference of two. Pure.

A share of visitors is an estimate: another month of the same site would give
another. Both intervals are score intervals, which hold for small counts and for
shares near 0 and 1, where the usual plus-minus of a normal distribution does not.

Sources: E. B. Wilson, "Probable inference, the law of succession, and statistical
inference", Journal of the American Statistical Association 22 (1927), 209-212;
R. G. Newcombe, "Interval estimation for the difference between independent
proportions: comparison of eleven methods", Statistics in Medicine 17 (1998),
873-890, method 10.
"""

from math import hypot, sqrt
from typing import Final

import msgspec

__all__ = ["FEW_CASES", "FEW_VISITORS", "Difference", "Share", "difference", "share"]

_Z: Final = 1.959963984540054
"""The normal distribution's 97.5 % point: both intervals are of 95 %."""

FEW_VISITORS: Final = 30
FEW_CASES: Final = 5
"""Of fewer visitors than this, or with fewer cases than this either way, a share is marked as of few."""


class Share(msgspec.Struct, frozen=True):
    """`count` of `of`. The share and the ends of its interval are fractions; of nothing there are none."""

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None
    few: bool
    """Whether so few stand behind it that a handful more would change it much."""


class Difference(msgspec.Struct, frozen=True):
    """How much larger one share is than another, as a fraction: 0.02 is two points of a hundred."""

    difference: float | None
    low: float | None
    high: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero: chance alone would rarely look like this."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def share(count: int, of: int) -> Share:
    """A share with Wilson's interval. `0 <= count <= of`."""
    few = of < FEW_VISITORS or min(count, of - count) < FEW_CASES
    if not of:
        return Share(count, of, None, None, None, few)
    part, square = count / of, _Z * _Z
    middle = part + square / (2 * of)
    half = _Z * sqrt(part * (1 - part) / of + square / (4 * of * of))
    scale = 1 + square / of
    # At the very ends rounding would leave a little below 0 or above 1.
    low = 0.0 if count == 0 else (middle - half) / scale
    high = 1.0 if count == of else (middle + half) / scale
    return Share(count, of, part, low, high, few)


def difference(one: Share, other: Share) -> Difference:
    """`one` less `other`, of visitors who are not the same, with Newcombe's interval."""
    if one.share is None or one.low is None or one.high is None:
        return Difference(None, None, None)
    if other.share is None or other.low is None or other.high is None:
        return Difference(None, None, None)
    apart = one.share - other.share
    low = apart - hypot(one.share - one.low, other.high - other.share)
    high = apart + hypot(one.high - one.share, other.share - other.low)
    return Difference(apart, low, high)
