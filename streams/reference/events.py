"""The 17 events and the options of the rules, in words for the docs. What they do is in streams.attribution."""

from typing import Final, NamedTuple

from schemas.ga_event import EventName

__all__ = ["EVENTS", "OPTIONS", "EventRow"]


class EventRow(NamedTuple):
    """One event in words."""

    label: str
    when: str
    how_often: str


EVENTS: Final[dict[EventName, EventRow]] = {
    "Chatbot_sent": EventRow("chatbot's name", "a chatbot is received", "once per run"),
    "Chatbot_interaction": EventRow(
        "chatbot's name", "the visitor answers a chatbot, by message or button", "the first one only, once per session"
    ),
    "Chatbot_button_interaction": EventRow(
        "button's text", 'a reply button is clicked, other than a "back" button', "every click"
    ),
    "Chatbot_viewed": EventRow(
        "chatbot's name", "the visitor opens the box or clicks Let's chat after receiving it", "once per run"
    ),
    "Chatbot_visitor_reaction": EventRow("chatbot's name", "the visitor answers with a typed message", "once per run"),
    "Auto_message_sent": EventRow("message's name", "an automatic message is received", "once per run"),
    "Auto_message_viewed": EventRow(
        "message's name", "the visitor opens the box or clicks Let's chat after receiving it", "once per run"
    ),
    "Auto_message_visitor_reaction": EventRow(
        "message's name", "the visitor answers with a typed message; of several automations, the last", "once per run"
    ),
    "Visitor_started_conversation": EventRow(
        "none", "the visitor writes and nothing came before in the conversation", "once per conversation"
    ),
    "Agent_served_conversation": EventRow("agent's name", "an agent joins", "per join"),
    "Auth_form_filled": EventRow("none", "the contact form is sent", "each"),
    "Offline_message_sent": EventRow("none", "a message is left in an offline box", "each"),
    "Feedback_sent": EventRow("`Good`, `Normal` or `Bad`; value 5, 3 or 1", "a rating is chosen", "each"),
    "Feedback_text_sent": EventRow(
        "the text, its personal data treated as the account wants", "a text is sent with the rating form", "each"
    ),
    "Trigger_message_sent": EventRow("trigger's name", "an old-style trigger is received", "once per run"),
    "Trigger_message_viewed": EventRow(
        "trigger's name", "the visitor opens the box or clicks Let's chat after receiving it", "once per run"
    ),
    "Trigger_visitor_reaction": EventRow("trigger's name", "the visitor answers with a typed message", "once per run"),
}

OPTIONS: Final[dict[str, str]] = {
    "session_gap_s": "A longer silence, in event time, ends a session.",
    "visitor_gap_s": "The same where the session's key is the visitor's.",
    "tab_window_s": "Two tabs' copies of one interaction lie at most this far apart.",
    "max_ahead_s": "A record whose `timestamp` is later than its arrival by more is a dead letter.",
    "unknown_types": "What becomes of a record whose `type` is not known.",
    "viewed_when_already_open": "An automation that arrives while the box is open is viewed at once.",
    "widget_open_counts": "A box that opens by itself views what was received.",
    "chatbot_interaction_scope": "`Chatbot_interaction` once per session, or once per chatbot in it.",
}
