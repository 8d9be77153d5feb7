"""Products of a replay: what is made of the interactions of one session key. Its events, unless told otherwise.

A product is sent to each process of a replay and knows no file: it is given the
interactions in the order in which they are applied, and gives lines.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from schemas.ga_event import encode_event
from schemas.interaction import Interaction
from streams.attribution import Decision, RuleBook
from streams.replay.engine import Tally, decisions

__all__ = ["Events", "Product"]


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
                yield encode_event(event)


def _count_unusual(decision: Decision, tally: Tally) -> None:
    if decision.duplicate is not None:
        tally.duplicates[decision.duplicate] += 1
    elif decision.dropped_for_consent:
        tally.dropped_for_consent += 1
