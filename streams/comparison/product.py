"""What a comparison makes of a session key's interactions: a line for each event that is not the same under both rules.

The interactions come from a replay, decoded by `decoding_book`: it takes whatever
either rule set takes, and here each of them is given what it takes itself.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from schemas.ga_event import GaEvent
from schemas.interaction import Interaction, session_key
from streams.attribution import RuleBook, step
from streams.comparison.differences import Matching
from streams.replay import Tally

if TYPE_CHECKING:
    from schemas.session import Session

__all__ = ["Comparison", "decoding_book", "encode_difference"]

encode_difference: Final = msgspec.json.Encoder().encode


def decoding_book(a: RuleBook, b: RuleBook) -> RuleBook:
    """Takes what either takes; a type that is not known is a dead letter where it is one under both."""
    laxer = a.options if a.options.max_ahead_s >= b.options.max_ahead_s else b.options
    unknown_types = a.options.unknown_types if a.options.unknown_types == b.options.unknown_types else "ignore"
    return RuleBook(replace(laxer, unknown_types=unknown_types))


class Comparison(msgspec.Struct, frozen=True):
    """The differences between what two rule books make of the same interactions."""

    a: RuleBook
    b: RuleBook
    as_of_ms: int

    def lines(self, interactions: Iterable[Interaction], tally: Tally) -> Iterator[bytes]:
        """The differences of one session key. Holds two sessions, and the differences that are not settled."""
        a, b = _Side(self.a, self.as_of_ms), _Side(self.b, self.as_of_ms)
        matching: Matching | None = None
        for interaction in interactions:
            if matching is None:
                matching = Matching(session_key(interaction))
            one, other = a.apply(interaction), b.apply(interaction)
            if a.begins or b.begins:
                yield from map(encode_difference, matching.settled())
            if one or other:
                yield from map(encode_difference, matching.fired(one, other))
        if matching is not None:
            yield from map(encode_difference, matching.settled())
        for name, side in (("a", a), ("b", b)):
            tally.counts[f"events_{name}"] += side.events
            tally.counts[f"sessions_{name}"] += side.sessions
            tally.counts[f"refused_{name}"] += side.refused


class _Side:
    """One rule book, and the session as it is under it."""

    def __init__(self, book: RuleBook, as_of_ms: int) -> None:
        self._book: Final = book
        self._latest_micros: Final = as_of_ms * 1_000 + book.max_ahead_micros
        self._session: Session | None = None
        self.begins = False  # whether the last interaction began a session
        self.events = self.sessions = self.refused = 0

    def apply(self, interaction: Interaction) -> tuple[GaEvent, ...]:
        """What the interaction fires; nothing where this book makes it a dead letter."""
        self.begins = False
        if interaction.timestamp > self._latest_micros:
            self.refused += 1
            return ()
        decision = step(self._session, interaction, self._book.of(interaction.account_id))
        self._session = decision.session
        if decision.reasons[0].outcome == "fired":  # the session rule stands first
            self.begins = True
            self.sessions += 1
        self.events += len(decision.events)
        return decision.events
