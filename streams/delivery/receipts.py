"""Receipts: what is written of each event at each tracker. Never an address, never a secret."""

from typing import Final

import msgspec

from schemas.ga_event import GaEvent
from schemas.receipt import Outcome, Receipt
from streams.measurement import Due

__all__ = ["Settled", "Try", "receipt"]

Settled = tuple[GaEvent, Receipt]
"""An event and what became of it at one tracker."""

_REASONS: Final[dict[Outcome, str]] = {
    "repeated": "it was delivered before, or stands twice among what was read at once",
    "no_secret": "the account has no API secret for this tracker, or its source is empty",
    "plan": "the account's plan does not deliver to Google Analytics",
    "expired": "it is older than the 72 hours that Google Analytics takes",
    "no_endpoint": "Google's own UA endpoint is off, and no endpoint is set in its place",
}


class Try(msgspec.Struct, frozen=True):
    """How a request stands: how often it was tried, and how the last try went."""

    attempts: int = 0
    status: int | None = None
    sent_micros: int | None = None
    answered_micros: int | None = None


_NO_TRY: Final = Try()


def receipt(due: Due, outcome: Outcome, last: Try = _NO_TRY, *, reason: str | None = None) -> Receipt:
    """The receipt of an event at a tracker."""
    event = due.event
    return Receipt(
        event_id=event.event_id,
        tracker_id=due.tracker.id,
        account_id=event.account_id,
        session_id=event.session_id,
        name=event.name,
        outcome=outcome,
        reason=reason or _REASONS.get(outcome),
        status=last.status,
        attempts=last.attempts,
        event_micros=event.timestamp_micros,
        sent_micros=last.sent_micros,
        answered_micros=last.answered_micros,
    )
