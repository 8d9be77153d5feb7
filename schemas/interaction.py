"""Raw interactions: what the chat box reports, one JSON object a record (CONTRACT §1).

The structs are the validation: what msgspec accepts is an interaction, what it
refuses is a dead letter that names a field at fault (`decoding.py`).
"""

from typing import Annotated, Final, Literal, final, get_args

import msgspec

from schemas.codes import Code
from schemas.instant import Instant

__all__ = [
    "TYPES",
    "AgentJoined",
    "AgentLeft",
    "AgentMessage",
    "AutomationSent",
    "BoxClosed",
    "BoxOpened",
    "ButtonClicked",
    "ContactFormSent",
    "ConversationClosed",
    "Fault",
    "FeedbackGiven",
    "GivenAgent",
    "GivenAutomation",
    "GivenChatbot",
    "GivenConsent",
    "GivenGa",
    "GivenGoal",
    "GivenPage",
    "GoalCompleted",
    "Interaction",
    "PageViewed",
    "Rating",
    "Unknown",
    "VisitStarted",
    "VisitorMessage",
]


class Rating(int):
    """A rating as GA gets it: 5 good, 3 normal, 1 bad."""

    __slots__ = ()
    spellings: Final = {"good": 5, "bon": 5, "normal": 3, "bad": 1, "mauvais": 1}

    @classmethod
    def parse(cls, given: object) -> "Rating":
        """The rating of a `rating` field. Raises ValueError with the reason."""
        if type(given) is int and given in (5, 3, 1):
            return cls(given)
        if type(given) is str and (value := cls.spellings.get(given.lower())):
            return cls(value)
        raise ValueError("Expected 5, 3 or 1, or one of good, normal, bad, bon, mauvais")

    @property
    def label(self) -> str:
        """The rating's name in GA."""
        return {5: "Good", 3: "Normal", 1: "Bad"}[self]


Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
# No `/`: that is looked at across the fields, as a pattern here takes a fifth of the whole decoding.
AccountId = Annotated[str, msgspec.Meta(min_length=1, max_length=256, extra_json_schema={"pattern": "^[^/]+$"})]
AutomationKind = Literal["chatbot", "auto_message", "trigger"]
Via = Literal["launcher", "popup", "widget"]


class GivenPage(msgspec.Struct, frozen=True, gc=False):
    """The page on which it happened; `measurement_ids` are those found on it (`G-…`, `UA-…`)."""

    url: str | None = None
    title: str | None = None
    referrer: str | None = None
    measurement_ids: tuple[Id, ...] | None = None


class GivenGa(msgspec.Struct, frozen=True, gc=False):
    """What the page knows of Google Analytics: ids, and the cookies as they stand."""

    client_id: Id | None = None
    session_id: Id | None = None
    cookies: dict[str, str | None] | None = None


class GivenConsent(msgspec.Struct, frozen=True, gc=False):
    """What the visitor agreed to."""

    analytics: bool | None = None
    marketing: bool | None = None


class GivenAutomation(msgspec.Struct, frozen=True, gc=False):
    """A chatbot, an automatic message or an old-style trigger; `run_id` tells its runs apart."""

    kind: AutomationKind
    id: Id
    name: str
    run_id: Id | None = None


class GivenChatbot(GivenAutomation, frozen=True, gc=False):
    """The chatbot whose button was clicked."""

    kind: Literal["chatbot"]


class GivenAgent(msgspec.Struct, frozen=True, gc=False):
    """A person who answers."""

    id: Id
    name: str


class GivenGoal(msgspec.Struct, frozen=True, gc=False):
    """A goal of the site that was reached: a purchase, a sign-up."""

    name: str
    value: float | None = None
    currency: str | None = None


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """What every interaction carries (CONTRACT §1). `session_id` or `visitor_id` is there."""

    account_id: AccountId
    timestamp: Instant
    interaction_id: Id | None = None
    session_id: Id | None = None
    visitor_id: Id | None = None
    user_id: Id | None = None
    conversation_id: Id | None = None
    tab_id: Id | None = None
    page: GivenPage | None = None
    ga: GivenGa | None = None
    consent: GivenConsent | None = None
    user_agent: str | None = None
    language: str | None = None


