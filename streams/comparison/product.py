"""What a comparison makes of a session key's interactions: a line for each event that is not the same under both rules.

The interactions come from a replay, decoded by `EitherBook`: it takes whatever either
rule set takes, and here each of them is given what it takes itself.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from schemas.decoding import session_key
from schemas.ga_event import GaEvent
from schemas.instant import Instant
from schemas.interaction import Fault, Interaction, Unknown
from streams.attribution import RuleBook, step
from streams.comparison.differences import Matching
from streams.replay import Tally

if TYPE_CHECKING:
    from schemas.session import Session

__all__ = ["Ahead", "Comparison", "EitherBook", "encode_difference"]

encode_difference: Final = msgspec.json.Encoder().encode


class Ahead(Instant):
    """The time of an interaction that is too far ahead of its record's arrival for the stricter of two rule sets."""

    __slots__ = ()


class EitherBook:
    """Decodes as a rule book does: what either of two takes. A type not known is a dead letter where both say so.

    How far a time is ahead of its record's arrival is known here alone, where the
    arrival is: an interaction that only the laxer of the two takes has an `Ahead`.
    """

    def __init__(self, a: RuleBook, b: RuleBook) -> None:
        stricter, laxer = sorted((a, b), key=lambda book: book.max_ahead_micros)
        unknown_types = {each.options.unknown_types for each in (a, b)}
        self.options: Final = replace(
            laxer.options, unknown_types="dead_letter" if unknown_types == {"dead_letter"} else "ignore"
        )
        self._book: Final = RuleBook(self.options)
        self._least_micros: Final = stricter.max_ahead_micros

    def decode(self, value: bytes | None, arrived_ms: int) -> Interaction | Unknown | Fault:
        """What a record is that arrived then (epoch milliseconds; negative: it is not known when)."""
        decoded = self._book.decode(value, arrived_ms)
        if (
            isinstance(decoded, (Fault, Unknown))
            or not 0 <= arrived_ms * 1_000 < decoded.timestamp - self._least_micros
        ):
            return decoded
        return replace(decoded, timestamp=Ahead(decoded.timestamp))


class Comparison(msgspec.Struct, frozen=True):
    """The differences between what two rule books make of the same interactions, as `EitherBook` decodes them."""

    a: RuleBook
    b: RuleBook

    def lines(self, interactions: Iterable[Interaction], tally: Tally) -> Iterator[bytes]:
        """The differences of one session key. Holds two sessions, and the differences that are not settled."""
        a = _Side(self.a, stricter=self.a.max_ahead_micros < self.b.max_ahead_micros)
        b = _Side(self.b, stricter=self.b.max_ahead_micros < self.a.max_ahead_micros)
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

    def __init__(self, book: RuleBook, *, stricter: bool) -> None:
        self._book: Final = book
        self._stricter: Final = stricter
        self._session: Session | None = None
        self.begins = False  # whether the last interaction began a session
        self.events = self.sessions = self.refused = 0

    def apply(self, interaction: Interaction) -> tuple[GaEvent, ...]:
        """What the interaction fires; nothing where this book makes it a dead letter."""
        self.begins = False
        if self._stricter and type(interaction.timestamp) is Ahead:
            self.refused += 1
            return ()
        decision = step(self._session, interaction, self._book.of(interaction.account_id))
        self._session = decision.session
        if decision.reasons[0].outcome == "fired":  # the session rule stands first
            self.begins = True
            self.sessions += 1
        self.events += len(decision.events)
        return decision.events
