"""Consent: without it nothing is sent. State moves on all the same, and nothing is queued."""

from typing import Final

from streams.attribution.reasons import Reason, fired, held
from streams.attribution.turn import Turn

__all__ = ["consent"]

_NOTHING: Final = held("consent", "there is nothing to send")
_GIVEN: Final = held("consent", "the events may be sent")
_REFUSED: Final = fired("consent", "the visitor refused analytics: the events are dropped")
_UNKNOWN: Final = fired("consent", "the account requires consent and none is known: the events are dropped")


def consent(turn: Turn) -> Reason:
    """`analytics: false` drops the events; where consent is required, so does not knowing it."""
    if not turn.events:
        return _NOTHING
    analytics = turn.session.context.analytics
    if analytics or (analytics is None and turn.rules.account.consent == "implied"):
        return _GIVEN
    turn.events.clear()
    return _REFUSED if analytics is False else _UNKNOWN
