"""Parameters of a GA4 event in words: what each holds, and what to register in GA so that reports show it."""

from typing import Final, Literal, NamedTuple

__all__ = ["PARAMETERS", "ParameterRow", "Register"]

Register = Literal["dimension", "of GA's own", "no"]


class ParameterRow(NamedTuple):
    """One parameter."""

    register: Register
    display_name: str
    """As a custom dimension, or as GA calls its own."""
    meaning: str
    many_values: bool = False
    """GA puts values beyond about 500 a day into a row "(other)", and such a dimension slows others with it."""


PARAMETERS: Final[dict[str, ParameterRow]] = {
    "engagement_time_msec": ParameterRow("of GA's own", "User engagement", "1, so that Realtime shows the event"),
    "session_id": ParameterRow("of GA's own", "the session", "The GA session that the event belongs to"),
    "event_id": ParameterRow("no", "", "The event's identity: finds repeats in an export", many_values=True),
    "event_category": ParameterRow("dimension", "Chat category", "`Smartsupp_v3`"),
    "event_label": ParameterRow(
        "dimension", "Chat label", "Chatbot, message, trigger, button, agent, rating or feedback text", many_values=True
    ),
    "value": ParameterRow("of GA's own", "Event value", "5, 3 or 1, on `Feedback_sent`"),
    "automation_kind": ParameterRow("dimension", "Chat automation kind", "`chatbot`, `auto_message` or `trigger`"),
    "automation_id": ParameterRow("dimension", "Chat automation id", "The automation, whatever it is called now"),
    "automation_name": ParameterRow("dimension", "Chat automation", "Its name"),
    "automation_run_id": ParameterRow("no", "", "One triggering of it", many_values=True),
    "conversation_id": ParameterRow("no", "", "The conversation", many_values=True),
    "chat_session_id": ParameterRow("no", "", "The chat session, which is not GA's", many_values=True),
    "page_location": ParameterRow("of GA's own", "Page location", "Address of the page on which it happened"),
    "page_title": ParameterRow("of GA's own", "Page title", "Its title"),
    "page_referrer": ParameterRow("of GA's own", "Page referrer", "Where the visitor came from"),
    "language": ParameterRow("of GA's own", "Language", "The browser's language"),
}
"""By name. All are of the event: a custom dimension of one has the scope "event"."""
