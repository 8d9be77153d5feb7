"""Smartsupp's POST hook: one finished chat a record, all of its messages in it. Pure.

Origin: "Export to 3rd party system",
https://help.smartsupp.com/en_US/konversationen/export-3rd-party-system, and its
older page, "POST Hook", https://developers.smartsupp.com/smartsupp/hook-post. Of
what a system message can say they show `agent.join` and `close.visitorClose`;
`agent.leave` is read as the other half of the first.

Messages have no ids: theirs are the channel's with their places in the list, so
a chat that is sent again repeats them. A rating is told without its time; it
stands at the end of the chat, before it is closed.
"""

from collections.abc import Sequence
from typing import Final

from schemas.interaction import Fault, Unknown
from streams.sources.draft import Draft
from streams.sources.facts import Never, Told, kind_told, when
from streams.sources.format import Format
from streams.sources.mapping import Mapping
from streams.sources.record import At
from streams.sources.telling import Telling, account, agent, automation, page, site_ids
from streams.sources.times import instant

__all__ = ["SMARTSUPP_HOOK_POST"]

_NAME: Final = "smartsupp-hook-post"
_AGENT: Final = "agent:"


def _drafts(record: At, mapping: Mapping) -> Sequence[Draft] | Fault | Unknown:
    channel, messages = record.at("channel", "id"), record.at("messages")
    if not isinstance(messages.value, list):
        return messages.expected("a list")
    if channel.id is None:
        return channel.expected("a chat's id")
    offline = record.at("channel", "isOffline").truth()
    if isinstance(offline, Fault):
        return offline
    telling = Telling(_NAME, mapping, _common(record, mapping), channel.id)
    for n, message in enumerate(messages.items()):
        telling.timestamp = instant(message.at("sentAt"))
        if fault := _message(telling, message, mapping, (channel.id, n), online=not offline):
            return fault
    telling.timestamp = instant(record.at("endAt"))
    rating = record.at("channel", "rating"), record.at("channel", "ratingDesc")
    if fault := telling.rated(*rating, channel.id):
        return fault
    telling.say("conversation_closed", channel.id, record.at("endAt").id)
    return telling.drafts


def _common(record: At, mapping: Mapping) -> Draft:
    visitor, channel = record.at("visitor"), record.at("channel", "id")
    return {
        "account_id": account(mapping, record.at("accountId")),
        "session_id": channel,
        "visitor_id": visitor.at("id"),
        "conversation_id": channel,
        "page": _page(record, mapping),
        "user_agent": visitor.at("userAgent"),
        **site_ids(mapping, visitor.at("variables"), "value"),
    }


def _page(record: At, mapping: Mapping) -> Draft | None:
    """The page of a chat that saw one alone: of several nobody says which message was written where."""
    paths, referrer = record.at("paths").items(), record.at("visitor", "referer")
    nowhere = At(None, "paths")
    if not paths or any(path.at("url").value != paths[0].at("url").value for path in paths):
        return page(mapping, nowhere, None, referrer)
    return page(mapping, paths[0].at("url"), paths[0].at("title"), referrer)


def _message(telling: Telling, message: At, mapping: Mapping, key: tuple[str, int], *, online: bool) -> Fault | None:
    kind, content = message.at("type"), message.at("content")
    trigger = message.at("triggeredBy")
    match kind.value:
        case "visitor":
            telling.visitor_wrote(*key, text=content, online=online)
        case "agent" if trigger.value is not None:
            sent = automation(mapping, trigger, trigger, default="trigger")
            telling.say("automation_sent", *key, automation=sent)
        case "agent":
            telling.agent_wrote(_agent(message, mapping), *key)
        case "system":
            _system(telling, message, mapping, key)
        case _:
            return kind.expected("visitor, agent or system")
    return None


def _system(telling: Telling, message: At, mapping: Mapping, key: tuple[str, int]) -> None:
    """Closing is told by the record itself, and what else the system says tells nothing."""
    kind = {"agent.join": "agent_joined", "agent.leave": "agent_left"}.get(message.at("content").text or "")
    who = _agent(message, mapping)
    if kind is not None and who is not None:
        telling.say(kind, *key, agent=who)


def _agent(message: At, mapping: Mapping) -> Draft | None:
    """Who wrote, where that is an agent: `agent:3`."""
    author = message.at("from")
    if not (author.text and author.text.startswith(_AGENT)):
        return None
    return agent(mapping, At(author.text.removeprefix(_AGENT), author.path), message.at("name"))


SMARTSUPP_HOOK_POST: Final = Format(
    name=_NAME,
    what="Smartsupp's older POST hook: one finished chat a record",
    origin=(
        '"Export to 3rd party system", https://help.smartsupp.com/en_US/konversationen/export-3rd-party-system; '
        '"POST Hook", https://developers.smartsupp.com/smartsupp/hook-post'
    ),
    session="the chat (`channel.id`)",
    tells_account=True,
    signature=None,
    records={
        "a message of `type` `visitor`": "`visitor_message`",
        "a message of `type` `agent`": "`agent_message`",
        "one with `triggeredBy`": "`automation_sent`; its id and name are what stands there",
        "`system` messages `agent.join`, `agent.leave`": "`agent_joined`, `agent_left`",
        "`channel.rating`, `channel.ratingDesc`": "`feedback_given`, at `endAt`",
        "the record": "`conversation_closed`, at `endAt`",
    },
    facts={
        "visitor_message": Told(),
        "offline": Told(),
        "chatbot": kind_told("chatbot", "trigger"),
        "auto_message": kind_told("auto_message", "trigger"),
        "trigger": kind_told("trigger", "trigger"),
        "box_opened": when("box_opened", "first_visitor_message"),
        "button": Never("a click on a chatbot's button is not told"),
        "agent_joined": Told(),
        "contact_form": Never("the contact form is not told"),
        "rating": Told(),
        "rating_text": Told(),
    },
    drafts=_drafts,
)
