"""Smartsupp's chat box: the messages that it receives, one a record. Pure.

Origin: the chat box's own SDK, https://github.com/smartsupp/smartsupp-sdk-websocket:
src/types.ts (`IMessage` and what it holds), src/events.ts (the events that carry
one in `message`) and docs/advanced/messages.md (messages of a bot). A record is
such a message, or an event with one.

A message has an id there; one without is known by a hash of what it says. The
stream is of one account and never names it. A rating has the time of its form.
"""

from collections.abc import Sequence
from typing import Final

from schemas.interaction import Fault, Unknown
from streams.sources.draft import Draft, content_id
from streams.sources.facts import Never, Told, kind_told, when
from streams.sources.format import Format
from streams.sources.mapping import Mapping
from streams.sources.record import At
from streams.sources.telling import Telling, account, agent, automation
from streams.sources.times import instant

__all__ = ["SMARTSUPP_WIDGET"]

_NAME: Final = "smartsupp-widget"
_AGENTS: Final = {"agent_join": "agent_joined", "agent_leave": "agent_left"}


def _drafts(record: At, mapping: Mapping) -> Sequence[Draft] | Fault | Unknown:
    message = record.at("message") if isinstance(record.at("message").value, dict) else record
    kind, author, content = message.at("type"), message.at("subType"), message.at("content", "type")
    channel, chat = message.at("channel", "type"), message.at("chatId")
    for place in (kind, author):
        if not place.text:
            return place.expected("a text")
    if chat.id is None:
        return chat.expected("a chat's id")
    if not mapping.looks_at(channel.value):
        return Unknown(f"{kind.text} of {channel.value}")
    telling = Telling(_NAME, mapping, _common(message, mapping), chat.id)
    key = message.at("id").id or content_id(message)
    match kind.text:
        case "message":
            told = _message(telling, message, mapping, key)
        case "event":
            told = _event(telling, message, mapping, key)
        case _:
            return kind.expected("message or event")
    if told is None and not telling.drafts:
        return Unknown(f"{kind.text}/{author.text}/{content.text or ''}")
    return telling.drafts if told is None else told


def _common(message: At, mapping: Mapping) -> Draft:
    return {
        "account_id": account(mapping, At(None, "")),
        "timestamp": instant(message.at("createdAt")),
        "session_id": message.at("chatId"),
        "visitor_id": message.at("visitorId"),
        "conversation_id": message.at("chatId"),
        "page": {"measurement_ids": list(mapping.measurement_ids) or None},
    }


def _message(telling: Telling, message: At, mapping: Mapping, key: str) -> Fault | None:
    content, trigger = message.at("content"), message.at("trigger")
    told = trigger.at("id"), trigger.at("name")
    match message.at("subType").text:
        case "contact":
            telling.visitor_wrote(key, text=content.at("text"))
        case "agent":
            telling.agent_wrote(agent(mapping, message.at("agentId")), key)
        case "trigger":
            sent = automation(mapping, *told, default="trigger", nameless="trigger")
            telling.say("automation_sent", key, automation=sent)
        case "bot":
            sent = automation(mapping, *told, kind="chatbot", nameless="bot")
            telling.say("automation_sent", key, automation=sent)
        case "system" if content.at("type").text == "rate_form":
            # The form is a message before it is filled in, and the same one afterwards.
            return telling.rated(content.at("data", "value"), content.at("data", "text"), key)
    return None


def _event(telling: Telling, message: At, mapping: Mapping, key: str) -> Fault | None:
    content = message.at("content")
    kind = content.at("type").text
    if kind in _AGENTS:
        told = content.at("data", "agentId")
        who = agent(mapping, told)
        if who is None:
            return told.expected("an agent's id")
        telling.say(_AGENTS[kind], key, agent=who)
    elif kind == "chat_close":
        telling.say("conversation_closed", key)
    return None


SMARTSUPP_WIDGET: Final = Format(
    name=_NAME,
    what="the messages that Smartsupp's chat box receives, one a record",
    origin='"Smartsupp Web Socket SDK", https://github.com/smartsupp/smartsupp-sdk-websocket',
    session="the chat (`chatId`)",
    tells_account=False,
    signature=None,
    records={
        "`message` of `contact`": "`visitor_message`",
        "`message` of `agent`": "`agent_message`",
        "`message` of `trigger`": "`automation_sent`",
        "`message` of `bot`": "`automation_sent`, a chatbot's",
        "`message` of `system`, `rate_form`": "`feedback_given`, once it is filled in",
        "`event`: `agent_join`, `agent_leave`": "`agent_joined`, `agent_left`",
        "`event`: `chat_close`": "`conversation_closed`",
    },
    facts={
        "visitor_message": Told(),
        "offline": Never("a message does not say whether the box was offline"),
        "chatbot": Told(),
        "auto_message": kind_told("auto_message", "trigger"),
        "trigger": kind_told("trigger", "trigger"),
        "box_opened": when("box_opened", "first_visitor_message"),
        "button": Never("a click on a chatbot's button comes as a message that was typed"),
        "agent_joined": Told(),
        "contact_form": Never("the contact form is no message"),
        "rating": Told(),
        "rating_text": Told(),
    },
    drafts=_drafts,
)
