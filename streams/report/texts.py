"""Numbers and names as a person reads them. Pure.

Names come from outside: what cannot be seen, or would turn the letters round it, is
shown as a mark. They are escaped where they are put into a page.
"""

from datetime import UTC, date, datetime
from typing import Final
from unicodedata import category
from zoneinfo import ZoneInfo

from streams.report.intervals import Difference, Share
from streams.report.numbers import Unit

__all__ = [
    "NONE",
    "amount",
    "count",
    "day",
    "decimal",
    "duration",
    "interval",
    "moment",
    "percent",
    "period",
    "plain",
    "points",
    "points_interval",
]

NONE: Final = "\N{EN DASH}"
"""Where there is no number, because there is nothing that it could be of."""

_SPACE: Final = "\N{NO-BREAK SPACE}"
_MINUS: Final = "\N{MINUS SIGN}"
_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEAST: Final = 0.0005
"""Less than this is not nothing, though rounded to a tenth of a hundredth it would be."""
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_UNSEEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS: Final = {"\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}  # letters of some scripts and emoji need them


def plain(text: str, longest: int | None = None) -> str:
    """A text from outside in one line, at most so many characters, with nothing in it that is not seen."""
    seen = " ".join(text.split())
    seen = "".join(
        "\N{REPLACEMENT CHARACTER}" if category(letter) in _UNSEEN and letter not in _JOINERS else letter
        for letter in seen
    )
    if longest is not None and len(seen) > longest:
        seen = seen[: longest - 1].rstrip() + _ELLIPSIS
    return seen or "(no name)"


def count(number: int) -> str:
    """A whole number, its thousands apart."""
    return f"{number:,}"


def decimal(number: float | None, places: int = 2) -> str:
    """A number with that many places."""
    return NONE if number is None else f"{number:,.{places}f}"


def percent(part: float | None) -> str:
    """A fraction in hundredths, to one place."""
    if part is None:
        return NONE
    if 0 < part < _LEAST:
        return f"<{_SPACE}0.1{_SPACE}%"
    if 1 - _LEAST < part < 1:
        return f">{_SPACE}99.9{_SPACE}%"
    return f"{part * 100:.1f}{_SPACE}%"


def interval(share: Share) -> str:
    """The two ends between which a share lies, in hundredths."""
    if share.low is None or share.high is None:
        return NONE
    return f"{share.low * 100:.1f}\N{EN DASH}{share.high * 100:.1f}{_SPACE}%"


def points(apart: float | None) -> str:
    """A difference of two shares, in points of a hundred, with its sign."""
    if apart is None:
        return NONE
    return f"{_signed(apart)}{_SPACE}points"


def points_interval(apart: Difference) -> str:
    """The two ends between which a difference lies."""
    if apart.low is None or apart.high is None:
        return NONE
    return f"{_signed(apart.low)} to {_signed(apart.high)}"


def _signed(part: float) -> str:
    text = f"{abs(part) * 100:.1f}"
    if text == "0.0":
        return text
    return f"{'+' if part > 0 else _MINUS}{text}"


def duration(seconds: float) -> str:
    """A length of time, in the two units that matter."""
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole}{_SPACE}s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}{_SPACE}min {whole % _MINUTE_S:02}{_SPACE}s"
    return f"{whole // _HOUR_S:,}{_SPACE}h {whole % _HOUR_S // _MINUTE_S:02}{_SPACE}min"


def amount(value: float, currency: str) -> str:
    """An amount of money."""
    return f"{value:,.2f}{_SPACE}{plain(currency, 12) if currency else '(no currency)'}"


def day(when: date, *, year: bool = True) -> str:
    """A date."""
    return f"{when.day}{_SPACE}{_MONTHS[when.month - 1]}" + (f"{_SPACE}{when.year}" if year else "")


def period(when: date, unit: Unit) -> str:
    """A day, a week by its Monday, a month."""
    if unit == "month":
        return f"{_MONTHS[when.month - 1]}{_SPACE}{when.year}"
    return f"week of {day(when)}" if unit == "week" else day(when)


def moment(micros: int, zone: str) -> str:
    """A moment, to the minute, in a time zone."""
    local = datetime.fromtimestamp(micros // 1_000_000, UTC).astimezone(ZoneInfo(zone))
    return f"{day(local.date())} {local:%H:%M}"
