"""Universal Analytics: an event as a hit. Pure.

Google's own endpoint is off since July 2024; the protocol is kept for those who
have a collector of their own. Source of names: Measurement Protocol v1,
Parameter Reference.
"""

from typing import Final, Literal
from urllib.parse import urlencode

from schemas.ga_event import LEGACY_CATEGORY, LEGACY_NAMES, GaEvent
from streams.measurement.due import Due
from streams.measurement.limits import HIT_BYTES, UA_BYTES, WINDOW_MICROS
from streams.measurement.notes import Notes, fit_bytes

__all__ = ["Naming", "hit", "size_of", "with_age"]

Naming = Literal["v3", "legacy"]

_SPARED_FIRST: Final = ("ua", "dr", "dt", "dl")
"""What a hit over its size does without, the least missed first."""


def hit(due: Due, naming: Naming, notes: Notes) -> bytes | None:
    """The hit, all but its age: that is of the moment it is sent (`with_age`). None: its ids alone are too large."""
    event, page = due.event, due.event.page
    category, action, label = _names(event, naming)
    given = {
        "v": "1",
        "t": "event",
        "tid": due.tracker.id,
        "cid": event.client_id,
        "uid": event.user_id,
        "ec": category,
        "ea": action,
        "el": label,
        "ev": None if event.value is None else str(event.value),
        "dl": page and page.url,
        "dt": page and page.title,
        "dr": page and page.referrer,
        "ua": event.user_agent,
        "ul": event.language,
        "npa": "1" if event.consent.marketing is False else None,  # no personalised advertising
    }
    fields = {
        name: fit_bytes(name, text, UA_BYTES[name], notes) if name in UA_BYTES else text
        for name, text in given.items()
        if text
    }
    return _fit(fields, event, notes)


def _names(event: GaEvent, naming: Naming) -> tuple[str, str, str | None]:
    """Category, action and label. Legacy ones: CONTRACT §4."""
    if naming == "v3":
        return event.category, event.name, event.label
    label = event.label
    if event.name == "Chatbot_button_interaction":
        label = None if event.automation is None else event.automation.name
    elif event.name == "Feedback_sent":
        label = str(event.value)
    return LEGACY_CATEGORY, LEGACY_NAMES[event.name], label


def _fit(fields: dict[str, str], event: GaEvent, notes: Notes) -> bytes | None:
    for spared in (None, *_SPARED_FIRST):
        if spared and fields.pop(spared, None):
            notes.take(spared, HIT_BYTES, "left out")
        encoded = urlencode(fields).encode()
        if size_of(encoded, event) <= HIT_BYTES.most:
            return encoded
    notes.take("$", HIT_BYTES, "rejected")
    return None


def size_of(encoded: bytes, event: GaEvent) -> int:
    """Bytes of the hit whenever it is sent: at the end of the window its age has the most digits."""
    return len(with_age(encoded, event, event.timestamp_micros + WINDOW_MICROS.most))


def with_age(encoded: bytes, event: GaEvent, now_micros: int) -> bytes:
    """The hit as sent now. `qt` is its age; `z`, which reports ignore and which comes last, tells repeats."""
    age_ms = max(0, now_micros - event.timestamp_micros) // 1_000
    return b"%b&%b" % (encoded, urlencode({"qt": age_ms, "z": event.event_id}).encode())
