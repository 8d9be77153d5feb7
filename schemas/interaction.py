"""Raw interactions: what the chat box reports, one JSON object a record (CONTRACT §1).

The structs are the validation: what msgspec accepts is an interaction, what it
refuses is a dead letter that names a field at fault. Knows nothing of Kafka,
files or time: the record's arrival comes in as data.

Two ways lead through the same structs. The first reads the bytes straight into
them and takes all but a few records. What it refuses is read a second time as
plain JSON, because only then three readings of the contract can be kept: an
unknown `type` is ignored whatever else is wrong, of a key given twice the last
counts, and what is not JSON at all is named `$`.
"""

import math
import re
from typing import Annotated, Any, Final, Literal, final, get_args

import msgspec

from schemas.codes import Code
from schemas.instant import Instant

__all__ = [
    "MAX_RECORD_BYTES",
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
    "decode_interaction",
    "session_key",
]

MAX_RECORD_BYTES: Final = 1_048_576
"""A record over this is a dead letter: Kafka's brokers take no larger one by default either
(`message.max.bytes`), and a session must be able to carry what it has seen."""


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


def _custom(wanted: type[Instant | Rating], given: object) -> object:
    return wanted.parse(given)


def _finite(digits: str) -> object:
    """A number, or where no number is so large what fits no field: it is a fault only where a field wants one."""
    number = float(digits)
    return number if math.isfinite(number) else object()


_decoder: Final = msgspec.json.Decoder(Interaction, dec_hook=_custom)
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_plain: Final = msgspec.json.Decoder(float_hook=_finite)
_AT: Final = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_BRACKETS: Final = re.compile(r"\[[^\]]*\]")


def decode_interaction(raw: bytes | None, latest_micros: int) -> Interaction | Unknown | Fault:
    """The interaction in a record's bytes, or why it is none.

    `latest_micros`: the record's arrival plus `max_ahead`; a later `timestamp`
    is a fault, for a clock that is wrong would hold its session open for ever.
    Never raises: whatever stands in a record, the stream goes on.
    """
    if raw is None:
        return Fault("$", "The record has no value", "empty")
    if len(raw) > MAX_RECORD_BYTES:
        return Fault("$", f"{len(raw)} bytes; a record may have {MAX_RECORD_BYTES}", "too_large")
    try:
        if not raw.isascii():
            raw.decode()  # msgspec passes over what it need not read, wrong UTF-8 with it
        interaction = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        second = _decode_plainly(raw)
        if isinstance(second, (Fault, Unknown)):
            return second
        interaction = second
    return _fault_across_fields(interaction, latest_micros) or interaction


def _decode_plainly(raw: bytes) -> Interaction | Unknown | Fault:
    """The slow way: JSON first, then what is in it."""
    try:
        record = _fields.decode(raw.decode())
    except msgspec.ValidationError:
        return Fault("$", "Expected a JSON object", "not_object")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Fault("$", f"Expected JSON in UTF-8: {error}", "not_json")
    return _decode_fields(record)


def _decode_fields(record: dict[str, msgspec.Raw]) -> Interaction | Unknown | Fault:
    """Its `type` first, then the fields of that type, and no others, then its struct."""
    given: dict[str, Any] = {}
    name = "type"
    try:
        given[name] = kind = _plain.decode(record.get(name, b"null"))
        if type(kind) is not str:
            return Fault(name, "Expected a string that names the interaction")
        struct = TYPES.get(kind)
        if struct is None:
            return Unknown(kind)
        for name in struct.__struct_encode_fields__:
            if name in record:
                given[name] = _plain.decode(record[name])
    except msgspec.ValidationError as error:  # well-formed, yet beyond Python: an integer of thousands of digits
        return Fault(name, str(error).partition(" - at ")[0])
    try:
        return msgspec.convert(given, struct, dec_hook=_custom)
    except msgspec.ValidationError as error:
        return _fault_of(str(error))


def _fault_of(message: str) -> Fault:
    """Where msgspec puts the fault: its messages end in a path, or name the missing field."""
    match = _AT.match(message)
    path = (match and match["path"]) or "$"
    reason = match["reason"] if match else message
    if missing := _MISSING.match(reason):
        path, reason = f"{path}.{missing['name']}", "This field is required"
    field = _BRACKETS.sub("", path).removeprefix("$").removeprefix(".")
    return Fault(field or "$", reason)


def _fault_across_fields(interaction: Interaction, latest_micros: int) -> Fault | None:
    if interaction.timestamp > latest_micros:
        return Fault("timestamp", "Later than the record's arrival allows: the sender's clock is ahead", "ahead")
    if interaction.session_id is None and interaction.visitor_id is None:
        return Fault("session_id", "Expected session_id or visitor_id")
    if "/" in interaction.account_id:
        return Fault("account_id", "Expected an id without `/`")
    if type(interaction) is FeedbackGiven and interaction.rating is None and interaction.said is None:
        return Fault("rating", "Expected a rating or a text")
    return None


def session_key(interaction: Interaction) -> str:
    """The session's key, which is the record's key too (CONTRACT §5).

    An account id holds no `/`, so no two sessions share a key.
    """
    if interaction.session_id is not None:
        return f"{interaction.account_id}/s/{interaction.session_id}"
    return f"{interaction.account_id}/v/{interaction.visitor_id}"
