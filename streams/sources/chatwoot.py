"""Chatwoot's webhooks: one event of an account a record. Pure.

Origin: "Webhook Events", https://github.com/chatwoot/docs,
docs/product/others/webhook-events.md, and the code that makes them,
https://github.com/chatwoot/chatwoot: app/models/message.rb (`webhook_data`; a
message of an automation rule or a campaign is no human's),
app/presenters/conversations/event_data_presenter.rb, app/models/contact_inbox.rb
and app/listeners/webhook_listener.rb. The signature is documented with the
webhook's `secret` in Chatwoot's API.

The session is the visitor's, by the contact's id: an opening of the box may come
before there is a conversation. A message that is updated does not say when; the
conversation's own update does.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from schemas.interaction import Fault, Unknown
from streams.sources.draft import Draft, content_id
from streams.sources.facts import Never, Told, kind_told, when
from streams.sources.format import Format
from streams.sources.mapping import Mapping
from streams.sources.record import At, first
from streams.sources.signature import Signature
from streams.sources.telling import Telling, account, agent, automation, page, site_ids
from streams.sources.times import SECONDS, instant

__all__ = ["CHATWOOT"]

_NAME: Final = "chatwoot"
_TYPES: Final = {0: "incoming", 1: "outgoing", 2: "activity", 3: "template"}
_TEMPLATE: Final = "template"

_Said = Fault | None


def _drafts(record: At, mapping: Mapping) -> Sequence[Draft] | Fault | Unknown:
    event = record.at("event")
    if not event.text:
        return event.expected("the name of an event")
    way = _EVENTS.get(event.text)
    if way is None:
        return Unknown(event.text)
    conversation, contact = record.at(*way.conversation), record.at(*way.contact)
    channel = conversation.at("channel")
    if not mapping.looks_at(channel.value):
        return Unknown(f"{event.text} of {channel.value}")
    telling = Telling(_NAME, mapping, _common(record, conversation, contact, mapping), conversation.at("id").id or "")
    fault = way.tell(telling, record, conversation, mapping)
    if fault is None and not telling.drafts:
        return Unknown(event.text)
    return telling.drafts if fault is None else fault


def _common(record: At, conversation: At, contact: At, mapping: Mapping) -> Draft:
    opened, attributes = record.at("event_info"), conversation.at("additional_attributes")
    return {
        # A conversation by itself does not name its account; the message that it comes with does.
        "account_id": account(mapping, first(record.at("account", "id"), conversation.at("messages", 0, "account_id"))),
        "timestamp": instant(record.at("created_at"), SECONDS),
        "visitor_id": first(contact.at("id"), conversation.at("contact_inbox", "contact_id")),
        "conversation_id": conversation.at("id"),
        "page": page(mapping, first(opened.at("referer"), attributes.at("referer"))),
        "language": first(opened.at("browser_language"), attributes.at("browser_language")),
        **site_ids(mapping, contact.at("custom_attributes"), user_id=contact.at("identifier")),
    }


def _changed(conversation: At) -> At:
    """When a conversation changed, or a message in it."""
    return instant(first(conversation.at("updated_at"), conversation.at("timestamp")), SECONDS)


# -- messages ----------------------------------------------------------------------


def _created(telling: Telling, record: At, conversation: At, mapping: Mapping) -> _Said:
    del conversation
    kind, key = record.at("message_type"), record.at("id").id or content_id(record)
    note = record.at("private").truth()
    if note is not False:
        return note if isinstance(note, Fault) else None  # among agents alone
    named = _TYPES.get(kind.value) if type(kind.value) is int else kind.text
    match named:
        case "incoming":
            telling.visitor_wrote(key, text=record.at("content"))
        case "outgoing":
            sent = _automation(record, mapping)
            if sent is not None:
                telling.say("automation_sent", key, automation=sent)
            else:
                sender = record.at("sender")
                telling.agent_wrote(agent(mapping, sender.at("id"), sender.at("name")), key, joins=True)
        case "template":
            # Greetings and notices of absence: nothing tells them apart, so only the mapping can count them.
            if record.at("content_type").value in (None, "text") and mapping.known(_TEMPLATE) is not None:
                told = automation(mapping, At(_TEMPLATE, kind.path), At(None, kind.path), default="auto_message")
                telling.say("automation_sent", key, automation=told)
        case "activity":
            pass
        case _:
            return kind.expected("incoming, outgoing, template or activity")
    return None


def _automation(record: At, mapping: Mapping) -> Draft | None:
    """The automation that sent a message, if it was one. Ids are of one kind each, so that kind stands before them."""
    sender, nameless = record.at("sender"), At(None, "sender.name")
    if sender.at("type").text == "agent_bot":
        return automation(mapping, _named("bot", sender.at("id")), sender.at("name"), kind="chatbot")
    rule = record.at("content_attributes", "automation_rule_id")
    campaign = record.at("additional_attributes", "campaign_id")
    if rule.value is not None:
        return automation(mapping, _named("rule", rule), nameless, default="auto_message")
    if campaign.value is not None:
        return automation(mapping, _named("campaign", campaign), nameless, default="auto_message")
    return None


def _named(kind: str, told: At) -> At:
    return At(f"{kind}-{told.id}", told.path) if told.id else told


def _updated(telling: Telling, record: At, conversation: At, mapping: Mapping) -> _Said:
    """What a visitor does to a message: fill in a form, choose from a list. Every later update repeats it."""
    telling.timestamp = _changed(conversation)
    key, attributes = record.at("id").id or content_id(record), record.at("content_attributes")
    submitted = attributes.at("submitted_values")
    match record.at("content_type").text:
        case "input_csat":
            answer = submitted.at("csat_survey_response")
            return telling.rated(answer.at("rating"), answer.at("feedback_message"), key)
        case "input_email" if attributes.at("submitted_email").text:
            telling.say("contact_form_sent", key)
        case "input_select":
            sent = _automation(record, mapping)
            if sent is not None and sent["kind"] != "chatbot":
                sent = None
            for n, chosen in enumerate(submitted.items()):
                button = first(chosen.at("title"), chosen.at("value"))
                telling.say("button_clicked", key, n, button=button, automation=sent)
    return None


# -- conversations and the box -----------------------------------------------------


def _status(telling: Telling, record: At, conversation: At, mapping: Mapping) -> _Said:
    del mapping
    telling.timestamp = _changed(conversation)
    if record.at("event").text == "conversation_resolved" or record.at("status").text == "resolved":
        telling.say("conversation_closed", conversation.at("id").id, telling.timestamp.value)
    return None


def _assigned(telling: Telling, record: At, conversation: At, mapping: Mapping) -> _Said:
    """An assignment, where the mapping takes it for a join."""
    if mapping.agent_joined != "assigned":
        return None
    telling.timestamp = _changed(conversation)
    key, assignee = conversation.at("id").id, conversation.at("meta", "assignee")
    for changed in record.at("changed_attributes").items():
        before = changed.at("assignee_id", "previous_value")
        after = changed.at("assignee_id", "current_value")
        left = agent(mapping, before)
        if left is not None:
            telling.say("agent_left", key, before.id, telling.timestamp.value, agent=left)
        name = (assignee.at("name"),) if assignee.at("id").value == after.value else ()
        joined = agent(mapping, after, *name)
        if joined is not None:
            telling.say("agent_joined", key, after.id, telling.timestamp.value, agent=joined)
    return None


def _opened(telling: Telling, record: At, conversation: At, mapping: Mapping) -> _Said:
    del conversation, mapping
    telling.timestamp = instant(record.at("event_info", "initiated_at", "timestamp"))
    telling.say("box_opened", record.at("id").id, telling.timestamp.value)
    return None


class _Way(NamedTuple):
    """What an event tells, and where it has its conversation and its contact."""

    tell: Callable[[Telling, At, At, Mapping], _Said]
    conversation: tuple[str, ...] = ()  # the record itself is one
    contact: tuple[str, ...] = ("meta", "sender")


_OF_MESSAGE: Final = ("conversation",), ("conversation", "meta", "sender")
_EVENTS: Final[dict[str, _Way]] = {
    "message_created": _Way(_created, *_OF_MESSAGE),
    "message_updated": _Way(_updated, *_OF_MESSAGE),
    "conversation_status_changed": _Way(_status),
    "conversation_resolved": _Way(_status),  # of older versions, which call it deprecated
    "conversation_updated": _Way(_assigned),
    "webwidget_triggered": _Way(_opened, ("current_conversation",), ("contact",)),
}

CHATWOOT: Final = Format(
    name=_NAME,
    what="Chatwoot's webhooks: one event of an account a record",
    origin='"Webhook Events", https://github.com/chatwoot/docs/blob/main/docs/product/others/webhook-events.md',
    session="the visitor's (the contact's id), until a silence of `visitor_gap_s`",
    tells_account=True,
    signature=Signature(
        header="x-chatwoot-signature",
        algorithm="sha256",
        prefix="sha256=",
        signed_at="x-chatwoot-timestamp",
        source="Chatwoot's API, `secret` of a webhook, https://developers.chatwoot.com",
    ),
    records={
        "`message_created`, incoming": "`visitor_message`",
        "`message_created`, outgoing, of a person": "`agent_message`",
        "`message_created`, outgoing, of an agent bot": "`automation_sent`, a chatbot's, of the id `bot-<id>`",
        "`message_created` of a campaign or an automation rule": (
            "`automation_sent`, of the id `campaign-<id>` or `rule-<id>`"
        ),
        "`message_created`, a template of text": "`automation_sent`, if the mapping lists `[automations.template]`",
        "`message_updated`, `input_csat`": "`feedback_given`",
        "`message_updated`, `input_email`": "`contact_form_sent`",
        "`message_updated`, `input_select`": "`button_clicked`",
        "`conversation_status_changed` to `resolved`": "`conversation_closed`",
        "`conversation_updated`, another assignee": '`agent_left`, `agent_joined`, under `agent_joined = "assigned"`',
        "`webwidget_triggered`": "`box_opened`",
    },
    facts={
        "visitor_message": Told(),
        "offline": Never("a message does not say whether the box was offline"),
        "chatbot": Told(),
        "auto_message": kind_told("auto_message", "auto_message"),
        "trigger": kind_told("trigger", "auto_message"),
        "box_opened": Told(),
        "button": Told(),
        "agent_joined": when("agent_joined", "first_agent_message", "assigned"),
        "contact_form": Told(),
        "rating": Told(),
        "rating_text": Told(),
    },
    drafts=_drafts,
)
