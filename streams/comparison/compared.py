"""What came of a comparison: counts under each of the two, and the differences added up."""

from typing import Any, Final, Literal

import msgspec

from streams.comparison.summary import Summary

__all__ = ["SIDES", "Compared", "Side", "Under"]

Side = Literal["a", "b"]
SIDES: Final[tuple[Side, ...]] = ("a", "b")


class Under(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What there is under one rule set, or in one file of events. None: it is not known of the other kind."""

    events: int
    rules_version: str | None = None
    sessions: int | None = None
    interactions: int | None = None  # that were given to the rules
    dead_ahead: int | None = None
    """Interactions too far ahead of their arrival here alone. The other rule set was given them."""
    dead_unknown: int | None = None
    """Records of a type not known that are dead letters here alone. Neither was given them."""
    repeated: int | None = None  # records of the file that repeat an event, and count once


class Compared(msgspec.Struct, frozen=True):
    """A comparison."""

    a: Under
    b: Under
    summary: Summary
    records: int | None = None
    dead_letters: int | None = None
    """Records that are dead letters whichever rules there are. Each side's own are told with it."""

    @property
    def same(self) -> int:
        """Events that are the same under both, but for the version of the rules."""
        kinds = self.summary.kinds
        return self.a.events - (kinds.total() - kinds["gained"])

    def told(self) -> dict[str, Any]:
        """All of it, for machines."""
        both = {"records": self.records, "dead_letters": self.dead_letters}
        known = {name: count for name, count in both.items() if count is not None}
        sides = {"a": msgspec.to_builtins(self.a), "b": msgspec.to_builtins(self.b)}
        return {**known, **sides, "same": self.same, **self.summary.told()}
