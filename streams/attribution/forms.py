"""What the visitor fills in and sends: contact form, offline message, feedback (CONTRACT §3)."""

import re
from typing import Final

from schemas.interaction import FeedbackGiven, VisitorMessage
from streams.attribution.reasons import Reason, fired, held
from streams.attribution.turn import Turn

__all__ = ["auth_form", "offline", "rating", "rating_text"]

MAX_TEXT: Final = 1_000
"""Code points of a feedback text, cut before anything else is done to it."""
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_NUMBER: Final = re.compile(r"\+?\(?[0-9](?:[ .\-/()]*[0-9]){6,}")

_OFFLINE: Final = fired("offline", "the box was offline")
_ONLINE: Final = held("offline", "the box was online")


def offline(turn: Turn) -> Reason:
    """A message left in an offline box."""
    assert type(turn.interaction) is VisitorMessage
    if turn.interaction.online is not False:
        return _ONLINE
    turn.send("Offline_message_sent")
    return _OFFLINE


_FORM: Final = fired("auth_form", "the contact form was sent")


def auth_form(turn: Turn) -> Reason:
    """Each contact form sent."""
    turn.send("Auth_form_filled")
    return _FORM


_RATED: Final = fired("rating", "a rating was chosen")
_NO_RATING: Final = held("rating", "no rating was chosen")


def rating(turn: Turn) -> Reason:
    """A rating chosen: 5, 3 or 1."""
    said = turn.interaction
    assert type(said) is FeedbackGiven
    if said.rating is None:
        return _NO_RATING
    turn.send("Feedback_sent", label=said.rating.label, value=int(said.rating))
    return _RATED


_WROTE: Final = fired("rating_text", "a text was sent with the rating form")
_NO_TEXT: Final = held("rating_text", "no text was sent")


def rating_text(turn: Turn) -> Reason:
    """A text sent with the rating form, its personal data treated as the account wants."""
    said = turn.interaction
    assert type(said) is FeedbackGiven
    if said.said is None:
        return _NO_TEXT
    turn.send("Feedback_text_sent", label=_without_personal_data(said.said, turn.rules.account.pii))
    return _WROTE


def _without_personal_data(text: str, pii: str) -> str | None:
    text = text[:MAX_TEXT]
    if pii == "drop":
        return None
    if pii == "keep":
        return text
    return _NUMBER.sub("[number]", _EMAIL.sub("[email]", text))
