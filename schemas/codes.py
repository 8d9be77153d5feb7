"""Codes of dead letters: short and fixed, for counting and filtering; the reason beside them is for people."""

from typing import Final, Literal

__all__ = ["CODES", "Code"]

Code = Literal[
    "empty",
    "too_large",
    "not_json",
    "not_object",
    "invalid",
    "ahead",
    "unknown_type",
    "no_key",
    "wrong_key",
    "not_event",
    "refused",
]

CODES: Final[dict[Code, str]] = {
    "empty": "the record has no value",
    "too_large": "the record is larger than a record may be",
    "not_json": "the value is not JSON in UTF-8",
    "not_object": "the value is JSON, but no object",
    "invalid": "a field is missing, is of the wrong type, or holds what it may not",
    "ahead": "`timestamp` is later than the record's arrival allows: the sender's clock is wrong",
    "unknown_type": '`type` is none that is known, and `unknown_types = "dead_letter"` is set',
    "no_key": "the record has no key, so nothing says that its partition is its session's",
    "wrong_key": "the record's key is not the session key of what it holds (see `REKEY`)",
    "not_event": "a record of `ga-events` that is no GA event: someone else writes there",
    "refused": "Google Analytics, or the endpoint in its place, refused the event for good at the `trackers` named",
}
"""Every code and what it says of the record."""
