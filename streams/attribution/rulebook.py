"""The rules, in the order in which they are applied: `step`, `explain` and the docs read them here.

Order is contract (CONTRACT §3): it decides the order of the events of one
interaction, and what a later rule may rely on.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from schemas import interaction as raw
from streams.attribution import automations, consent, conversations, duplicates, forms, sessions
from streams.attribution.reasons import Reason, fired
from streams.attribution.turn import Turn

__all__ = ["PIPELINES", "RULES", "Apply", "Pipeline", "Rule", "box"]

Apply = Callable[[Turn], Reason]

EVERY: Final = tuple(raw.TYPES.values())
_TOUCHING: Final = (
    raw.AutomationSent,
    raw.VisitorMessage,
    raw.ButtonClicked,
    raw.AgentJoined,
    raw.AgentLeft,
    raw.AgentMessage,
    raw.ContactFormSent,
    raw.FeedbackGiven,
)
_STANDING_BY: Final = (raw.BoxOpened, raw.BoxClosed, raw.VisitStarted, raw.PageViewed, raw.GoalCompleted)


class Rule(msgspec.Struct, frozen=True):
    """One rule: which interactions it looks at, what it does, and where the contract says so."""

    name: str
    section: str  # heading in CONTRACT §3
    types: tuple[type, ...]
    apply: Apply
    events: tuple[str, ...] = ()
    """Names of the GA events it may send."""
    may_stop: bool = False
    """Whether it may find that the interaction changes nothing, so that no later rule is asked."""

    @property
    def meaning(self) -> str:
        """The rule in a sentence: the first of its function's docstring."""
        return (self.apply.__doc__ or "").strip().partition("\n")[0]


_BOX_OPENED: Final = fired("box", "the box is open now, however it was opened")
_BOX_CLOSED: Final = fired("box", "the box is closed; what was received and not viewed waits")


def box(turn: Turn) -> Reason:
    """Whether the box is open: what was received and not viewed waits for its next opening."""
    opened = turn.session.box_open = type(turn.interaction) is raw.BoxOpened
    return _BOX_OPENED if opened else _BOX_CLOSED


RULES: Final[tuple[Rule, ...]] = (
    Rule("session", "Session", EVERY, sessions.session_gap),
    Rule("duplicates", "Duplicates", EVERY, duplicates.duplicates, may_stop=True),
    Rule("context", "Context (§2)", EVERY, sessions.context),
    Rule("conversation", "Conversation", _TOUCHING, conversations.touch),
    Rule("bystander", "Conversation", _STANDING_BY, conversations.bystander),
    Rule("conversation_closed", "Conversation", (raw.ConversationClosed,), conversations.close),
    Rule("run", "Run", (raw.AutomationSent,), automations.run),
    Rule("target", "Target of a typed message", (raw.VisitorMessage,), automations.target),
    Rule("box", "Viewed", (raw.BoxOpened, raw.BoxClosed), box),
    Rule("sent", "Sent", (raw.AutomationSent,), automations.sent, tuple(automations.SENT.values())),
    Rule(
        "viewed", "Viewed", (raw.AutomationSent, raw.BoxOpened), automations.viewed, tuple(automations.VIEWED.values())
    ),
    Rule("button", "Button", (raw.ButtonClicked,), automations.button, ("Chatbot_button_interaction",)),
    Rule(
        "interaction",
        "Target of a typed message; Button",
        (raw.ButtonClicked, raw.VisitorMessage),
        automations.interaction,
        ("Chatbot_interaction",),
    ),
    Rule(
        "reaction",
        "Target of a typed message",
        (raw.VisitorMessage,),
        automations.reaction,
        tuple(automations.REACTION.values()),
    ),
    Rule("started", "Started", (raw.VisitorMessage,), automations.started, ("Visitor_started_conversation",)),
    Rule("offline", "Offline", (raw.VisitorMessage,), forms.offline, ("Offline_message_sent",)),
    Rule(
        "agent_served",
        "Agent",
        (raw.AgentJoined, raw.AgentLeft),
        conversations.agent_served,
        ("Agent_served_conversation",),
    ),
    Rule("auth_form", "The 17 events", (raw.ContactFormSent,), forms.auth_form, ("Auth_form_filled",)),
    Rule("rating", "Feedback", (raw.FeedbackGiven,), forms.rating, ("Feedback_sent",)),
    Rule("rating_text", "Feedback; Personal data", (raw.FeedbackGiven,), forms.rating_text, ("Feedback_text_sent",)),
    Rule(
        "last_message",
        "Target of a typed message",
        (raw.AutomationSent, raw.AgentMessage, raw.VisitorMessage),
        conversations.last_message,
    ),
    Rule("consent", "Consent", EVERY, consent.consent),
)


class Pipeline(NamedTuple):
    """What is applied to interactions of one type, in order: up to the last rule that may stop, and behind it."""

    gates: tuple[Apply, ...]
    others: tuple[Apply, ...]


def _pipeline(struct: type) -> Pipeline:
    asked = [rule for rule in RULES if struct in rule.types]
    behind = max((place for place, rule in enumerate(asked, 1) if rule.may_stop), default=0)
    applied = tuple(rule.apply for rule in asked)
    return Pipeline(applied[:behind], applied[behind:])


PIPELINES: Final[dict[type, Pipeline]] = {struct: _pipeline(struct) for struct in EVERY}
"""By type of interaction."""
