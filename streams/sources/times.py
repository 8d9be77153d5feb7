"""Times as chat systems write them, as RFC 3339 in UTC. Pure.

What cannot be read stays as it stands: the interaction's validation then names
it. A time without an offset is not read: nobody says whose it is.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.times import micros_of
from streams.sources.record import At

__all__ = ["MILLISECONDS", "SECONDS", "instant"]

MILLISECONDS: Final = 1_000
"""Microseconds of the unit in which a sender counts since the epoch."""
SECONDS: Final = 1_000_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# `2020-03-03 13:05:57 UTC`: how Ruby prints a time.
_ruby: Final = re.compile(r"([0-9-]{10}) ([0-9:]{8}) UTC").fullmatch
# `Fri Jul 23 2021 23:32:48 GMT+0530 (India Standard Time)`: how browsers print one.
_browser: Final = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([0-9]{2}) ([0-9]{4}) ([0-9:]{8}) GMT([+-][0-9]{2})([0-9]{2})(?: \(.*\))?"
).fullmatch


def instant(at: At, unit_micros: int = MILLISECONDS) -> At:
    """The time that stands there, as RFC 3339; a number counts `unit_micros` since the epoch."""
    given = at.value
    try:
        if isinstance(given, str):
            micros = micros_of(_rfc3339(given))
        elif isinstance(given, (int, float)) and not isinstance(given, bool):
            micros = round(given * unit_micros)
        else:
            return at
        moment = _EPOCH + timedelta(microseconds=micros)
    except (ValueError, OverflowError):
        return at
    text = moment.isoformat(timespec="microseconds" if micros % MILLISECONDS else "milliseconds")
    return At(f"{text.removesuffix('+00:00')}Z", at.path)


def _rfc3339(given: str) -> str:
    if match := _ruby(given):
        return f"{match[1]}T{match[2]}Z"
    if (match := _browser(given)) and match[1] in _MONTHS:
        month = _MONTHS.index(match[1]) + 1
        return f"{match[3]}-{month:02}-{match[2]}T{match[4]}{match[5]}:{match[6]}"
    return given
