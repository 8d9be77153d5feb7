"""Smartsupp's webhooks: one event of a conversation a record, as it happens. Pure.

Origin: "Webhooks", https://docs.smartsupp.com/rest-api/webhooks/ has the envelope,
the signature and the names of the events. What stands in `data` it shows only in
part; the fields read here are those of the REST API's conversations and messages
as public receivers of these webhooks document them:
https://github.com/onpaj/Anela.Heblo, docs/integrations/smartsupp-webhook.md.

A join and a leave name the conversation and the agent alone. So the session is
the conversation: the visitor's would be another one, without the agents.
"""

from collections.abc import Callable, Sequence
from typing import Final

from schemas.interaction import Fault, Unknown
from streams.sources.draft import Draft, content_id
from streams.sources.facts import Never, Told, kind_told, when
from streams.sources.format import Format
from streams.sources.mapping import Mapping
from streams.sources.record import At, first
from streams.sources.signature import Signature
from streams.sources.telling import Telling, account, agent, automation, page, site_ids
from streams.sources.times import instant

__all__ = ["SMARTSUPP_WEBHOOK"]

_NAME: Final = "smartsupp-webhook"
_ENVELOPE: Final = "event_callback"

_Said = Fault | Unknown | None


def _drafts(record: At, mapping: Mapping) -> Sequence[Draft] | Fault | Unknown:
    envelope, event = record.at("type"), record.at("event")
    if envelope.value not in (None, _ENVELOPE):
        return Unknown(envelope.value) if envelope.text else envelope.expected("a text")
    if not event.text:
        return event.expected("the name of an event")
    tell = _EVENTS.get(event.text)
    if tell is None:
        return Unknown(event.text)
    data = record.at("data")
    conversation = _conversation(data)
    if conversation.id is None:
        return conversation.expected("a conversation's id")
    channel = data.at("conversation", "channel", "type")
    if not mapping.looks_at(channel.value):
        return Unknown(f"{event.text} of {channel.value}")
    telling = Telling(_NAME, mapping, _common(record, data, mapping), conversation.id)
    said = tell(telling, record, mapping)
    return telling.drafts if said is None else said


def _conversation(data: At) -> At:
    return first(
        data.at("conversation", "id"), data.at("message", "conversation_id"), data.at("conversation_id"), data.at("id")
    )


def _common(record: At, data: At, mapping: Mapping) -> Draft:
    conversation, message = data.at("conversation"), data.at("message")
    return {
        "account_id": account(mapping, record.at("account_id")),
        "timestamp": instant(first(message.at("created_at"), record.at("timestamp"))),
        "session_id": _conversation(data),
        "visitor_id": first(conversation.at("visitor_id"), message.at("visitor_id")),
        "conversation_id": _conversation(data),
        "page": page(mapping, message.at("page_url")),
        **site_ids(mapping, conversation.at("variables")),
    }


# -- events ------------------------------------------------------------------------


def _replied(author: str) -> Callable[[Telling, At, Mapping], _Said]:
    """A message; `author` wrote it where `sub_type` does not say."""

    def tell(telling: Telling, record: At, mapping: Mapping) -> _Said:
        message = record.at("data", "message")
        sub_type = message.at("sub_type")
        if sub_type.value is not None and not sub_type.text:
            return sub_type.expected("a text")
        key = message.at("id").id or content_id(record)
        content = message.at("content")
        text = content.at("text") if isinstance(content.value, dict) else content
        told = message.at("trigger_id"), message.at("trigger_name")
        offline = message.at("is_offline").truth()
        if isinstance(offline, Fault):
            return offline
        match sub_type.text or author:
            case "contact":
                telling.visitor_wrote(key, text=text, online=not offline)
            case "agent":
                telling.agent_wrote(agent(mapping, message.at("agent_id"), message.at("author_name")), key)
            case "bot":
                sent = automation(mapping, *told, kind="chatbot", nameless="bot")
                telling.say("automation_sent", key, automation=sent)
            case "trigger":
                sent = automation(mapping, *told, default="trigger", nameless="trigger")
                telling.say("automation_sent", key, automation=sent)
            case other:
                return Unknown(f"{record.at('event').text} by {other}")
        return None

    return tell


def _agent(kind: str) -> Callable[[Telling, At, Mapping], _Said]:
    def tell(telling: Telling, record: At, mapping: Mapping) -> _Said:
        told = record.at("data", "agent_id")
        who = agent(mapping, told)
        if who is None:
            return told.expected("an agent's id")
        telling.say(kind, content_id(record), agent=who)
        return None

    return tell


def _closed(telling: Telling, record: At, mapping: Mapping) -> _Said:
    del mapping
    telling.say("conversation_closed", content_id(record))
    return None


def _rated(telling: Telling, record: At, mapping: Mapping) -> _Said:
    del mapping
    data = record.at("data")
    rating = data.at("rating_value")
    fault = telling.rated(rating, data.at("rating_text"), content_id(record))
    return fault or (None if telling.drafts else rating.expected("a rating or a text"))


_EVENTS: Final[dict[str, Callable[[Telling, At, Mapping], _Said]]] = {
    "conversation.contact_replied": _replied("contact"),
    "conversation.agent_replied": _replied("agent"),
    "conversation.bot_replied": _replied("bot"),
    "conversation.agent_joined": _agent("agent_joined"),
    "conversation.agent_left": _agent("agent_left"),
    "conversation.rated": _rated,
    "conversation.closed": _closed,
    "conversation.closed_by_contact": _closed,
}

SMARTSUPP_WEBHOOK: Final = Format(
    name=_NAME,
    what="Smartsupp's webhooks: one event of a conversation a record",
    origin='"Webhooks", https://docs.smartsupp.com/rest-api/webhooks/',
    session="the conversation (`data.conversation.id`)",
    tells_account=True,
    signature=Signature(
        header="x-smartsupp-hmac",
        algorithm="sha256",
        source='"Webhooks", Verification, https://docs.smartsupp.com/rest-api/webhooks/',
    ),
    records={
        "`conversation.contact_replied`": "`visitor_message`",
        "`conversation.agent_replied`": "`agent_message`",
        "`conversation.bot_replied`": "`automation_sent`, a chatbot's",
        "any of the three with `sub_type` `trigger`": "`automation_sent`",
        "`conversation.agent_joined`, `conversation.agent_left`": "`agent_joined`, `agent_left`",
        "`conversation.rated`": "`feedback_given`",
        "`conversation.closed`, `conversation.closed_by_contact`": "`conversation_closed`",
    },
    facts={
        "visitor_message": Told(),
        "offline": Told(),
        "chatbot": Told(),
        "auto_message": kind_told("auto_message", "trigger"),
        "trigger": kind_told("trigger", "trigger"),
        "box_opened": when("box_opened", "first_visitor_message"),
        "button": Never("a click on a chatbot's button comes as a message that was typed"),
        "agent_joined": Told(),
        "contact_form": Never("`contact.acquired` names no conversation and no visitor"),
        "rating": Told(),
        "rating_text": Told(),
    },
    drafts=_drafts,
)
