"""What each field means, for the JSON Schemas: one line a field, tested to be complete."""

from typing import Final

import msgspec

from schemas import dead_letter, ga_event, interaction, receipt

__all__ = ["MEANINGS", "meaning_of"]

_ENVELOPE: Final = {
    "account_id": "The account whose chat box reports.",
    "timestamp": "When it happened: RFC 3339 with `T` and an offset, or epoch milliseconds; UTC years 2000 to 2100.",
    "interaction_id": "Identity of the interaction, the same in every tab's copy of it. Recommended.",
    "session_id": "The chat session (visit). This or `visitor_id` is there.",
    "visitor_id": "The chat visitor.",
    "user_id": "The user logged in to the site.",
    "conversation_id": "The conversation; a session may hold several.",
    "tab_id": "The browser tab that produced this copy.",
    "page": "The page on which it happened.",
    "ga": "What the page knows of Google Analytics.",
    "consent": "What the visitor agreed to.",
    "user_agent": "The browser, as it calls itself.",
    "language": "The browser's language.",
}

MEANINGS: Final[dict[type[msgspec.Struct], dict[str, str]]] = {
    interaction.GivenPage: {
        "url": "Its address.",
        "title": "Its title.",
        "referrer": "Where the visitor came from.",
        "measurement_ids": "Measurement ids found on it: `G-…`, `UA-…`. An empty list empties what was known.",
    },
    interaction.GivenGa: {
        "client_id": "GA's client id.",
        "session_id": "GA's session id.",
        "cookies": "Cookies by name, as they stand; `_ga` and `_ga_…` are read.",
    },
    interaction.GivenConsent: {
        "analytics": "To analytics. False drops the events.",
        "marketing": "To marketing.",
    },
    interaction.GivenAutomation: {
        "kind": "What it is.",
        "id": "Its id.",
        "name": "Its name: the label in GA.",
        "run_id": "Tells its triggerings apart.",
    },
    interaction.GivenAgent: {"id": "The agent's id.", "name": "The agent's name: the label in GA."},
    interaction.GivenGoal: {
        "name": "The goal.",
        "value": "What it is worth.",
        "currency": "In which currency.",
    },
    interaction.AutomationSent: {"automation": "What was received."},
    interaction.BoxOpened: {"via": "How it was opened; by default `launcher`."},
    interaction.VisitorMessage: {
        "text": "What was typed. Of white space only, it is no text; without one it is a message all the same.",
        "online": "False where the box was offline; by default true.",
        "in_reply_to": "Id of the automation that is answered, where the chat box knows it.",
    },
    interaction.ButtonClicked: {
        "button": "The button's text.",
        "automation": "The chatbot whose button it is.",
        "is_back": 'A "back" button; by default false.',
    },
    interaction.AgentJoined: {"agent": "Who joined."},
    interaction.AgentLeft: {"agent": "Who left."},
    interaction.AgentMessage: {"agent": "Who wrote."},
    interaction.FeedbackGiven: {
        "rating": "5, 3 or 1; or good, normal, bad, bon, mauvais in any letter case. This or a text is there.",
        "text": "What was written. Of white space only, it is no text.",
    },
    interaction.GoalCompleted: {"goal": "What was reached."},
    ga_event.Page: {"url": "Its address.", "title": "Its title.", "referrer": "Where the visitor came from."},
    ga_event.Consent: {"analytics": "To analytics.", "marketing": "To marketing."},
    ga_event.Tracker: {"id": "Measurement id: `G-…` or `UA-…`.", "session_id": "GA's session id there."},
    ga_event.Automation: {
        "kind": "What it is.",
        "id": "Its id.",
        "name": "Its name.",
        "run_id": "Which of its triggerings, where they are told apart.",
    },
    ga_event.GaEvent: {
        "event_id": "The same however often the event is computed: deduplicate by it.",
        "name": "The action: GA4's event name.",
        "category": "Always the same.",
        "label": "Automation's or agent's name, button's text, rating, or feedback text.",
        "value": "Of a rating: 5, 3 or 1.",
        "account_id": "The account.",
        "session_id": "The session; of a visitor without one `<visitor_id>@<epoch ms of its beginning>`.",
        "conversation_id": "The conversation of the interaction that fired.",
        "timestamp_micros": "Time of the interaction that fired, epoch microseconds.",
        "client_id": "GA's client id, or one derived from the visitor.",
        "user_id": "The user logged in to the site.",
        "page": "The page on which it happened, or the last one known.",
        "user_agent": "The browser, as it calls itself.",
        "language": "The browser's language.",
        "consent": "What the visitor had agreed to by then; null: nothing is known.",
        "trackers": "Where it goes.",
        "automation": "The automation that is credited.",
        "caused_by": "Identity of the interaction that fired; then of the run's first receipt, if that is another.",
        "rules_version": "Version of the rules, and a mark of their options if they are not the defaults.",
    },
    receipt.Receipt: {
        "event_id": "The event.",
        "tracker_id": "The tracker: `G-…` or `UA-…`.",
        "account_id": "The event's account.",
        "session_id": "The event's session.",
        "name": "The event's name.",
        "outcome": "What became of it.",
        "reason": "In a sentence.",
        "status": "HTTP status of the answer.",
        "attempts": "Requests made.",
        "event_micros": "Time of the event, epoch microseconds.",
        "sent_micros": "When the last attempt began.",
        "answered_micros": "When it was answered.",
    },
    dead_letter.DeadLetter: {
        "topic": "The topic in which the record lies.",
        "partition": "Its partition.",
        "offset": "Its offset.",
        "timestamp_ms": "When it arrived: Kafka's record timestamp, epoch milliseconds.",
        "stage": "The agent that could not take it.",
        "field": "The field at fault, a dotted path; `$` the record itself, `key` its key.",
        "code": "What is wrong: short and fixed, for counting. New ones may be added.",
        "reason": "What is wrong, in a sentence.",
        "key": "The record's key.",
        "value": "The record's value; its first bytes where `truncated`.",
        "truncated": "Whether `value` is only the beginning.",
        "size": "Bytes of the original value.",
        "sha256": "Of the original value, where `truncated`.",
        "trackers": "Where `code` is `refused`: those that refused the event for good.",
    },
}


def meaning_of(struct: type[msgspec.Struct], field: str) -> str:
    """What a field means. Raises KeyError where nobody has said it."""
    for ancestor in struct.__mro__:
        if field in MEANINGS.get(ancestor, ()):
            return MEANINGS[ancestor][field]
    return _ENVELOPE[field]
