"""Times as records tell them (CONTRACT §1): RFC 3339 with an offset, or epoch milliseconds."""

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["micros_of"]

_MICROS: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MICROS: Final = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * _MICROS
_END_MICROS: Final = int(datetime(2101, 1, 1, tzinfo=UTC).timestamp()) * _MICROS
# RFC 3339 §5.6, date-time; seconds to 59 because the contract knows no leap second.
_is_rfc3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
).fullmatch

# Most times are of a second that was met before, and end as others do: two looks in place of a parse, which takes three
# times as long. What is kept depends on nothing but the text, and both are emptied where they are full.
_SECOND: Final = len("2026-01-31T12:00:00")
_REST: Final = len(".250+01:00")
_MOST_KEPT: Final = 8_192
_seconds: Final[dict[str, int]] = {}  # microseconds up to the second, as if it were of UTC
_rests: Final[dict[str, int]] = {}  # and what the fraction and the offset add


def micros_of(given: object) -> int:
    """The microseconds of a `timestamp` field, UTC. Raises ValueError with the reason."""
    if type(given) is str:
        second, rest = _seconds.get(given[:_SECOND]), _rests.get(given[_SECOND:])
        micros = _parsed(given) if second is None or rest is None else second + rest
    elif type(given) is int:
        micros = given * 1000
    else:
        raise ValueError("Expected an RFC 3339 time with an offset, or an integer of epoch milliseconds")
    if not _FIRST_MICROS <= micros < _END_MICROS:
        raise ValueError("Expected a time of the years 2000 to 2100 (UTC); epoch times are in milliseconds")
    return micros


def _parsed(given: str) -> int:
    """Microseconds since the epoch. Raises ValueError."""
    if _is_rfc3339(given) is None:
        raise ValueError("Expected RFC 3339 with `T` and an offset, like 2026-01-31T12:00:00.250Z")
    try:
        micros = _micros(given)
    except ValueError as error:
        raise ValueError(f"Expected a date and time that exist: {error}") from None
    if len(given) <= _SECOND + _REST:
        if len(_seconds) >= _MOST_KEPT or len(_rests) >= _MOST_KEPT:
            _seconds.clear()
            _rests.clear()
        second = _micros(given[:_SECOND] + "Z")
        _seconds[given[:_SECOND]], _rests[given[_SECOND:]] = second, micros - second
    return micros


def _micros(text: str) -> int:
    # It takes no lower-case `z`, and cuts what lies past the microsecond.
    apart = datetime.fromisoformat(text.upper()) - _EPOCH
    return (apart.days * 86_400 + apart.seconds) * _MICROS + apart.microseconds
