"""GA events: what chat2ga makes of the interactions (CONTRACT §2, §3).

One JSON object a record on `ga-events`, keyed by the session. Field order is
part of the format: the same history gives the same bytes.
"""

from typing import Final, Literal

import msgspec

from schemas.interaction import AutomationKind

__all__ = [
    "CATEGORY",
    "LEGACY_CATEGORY",
    "LEGACY_NAMES",
    "Automation",
    "Consent",
    "EventName",
    "GaEvent",
    "Page",
    "Tracker",
    "decode_event",
    "encode_event",
]

CATEGORY: Final = "Smartsupp_v3"
LEGACY_CATEGORY: Final = "Smartsupp"

EventName = Literal[
    "Chatbot_sent",
    "Chatbot_interaction",
    "Chatbot_button_interaction",
    "Chatbot_viewed",
    "Chatbot_visitor_reaction",
    "Auto_message_sent",
    "Auto_message_viewed",
    "Auto_message_visitor_reaction",
    "Visitor_started_conversation",
    "Agent_served_conversation",
    "Auth_form_filled",
    "Offline_message_sent",
    "Feedback_sent",
    "Feedback_text_sent",
    "Trigger_message_sent",
    "Trigger_message_viewed",
    "Trigger_visitor_reaction",
]

LEGACY_NAMES: Final[dict[EventName, str]] = {
    "Chatbot_sent": "Chatbot sent",
    "Chatbot_interaction": "Chatbot interaction",
    "Chatbot_button_interaction": "Chatbot button interaction",
    "Chatbot_viewed": "Chatbot message viewed",
    "Chatbot_visitor_reaction": "Chatbot started conversation",
    "Auto_message_sent": "Chatbot sent",
    "Auto_message_viewed": "Chatbot message viewed",
    "Auto_message_visitor_reaction": "Auto message started a conversation",
    "Visitor_started_conversation": "Visitor started conversation",
    "Agent_served_conversation": "Conversation served",
    "Auth_form_filled": "Auth form filled",
    "Offline_message_sent": "Offline message sent",
    "Feedback_sent": "Feedback sent",
    "Feedback_text_sent": "Feedback sent",
    "Trigger_message_sent": "Triggered message sent",
    "Trigger_message_viewed": "Triggered message viewed",
    "Trigger_visitor_reaction": "Trigger started conversation",
}
"""The names of the older integration, for UA hits under `naming = "legacy"`."""


class Page(msgspec.Struct, frozen=True, gc=False):
    """The page on which the interaction happened, or the last one known."""

    url: str | None
    title: str | None
    referrer: str | None


class Consent(msgspec.Struct, frozen=True, gc=False):
    """What the visitor had agreed to by then; null: nothing is known."""

    analytics: bool | None
    marketing: bool | None


class Tracker(msgspec.Struct, frozen=True, gc=False):
    """Where the event goes (`G-…` or `UA-…`) and GA's session id there."""

    id: str
    session_id: str


class Automation(msgspec.Struct, frozen=True, gc=False):
    """The automation that is credited."""

    kind: AutomationKind
    id: str
    name: str
    run_id: str | None


class GaEvent(msgspec.Struct, frozen=True, gc=False):
    """One event for Google Analytics. `event_id` is the same however often it is computed."""

    event_id: str
    name: EventName
    category: str
    label: str | None
    value: int | None
    account_id: str
    session_id: str
    conversation_id: str | None
    timestamp_micros: int
    client_id: str
    user_id: str | None
    page: Page | None
    user_agent: str | None
    language: str | None
    consent: Consent
    trackers: tuple[Tracker, ...]
    automation: Automation | None
    caused_by: tuple[str, ...]
    rules_version: str


_decoder: Final = msgspec.json.Decoder(GaEvent)

encode_event: Final = msgspec.json.Encoder().encode


def decode_event(raw: bytes) -> GaEvent:
    """The event in a record of `ga-events`. Raises msgspec.ValidationError or DecodeError."""
    return _decoder.decode(raw)
