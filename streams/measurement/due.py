"""What is due: one event at one tracker. The unit of receipts and of the ledger. Pure."""

import re
from typing import Final, Literal

import msgspec

from schemas.ga_event import GaEvent, Tracker
from streams.measurement.limits import WINDOW_MICROS

__all__ = ["Due", "Lane", "Protocol", "expires_micros", "is_expired", "lane_of", "protocol_of"]

Protocol = Literal["ga4", "ua"]
Lane = tuple[str, str, str]
"""Account, tracker, client: what must arrive in order."""

_TRACKER: Final = re.compile(r"(?:(G-[A-Z0-9]+)|UA-[0-9]+-[0-9]+)\Z")


class Due(msgspec.Struct, frozen=True, gc=False):
    """One event at one tracker."""

    event: GaEvent
    tracker: Tracker


def protocol_of(tracker_id: str) -> Protocol | None:
    """What the tracker speaks; None: no tracker of Google's looks like this."""
    found = _TRACKER.match(tracker_id)
    return None if found is None else "ga4" if found[1] else "ua"


def lane_of(due: Due) -> Lane:
    """The lane that an event belongs to: its requests follow each other."""
    return (due.event.account_id, due.tracker.id, due.event.client_id)


def expires_micros(event: GaEvent) -> int:
    """The last moment at which Google takes the event with its own time."""
    return event.timestamp_micros + WINDOW_MICROS.most


def is_expired(event: GaEvent, now_micros: int) -> bool:
    """Whether it is older than Google takes. Exactly 72 h is not."""
    return now_micros > expires_micros(event)
