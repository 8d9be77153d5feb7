"""What a format tells of a chat, and which of the 17 events can come of that. Pure.

Data: the table of the docs is made of it, and the golden examples prove it.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from schemas.ga_event import EventName
from schemas.interaction import AutomationKind
from streams.sources import mapping as mappings

__all__ = ["FACTS", "NEEDED", "Fact", "Facts", "Never", "Told", "kind_told", "when"]

Fact = Literal[
    "visitor_message",
    "offline",
    "chatbot",
    "auto_message",
    "trigger",
    "box_opened",
    "button",
    "agent_joined",
    "contact_form",
    "rating",
    "rating_text",
]

FACTS: Final[dict[Fact, str]] = {
    "visitor_message": "the visitor's messages",
    "offline": "that the box was offline",
    "chatbot": "a chatbot's messages",
    "auto_message": "automatic messages",
    "trigger": "old-style triggers",
    "box_opened": "that the box was opened",
    "button": "clicks on a chatbot's buttons",
    "agent_joined": "that an agent joined",
    "contact_form": "that the contact form was sent",
    "rating": "ratings",
    "rating_text": "the texts of ratings",
}
"""Each in words."""

NEEDED: Final[dict[EventName, tuple[Fact, ...]]] = {
    "Chatbot_sent": ("chatbot",),
    "Chatbot_interaction": ("chatbot", "visitor_message"),
    "Chatbot_button_interaction": ("button",),
    "Chatbot_viewed": ("chatbot", "box_opened"),
    "Chatbot_visitor_reaction": ("chatbot", "visitor_message"),
    "Auto_message_sent": ("auto_message",),
    "Auto_message_viewed": ("auto_message", "box_opened"),
    "Auto_message_visitor_reaction": ("auto_message", "visitor_message"),
    "Visitor_started_conversation": ("visitor_message",),
    "Agent_served_conversation": ("agent_joined",),
    "Auth_form_filled": ("contact_form",),
    "Offline_message_sent": ("offline",),
    "Feedback_sent": ("rating",),
    "Feedback_text_sent": ("rating_text",),
    "Trigger_message_sent": ("trigger",),
    "Trigger_message_viewed": ("trigger", "box_opened"),
    "Trigger_visitor_reaction": ("trigger", "visitor_message"),
}
"""What an event takes, all of it (CONTRACT §3). A button answers a chatbot too, and no format tells it alone."""


class Told(msgspec.Struct, frozen=True):
    """The format tells it, by itself or under mappings that say something."""

    under: Callable[[mappings.Mapping], bool] | None = None
    says: str = ""
    """What such a mapping says, in words."""


class Never(msgspec.Struct, frozen=True):
    """The format cannot tell it, whatever a mapping says."""

    why: str


Facts = Mapping[Fact, Told | Never]


def when(key: Literal["box_opened", "agent_joined"], *values: str) -> Told:
    """Told where the mapping takes it from something else."""
    says = " or ".join(f'`{key} = "{value}"`' for value in values)
    return Told(lambda mapping: getattr(mapping, key) in values, says)


def kind_told(kind: AutomationKind, default: AutomationKind | None = None) -> Told:
    """Told where the mapping makes automations of this kind, or leaves them as what they are taken for."""

    def made(mapping: mappings.Mapping) -> bool:
        listed = {each.kind for each in mapping.automations.values()}
        return kind in listed or kind == (mapping.automation_kind or default)

    return Told(made, f'`kind = "{kind}"` of one of `[automations]`, or `automation_kind = "{kind}"`')