def _unless_blank(text: str | None) -> str | None:
    return text if text and not text.isspace() else None


class AutomationSent(_Envelope, frozen=True, kw_only=True, gc=False, tag="automation_sent"):
    """The visitor received an automation in the chat box."""

    automation: GivenAutomation


class BoxOpened(_Envelope, frozen=True, kw_only=True, gc=False, tag="box_opened"):
    """The box was opened, or "Let's chat" clicked in the popup; `widget`: it opened by itself."""

    via: Via | None = None


class BoxClosed(_Envelope, frozen=True, kw_only=True, gc=False, tag="box_closed"):
    """The box was closed."""


class VisitorMessage(_Envelope, frozen=True, kw_only=True, gc=False, tag="visitor_message"):
    """The visitor typed and sent a message; `online` is false where the box was offline."""

    text: str | None = None
    online: bool | None = None
    in_reply_to: Id | None = None

    @property
    def said(self) -> str | None:
        """The text; one of white space only is none. A message without text is a message."""
        return _unless_blank(self.text)


class ButtonClicked(_Envelope, frozen=True, kw_only=True, gc=False, tag="button_clicked"):
    """A quick-reply button of a chatbot was clicked."""

    button: str
    automation: GivenChatbot | None = None
    is_back: bool | None = None


class AgentJoined(_Envelope, frozen=True, kw_only=True, gc=False, tag="agent_joined"):
    """An agent joined the conversation."""

    agent: GivenAgent


class AgentLeft(_Envelope, frozen=True, kw_only=True, gc=False, tag="agent_left"):
    """An agent left the conversation."""

    agent: GivenAgent


class AgentMessage(_Envelope, frozen=True, kw_only=True, gc=False, tag="agent_message"):
    """An agent wrote."""

    agent: GivenAgent | None = None


class ContactFormSent(_Envelope, frozen=True, kw_only=True, gc=False, tag="contact_form_sent"):
    """The contact (authentication) form was filled in and sent."""


class FeedbackGiven(_Envelope, frozen=True, kw_only=True, gc=False, tag="feedback_given"):
    """The rating form was sent, with a rating, a text or both."""

    rating: Rating | None = None
    text: str | None = None

    @property
    def said(self) -> str | None:
        """The text; one of white space only is none."""
        return _unless_blank(self.text)


class ConversationClosed(_Envelope, frozen=True, kw_only=True, gc=False, tag="conversation_closed"):
    """The conversation ended."""


class VisitStarted(_Envelope, frozen=True, kw_only=True, gc=False, tag="visit_started"):
    """A visit began. Feeds the report."""


class PageViewed(_Envelope, frozen=True, kw_only=True, gc=False, tag="page_viewed"):
    """A page was seen. Feeds the report."""


class GoalCompleted(_Envelope, frozen=True, kw_only=True, gc=False, tag="goal_completed"):
    """A goal was reached. Feeds the report."""

    goal: GivenGoal


Interaction = (
    AutomationSent
    | BoxOpened
    | BoxClosed
    | VisitorMessage
    | ButtonClicked
    | AgentJoined
    | AgentLeft
    | AgentMessage
    | ContactFormSent
    | FeedbackGiven
    | ConversationClosed
    | VisitStarted
    | PageViewed
    | GoalCompleted
)

TYPES: Final[dict[str, type[Interaction]]] = {
    str(struct.__struct_config__.tag): struct for struct in get_args(Interaction)
}
"""Every `type` and its struct."""


@final
class Fault(msgspec.Struct, frozen=True):
    """Why a record is no interaction: a dotted path (`$` the record itself), a short code, a sentence."""

    field: str
    reason: str
    code: Code = "invalid"


@final
class Unknown(msgspec.Struct, frozen=True):
    """A record of a type that this version does not know: ignored and counted (CONTRACT §1)."""

    type: str
