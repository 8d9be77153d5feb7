"""Products of a replay: what is made of the interactions of one session key. Its events, unless told otherwise.

A product is sent to each process of a replay and knows no file: it is given the
interactions in the order in which they are applied, and gives lines.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, Protocol

import msgspec

from schemas.decoding import session_key
from schemas.ga_event import encode_event
from schemas.interaction import Interaction
from streams.attribution import Decision, RuleBook
from streams.replay.engine import Tally, decisions

__all__ = ["TO_NO_TRACKER", "Events", "KeyedEvents", "Product", "keyed"]

TO_NO_TRACKER: Final = "to no tracker"
"""Events that nobody will receive at Google: no tracker of theirs is known."""
_BETWEEN: Final = b"\t"  # JSON has none that is not spelled out
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(str).decode


class Product(Protocol):
    """What makes lines of a session key's interactions. It can be pickled."""

    def lines(self, interactions: Iterable[Interaction], tally: Tally) -> Iterator[bytes]:
        """The lines, without line feeds, of one session key; what was met and made is counted in the tally."""


class Events(msgspec.Struct, frozen=True):
    """The events, each in the bytes that the worker publishes."""

    book: RuleBook

    def lines(self, interactions: Iterable[Interaction], tally: Tally) -> Iterator[bytes]:
        """The events of one session key."""
        for _, decision in decisions(interactions, self.book):
            reasons = decision.reasons
            if reasons[0].outcome == "fired":  # the session rule stands first: a session begins
                tally.sessions += 1
            if reasons[-1].outcome != "held":
                _count_unusual(decision, tally)
            for event in decision.events:
                tally.events[event.name] += 1
                if not event.trackers:
                    tally.counts[TO_NO_TRACKER] += 1
                yield encode_event(event)


class KeyedEvents(msgspec.Struct, frozen=True):
    """The same, each after the record key that it has on `ga-events`: for an output that needs it."""

    book: RuleBook

    def lines(self, interactions: Iterable[Interaction], tally: Tally) -> Iterator[bytes]:
        """The events of one session key, and the key."""
        rest = iter(interactions)
        first = next(rest)
        key = _encode(session_key(first)) + _BETWEEN
        for event in Events(self.book).lines(chain((first,), rest), tally):
            yield key + event


def keyed(line: bytes) -> tuple[bytes, bytes]:
    """(record key, event) of a line of `KeyedEvents`."""
    key, _, event = line.partition(_BETWEEN)
    return _decode(key).encode(), event


def _count_unusual(decision: Decision, tally: Tally) -> None:
    if decision.duplicate is not None:
        tally.duplicates[decision.duplicate] += 1
    elif decision.dropped_for_consent:
        tally.dropped_for_consent += 1
