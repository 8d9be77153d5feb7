"""The engine of a replay: records become interactions, and those of one session key decisions.

The decoding, the key and the step are the worker's. Knows no file and no process;
what it meets, it counts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final

import msgspec

from schemas.interaction import Fault, Interaction, Unknown
from schemas.session import Session
from streams.attribution import Decision, RuleBook, step, unknown_type

__all__ = ["Engine", "Tally", "decisions", "sort_by_time"]

MAX_NAMES: Final = 100
"""Of different unknown types or fields at fault that are counted one by one: they come from the sender."""
_OTHERS: Final = "others"
_MAX_NAME: Final = 80

_timestamp: Final = attrgetter("timestamp")


class Tally(msgspec.Struct):
    """What a replay has met and made."""

    records: int = 0  # lines that hold anything; of another format, the interactions that they hold
    translated: int = 0  # records of another format that hold interactions
    sessions: int = 0
    dropped_for_consent: int = 0  # interactions whose events were dropped
    events: Counter[str] = msgspec.field(default_factory=Counter)  # by name
    duplicates: Counter[str] = msgspec.field(default_factory=Counter)  # by the check that found them
    unknown: Counter[str] = msgspec.field(default_factory=Counter)  # by type
    dead_letters: Counter[str] = msgspec.field(default_factory=Counter)  # by field at fault
    counts: Counter[str] = msgspec.field(default_factory=Counter)  # whatever else a product counts, as it calls that

    @property
    def interactions(self) -> int:
        """Records that are interactions."""
        return self.records - self.unknown.total() - self.dead_letters.total()

    def add(self, other: "Tally") -> None:
        """Count what another has counted."""
        self.records += other.records
        self.translated += other.translated
        self.sessions += other.sessions
        self.dropped_for_consent += other.dropped_for_consent
        self.events += other.events
        self.duplicates += other.duplicates
        self.counts += other.counts
        for name, count in other.unknown.items():
            _count(self.unknown, name, count)
        for name, count in other.dead_letters.items():
            _count(self.dead_letters, name, count)


def _count(counter: Counter[str], name: str, count: int = 1) -> None:
    name = name[:_MAX_NAME]
    counter[name if name in counter or len(counter) < MAX_NAMES else _OTHERS] += count


def decisions(interactions: Iterable[Interaction], book: RuleBook) -> Iterator[tuple[Session | None, Decision]]:
    """What `step` makes of the interactions of one session key, each with the session that it met."""
    session: Session | None = None
    for interaction in interactions:
        decision = step(session, interaction, book.of(interaction.account_id))
        yield session, decision
        session = decision.session


def sort_by_time(interactions: list[Interaction]) -> None:
    """In the order of their event time; those of one instant stay as they stand."""
    interactions.sort(key=_timestamp)


class Engine:
    """Decodes, and keeps the tally."""

    def __init__(self, book: RuleBook) -> None:
        self._book: Final = book
        self.tally: Final = Tally()

    def read(self, raw: bytes, arrival_ms: int) -> Interaction | Fault | None:
        """The interaction in a record that arrived then, why it is a dead letter, or None where its type is unknown."""
        tally = self.tally
        tally.records += 1
        decoded = self._book.decode(raw, arrival_ms)
        if type(decoded) is Unknown:
            _count(tally.unknown, decoded.type)
            return None
        if type(decoded) is Fault:
            _count(tally.dead_letters, decoded.field)
        return decoded

    def leave(self, left: Fault | Unknown) -> Fault | None:
        """Count a record that never became an interaction: too large, or not translated. Its fault, if it has one."""
        self.tally.records += 1
        if isinstance(left, Unknown):
            if self._book.options.unknown_types == "ignore":
                _count(self.tally.unknown, left.type)
                return None
            left = unknown_type(left)
        _count(self.tally.dead_letters, left.field)
        return left
