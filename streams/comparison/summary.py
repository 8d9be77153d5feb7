"""The differences added up: by kind, event, automation and account, with a few sessions of each. In bounded memory."""

from collections import Counter
from typing import Any, Final

import msgspec

from streams.comparison.differences import KINDS, Kind

__all__ = ["Credited", "Row", "Summary"]

MAX_ROWS: Final = 10_000
"""Different rows that are told apart: what they are called comes from the sender."""
MAX_SESSIONS: Final = 3
OTHERS: Final = "others"
_MAX_NAME: Final = 80


class Credited(msgspec.Struct, frozen=True):
    """The automation of an event."""

    kind: str
    id: str
    name: str


class Row(msgspec.Struct, frozen=True):
    """What is counted as one: a kind of difference, of one event of one automation at one account."""

    kind: Kind
    name: str
    automation: Credited | None = None
    account_id: str | None = None
    became_name: str | None = None  # of a reattributed event, under B
    became: Credited | None = None


class _Side(msgspec.Struct, frozen=True):
    """What is read of an event."""

    name: str
    automation: Credited | None


class _Line(msgspec.Struct, frozen=True):
    """What is read of a difference; the rest of its line is passed over."""

    kind: Kind
    account_id: str
    session: str
    fields: tuple[str, ...]
    a: _Side | None
    b: _Side | None


_decode: Final = msgspec.json.Decoder(_Line).decode


class _Counted:
    def __init__(self) -> None:
        self.count = 0
        self.sessions: list[str] = []


class Summary:
    """What differences add up to."""

    def __init__(self) -> None:
        self.kinds: Final[Counter[Kind]] = Counter()
        self._fields: Final[Counter[str]] = Counter()
        self._rows: Final[dict[Row, _Counted]] = {}

    def add(self, line: bytes) -> None:
        """One more, as `encode_difference` writes it."""
        seen = _decode(line)
        self.kinds[seen.kind] += 1
        if seen.kind == "changed":
            self._fields.update(seen.fields)
        row = _row(seen)
        if row not in self._rows and len(self._rows) >= MAX_ROWS:
            row = Row(seen.kind, OTHERS)
        counted = self._rows.setdefault(row, _Counted())
        counted.count += 1
        if len(counted.sessions) < MAX_SESSIONS and seen.session not in counted.sessions:
            counted.sessions.append(seen.session)

    def rows(self) -> list[tuple[Row, int, tuple[str, ...]]]:
        """Each with its count and the sessions that were met first: by kind, then the most frequent first."""
        found = [(row, counted.count, tuple(counted.sessions)) for row, counted in self._rows.items()]
        return sorted(found, key=lambda each: (KINDS.index(each[0].kind), -each[1], _name(each[0])))

    def changed_fields(self) -> list[tuple[str, int]]:
        """In how many of the changed events a field differs, the most frequent first."""
        return sorted(self._fields.items(), key=lambda each: (-each[1], each[0]))

    def told(self) -> dict[str, Any]:
        """All of it, for machines."""
        return {
            "differences": {kind: self.kinds[kind] for kind in KINDS},
            "changed_fields": dict(self.changed_fields()),
            "rows": [
                {**msgspec.to_builtins(row), "count": count, "sessions": list(sessions)}
                for row, count, sessions in self.rows()
            ],
        }


def _row(seen: _Line) -> Row:
    side = seen.a or seen.b
    assert side is not None  # there is no difference without an event
    row = Row(seen.kind, side.name, _cut(side.automation), seen.account_id)
    if seen.kind == "reattributed" and seen.b is not None:
        return msgspec.structs.replace(row, became_name=seen.b.name, became=_cut(seen.b.automation))
    return row


def _cut(automation: Credited | None) -> Credited | None:
    """With a name that has an end: a row is kept."""
    if automation is None or len(automation.name) <= _MAX_NAME:
        return automation
    return msgspec.structs.replace(automation, name=automation.name[:_MAX_NAME])


def _name(row: Row) -> tuple[str, ...]:
    credited = row.automation
    return (row.name, row.account_id or "", *((credited.kind, credited.id, credited.name) if credited else ()))
