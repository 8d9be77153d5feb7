"""Answers: what the endpoint's status says of the events sent. Pure: the time comes in as data.

Google's own endpoint says 2xx to whatever it receives, also to what it throws
away; the rest is said by proxies, by collectors in its place, and by Google's
front when it is in trouble.
"""

import re
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

__all__ = ["Answer", "Kind", "Verdict", "answer_of", "no_answer"]

Verdict = Literal["delivered", "retry", "refused"]
Kind = Literal["accepted", "refused", "throttled", "server_error", "timeout", "unreachable"]

_ACCEPTED: Final = range(200, 300)
_REQUEST_TIMEOUT: Final = 408
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = range(500, 1_000)  # what no standard knows is one too (RFC 9110 §15)
_MICROS: Final = 1_000_000
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# RFC 9110 §5.6.7, IMF-fixdate; the two obsolete forms count as no time given.
_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT", re.ASCII
)
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


class Answer(msgspec.Struct, frozen=True):
    """What became of a request."""

    verdict: Verdict
    kind: Kind
    status: int | None = None
    retry_after_s: float | None = None  # what the endpoint asks for, where it asks


def answer_of(status: int, retry_after: str | None, now_micros: int) -> Answer:
    """What a status says. 2xx is delivered; 408, 429 and 5xx are worth another try; all else is refused.

    A redirect is refused: followed, it would carry the secret to whom it was not given.
    """
    if status in _ACCEPTED:
        return Answer("delivered", "accepted", status)
    if status == _REQUEST_TIMEOUT:
        return Answer("retry", "timeout", status, _retry_after_s(retry_after, now_micros))
    if status == _TOO_MANY:
        return Answer("retry", "throttled", status, _retry_after_s(retry_after, now_micros))
    if status in _SERVER_ERROR:
        return Answer("retry", "server_error", status, _retry_after_s(retry_after, now_micros))
    return Answer("refused", "refused", status)


def no_answer(kind: Literal["timeout", "unreachable"]) -> Answer:
    """Nothing came back. Whether the request was taken nobody knows: it is sent again."""
    return Answer("retry", kind)


def _retry_after_s(given: str | None, now_micros: int) -> float | None:
    """RFC 9110 §10.2.3: seconds, or a date. What is neither counts as not given; a date gone by is now."""
    if given is None:
        return None
    text = given.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    date = _DATE.fullmatch(text)
    if date is None or date[2] not in _MONTHS:
        return None
    day, month, year, *clock = date.groups()
    hour, minute, second = map(int, clock)
    try:
        then = datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return max(0.0, then.timestamp() - now_micros / _MICROS)
