"""Figures: rates, shares, percentiles and spreads out of what was observed. Pure."""

import math
import statistics
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["FROM_SHARE", "LEAST_SHARE", "Look", "Rate", "Spread", "TooFew", "percentile", "rate", "spread"]

FROM_SHARE: Final = 0.1
"""Of the output: a rate is taken from there on, so that no engine's start is in it."""
LEAST_SHARE: Final = 0.4
"""Of the output, over which a rate must be taken: with less it is the start that is measured."""


class TooFew(ValueError):
    """Between two looks more of the output went by than may be missing of a rate: give it more records."""


class Look(NamedTuple):
    """One look at an engine: when, how many outputs there were, and its processor time so far."""

    at_s: float
    out: int
    cpu_s: float


class Rate(NamedTuple):
    """How fast the input was done, and what that took."""

    records_per_s: float
    cpu_s_per_million: float


class Spread(NamedTuple):
    """Of several turns."""

    median: float
    least: float
    most: float


def rate(looks: Sequence[Look], records: int, due: int) -> Rate:
    """From the first look at 10 % of the output to the first at which all that is due was there.

    Looks stand in their order. What was out by the first of the two counts for
    nothing. Raises TooFew, and ValueError where the output never came to its end.
    """
    first = next((look for look in looks if look.out >= due * FROM_SHARE), None)
    last = next((look for look in looks if look.out >= due), None)
    if first is None or last is None:
        raise ValueError(f"{looks[-1].out if looks else 0} of {due} outputs")
    share = (due - first.out) / due
    if share < LEAST_SHARE or last.at_s <= first.at_s:
        raise TooFew(f"{records} records are too few: {share:.0%} of the output was left at the first look")
    done = share * records
    return Rate(done / (last.at_s - first.at_s), (last.cpu_s - first.cpu_s) / done * 1e6)


def percentile(values: Sequence[float], share: float) -> float:
    """The least of them that this share of them does not exceed (nearest rank): always one that was observed.

    Raises ValueError where there are none.
    """
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def spread(values: Sequence[float]) -> Spread:
    """Median, least and most. Raises statistics.StatisticsError where there are none."""
    return Spread(float(statistics.median(values)), float(min(values)), float(max(values)))
