"""How events share requests and follow each other, as the collector checks it.

Not Google's rules but chat2ga's promises, written down a second time and apart
from the code that keeps them: a request is one client's at one tracker, holds no
event twice, and what comes first of a client is sent first.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from streams.demo.google_rules import Violation

__all__ = ["Order", "check_packing"]

_MOST_CLIENTS: Final = 1_000_000
"""Whose last event is remembered: of the oldest beyond them nothing is known, and nothing is said."""


def check_packing(arrivals: Sequence[tuple[str, str, str | None]]) -> Iterator[Violation]:
    """What is wrong with what one request holds: tracker, client and id of each event."""
    clients = {(tracker_id, client_id) for tracker_id, client_id, _ in arrivals}
    if len(clients) > 1:
        yield Violation("request_mixed", f"{len(clients)} clients or trackers in one request")
    ids = [event_id for _, _, event_id in arrivals if event_id is not None]
    if len(ids) != len(set(ids)):
        yield Violation("request_repeats", "the same event twice in one request")


class Order:
    """Whether the events of a client come in their order; a repeat is no matter of it."""

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places = places
        self._last: dict[tuple[str, str], int] = {}

    def check(self, tracker_id: str, client_id: str, event_id: str) -> Iterator[Violation]:
        """What is wrong with an event that comes for the first time."""
        place = self._places.get(event_id)
        if place is None:
            return
        lane = (tracker_id, client_id)
        last = self._last.pop(lane, place)
        self._last[lane] = max(place, last)
        if len(self._last) > _MOST_CLIENTS:
            del self._last[next(iter(self._last))]
        if place < last:
            yield Violation("order", f"{event_id} at {tracker_id} after one that follows it")
