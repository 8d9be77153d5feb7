"""GA4: an event as the Measurement Protocol takes it. Pure.

Source of names and forms: the protocol's reference, JSON POST body. What GA
takes once a request (client, user, user agent, consent) is the head; everything
else, page and session too, is of the event.
"""

from typing import Final

import msgspec

from schemas.ga_event import GaEvent
from streams.measurement.due import Due
from streams.measurement.limits import CLIENT_ID, PARAM_VALUE_CHARS, USER_ID_CHARS
from streams.measurement.notes import Notes, fit_chars, fit_id, is_within

__all__ = ["ENGAGEMENT_MSEC", "Head", "Params", "body", "encoded_event", "encoded_head", "head"]

ENGAGEMENT_MSEC: Final = 1
"""Without the parameter Realtime shows no activity, and how long the visitor was busy is not
known: the least that says anything, so that no engagement time is made up."""

_AHEAD: Final = "timestamp_micros is for the past, by the clock of who sends it"
_SESSION: Final = "session_id is a positive number, or an id of Google's own"
_CLIENT: Final = "GA's validation server asks for two numbers joined by a period"


class Params(msgspec.Struct, omit_defaults=True):
    """Parameters of an event, in the order in which they are sent. None is not sent."""

    engagement_time_msec: int
    session_id: str | None = None
    event_id: str | None = None  # tells repeats in an export
    event_category: str | None = None
    event_label: str | None = None
    value: int | None = None
    automation_kind: str | None = None
    automation_id: str | None = None
    automation_name: str | None = None
    automation_run_id: str | None = None
    conversation_id: str | None = None
    chat_session_id: str | None = None
    page_location: str | None = None
    page_title: str | None = None
    page_referrer: str | None = None
    language: str | None = None


class _Event(msgspec.Struct):
    name: str
    timestamp_micros: int
    params: Params


class _Consent(msgspec.Struct):
    ad_user_data: str
    ad_personalization: str


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What GA takes once a request: events are packed together only where all of it is the same.

    `device` is not sent: with it GA ignores the user agent, and the language alone
    would cost the browser. The language goes as the parameter that gtag sends.
    """

    client_id: str
    user_id: str | None = None
    user_agent: str | None = None
    consent: _Consent | None = None


_CONSENT: Final = {
    None: None,
    True: _Consent("GRANTED", "GRANTED"),
    False: _Consent("DENIED", "DENIED"),
}
"""By `consent.marketing`: one answer of the visitor covers both. Unknown: GA goes by the client's own tags."""

encoded_head: Final = msgspec.json.Encoder().encode
_encode: Final = msgspec.json.Encoder().encode


def head(event: GaEvent, notes: Notes) -> Head:
    """What GA takes once a request."""
    if not CLIENT_ID.match(event.client_id):
        notes.take("client_id", _CLIENT, "sent as it is")  # another one would be another visitor
    user_id = event.user_id
    if user_id is not None and not is_within(user_id, USER_ID_CHARS):
        notes.take("user_id", USER_ID_CHARS, "left out")  # a cut one is someone else's
        user_id = None
    return Head(event.client_id, user_id or None, event.user_agent or None, _CONSENT[event.consent.marketing])


def encoded_event(due: Due, now_micros: int, notes: Notes) -> bytes:
    """An item of `events`."""
    event = due.event
    at_micros = event.timestamp_micros
    if at_micros > now_micros:
        notes.take("timestamp_micros", _AHEAD, "set to now")
        at_micros = now_micros
    return _encode(_Event(event.name, at_micros, _params(due, notes)))


def _params(due: Due, notes: Notes) -> Params:
    event, automation, page = due.event, due.event.automation, due.event.page
    params = Params(
        engagement_time_msec=ENGAGEMENT_MSEC,
        session_id=_session_id(due.tracker.session_id, notes),
        event_id=_id("event_id", event.event_id, notes),
        event_category=_text("event_category", event.category, notes),
        event_label=_text("event_label", event.label, notes),
        value=event.value,
        conversation_id=_id("conversation_id", event.conversation_id, notes),
        chat_session_id=_id("chat_session_id", event.session_id, notes),
        language=_text("language", event.language, notes),
    )
    if automation is not None:
        params.automation_kind = automation.kind
        params.automation_id = _id("automation_id", automation.id, notes)
        params.automation_name = _text("automation_name", automation.name, notes)
        params.automation_run_id = _id("automation_run_id", automation.run_id, notes)
    if page is not None:
        params.page_location = _text("page_location", page.url, notes)
        params.page_title = _text("page_title", page.title, notes)
        params.page_referrer = _text("page_referrer", page.referrer, notes)
    return params


def _session_id(given: str, notes: Notes) -> str | None:
    """As it is: digits, or an id that Tag Manager made, to which no limit of length applies."""
    if given.strip("0") and not given.startswith("-"):
        return given
    notes.take("session_id", _SESSION, "left out")
    return None


_SHORT: Final = min(limit.most for limit in PARAM_VALUE_CHARS.values()) // 2
"""So few characters are within every limit, however they are counted. Most texts are."""


def _text(field: str, text: str | None, notes: Notes) -> str | None:
    if not text or len(text) <= _SHORT:
        return text or None
    return fit_chars(field, text, PARAM_VALUE_CHARS.get(field, PARAM_VALUE_CHARS[""]), notes)


def _id(field: str, text: str | None, notes: Notes) -> str | None:
    if not text or len(text) <= _SHORT:
        return text or None
    return fit_id(field, text, PARAM_VALUE_CHARS[""], notes)


def body(encoded: bytes, events: list[bytes]) -> bytes:
    """The body of a request, of an encoded head and encoded events."""
    return encoded[:-1] + b',"events":[' + b",".join(events) + b"]}"
