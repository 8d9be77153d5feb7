"""Notes: what was done to an event so that Google takes it. Nothing is bent without one. Pure."""

import hashlib
from typing import Final, Literal

import msgspec

from streams.measurement.limits import Limit

__all__ = ["MARK", "Action", "Note", "Notes", "fit_bytes", "fit_chars", "fit_id", "is_within"]

MARK: Final = "…"
"""Stands where a text was cut."""
_DIGEST_CHARS: Final = 8

Action = Literal["shortened", "left out", "set to now", "sent as it is", "rejected"]


class Note(msgspec.Struct, frozen=True):
    """One field of one event that Google would not take as it was, the rule, and what was done."""

    event_id: str
    field: str
    rule: str
    action: Action

    def __str__(self) -> str:
        return f"{self.field}: {self.action} ({self.rule})"


class Notes:
    """The notes of one event while it is prepared."""

    __slots__ = ("_event_id", "taken")

    def __init__(self, event_id: str) -> None:
        self._event_id = event_id
        self.taken: list[Note] = []

    def take(self, field: str, rule: Limit | str, action: Action) -> None:
        """Write down what was done to a field."""
        self.taken.append(Note(self._event_id, field, str(rule), action))


def is_within(text: str, limit: Limit) -> bool:
    """Whether a text keeps to a limit of characters.

    Counted as browsers do, in UTF-16: Google says no more than "characters", and
    this is the count that is never the smaller one.
    """
    return len(text) * 2 <= limit.most or len(text.encode("utf-16-le")) // 2 <= limit.most


def fit_chars(field: str, text: str, limit: Limit, notes: Notes) -> str:
    """The text, cut with a mark if it is too long."""
    if is_within(text, limit):
        return text
    notes.take(field, limit, "shortened")
    return _cut(text, limit.most - len(MARK)) + MARK


def fit_id(field: str, text: str, limit: Limit, notes: Notes) -> str:
    """The same for an id, which must stay apart from others that begin alike: the mark carries a digest."""
    if is_within(text, limit):
        return text
    notes.take(field, limit, "shortened")
    digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_CHARS // 2).hexdigest()
    return f"{_cut(text, limit.most - len(MARK) - _DIGEST_CHARS)}{MARK}{digest}"


def fit_bytes(field: str, text: str, limit: Limit, notes: Notes) -> str:
    """The text, cut with a mark between two characters if its UTF-8 is too long."""
    raw = text.encode()
    if len(raw) <= limit.most:
        return text
    notes.take(field, limit, "shortened")
    return raw[: limit.most - len(MARK.encode())].decode(errors="ignore") + MARK


def _cut(text: str, units: int) -> str:
    return text.encode("utf-16-le")[: units * 2].decode("utf-16-le", errors="ignore")
