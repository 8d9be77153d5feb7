"""Segment's live chat events: track calls of the four names of its spec. Pure.

Origin: "Spec: Live Chat Events",
https://www.twilio.com/docs/segment/connections/spec/live-chat, and "Spec: Common
Fields", https://segment.com/docs/connections/spec/common/. As the spec has it, the
visitor sends and the agent is received from. Its examples call a call's `type`
`action`: both are read.

A bot that answers is an agent to the spec, so the mapping says which agents are
automations. `Live Chat Conversation Started` is sent with the first message; where
`Live Chat Message Sent` follows for the same one, both have its `message_id`.

One call is one record: Segment's webhooks have to send without batching, as they
sign but the first call of a batch.

The session is the visitor's: the anonymous id, else the user's. An id that is an
e-mail address is hashed, as the ids of sessions are made of it.
"""

from collections.abc import Sequence
from typing import Final

from schemas.interaction import Fault, Unknown
from streams.sources.draft import Draft, content_id, hashed
from streams.sources.facts import Never, Told, when
from streams.sources.format import Format
from streams.sources.mapping import Mapping
from streams.sources.record import At, first
from streams.sources.signature import Signature
from streams.sources.telling import Telling, account, agent, automation, page, site_ids
from streams.sources.times import instant

__all__ = ["SEGMENT"]

_NAME: Final = "segment"
_CALL: Final = "track"
_VISITOR_WROTE: Final = ("Live Chat Conversation Started", "Live Chat Message Sent")
_AGENT_WROTE: Final = "Live Chat Message Received"
_ENDED: Final = "Live Chat Conversation Ended"


def _drafts(record: At, mapping: Mapping) -> Sequence[Draft] | Fault | Unknown:
    call, event = first(record.at("type"), record.at("action")), record.at("event")
    if not call.text:
        return call.expected("the name of a call")
    if call.text != _CALL:
        return Unknown(call.text)
    if not event.text:
        return event.expected("the name of an event")
    properties = record.at("properties")
    visitor = _visitor(record)
    scope = first(properties.at("conversation_id"), visitor)
    telling = Telling(_NAME, mapping, _common(record, visitor, mapping), scope.id or "")
    call_id = record.at("messageId").id or content_id(record)
    key = properties.at("message_id").id or call_id
    if event.text in _VISITOR_WROTE:
        telling.visitor_wrote(key, text=properties.at("message_body"))
    elif event.text == _AGENT_WROTE:
        _received(telling, properties, mapping, key)
    elif event.text == _ENDED:
        telling.say("conversation_closed", call_id)
    else:
        return Unknown(event.text)
    return telling.drafts


def _visitor(record: At) -> At:
    told = first(record.at("anonymousId"), record.at("userId"))
    return At(hashed(told.text.encode()), told.path) if told.text and "@" in told.text else told


def _common(record: At, visitor: At, mapping: Mapping) -> Draft:
    properties, context = record.at("properties"), record.at("context")
    seen = context.at("page")
    return {
        "account_id": account(mapping, At(None, "")),
        "timestamp": instant(record.at("timestamp")),
        "visitor_id": visitor,
        "conversation_id": properties.at("conversation_id"),
        "page": page(mapping, seen.at("url"), seen.at("title"), seen.at("referrer")),
        "user_agent": context.at("userAgent"),
        "language": context.at("locale"),
        **site_ids(mapping, properties, user_id=record.at("userId")),
    }


def _received(telling: Telling, properties: At, mapping: Mapping, key: str) -> None:
    """An agent's message, or that of an automation which the mapping lists among the agents' ids and names."""
    known_by = [properties.at(f"agent_{what}") for what in ("id", "username", "name")]
    told, name = first(*known_by), first(known_by[2], known_by[1])
    listed = mapping.known(*(each.id for each in known_by))
    sent = automation(mapping, told, name, listed=listed) if listed is not None else None
    if sent is not None:
        telling.say("automation_sent", key, automation=sent)
    else:
        telling.agent_wrote(agent(mapping, told, name), key, joins=True)


def _listed(kind: str) -> Told:
    def made(mapping: Mapping) -> bool:
        return any((each.kind or mapping.automation_kind) == kind for each in mapping.automations.values())

    return Told(made, f'`kind = "{kind}"` of an agent that stands under `[automations]`')


SEGMENT: Final = Format(
    name=_NAME,
    what="Segment's live chat events: one track call a record",
    origin='"Spec: Live Chat Events", https://www.twilio.com/docs/segment/connections/spec/live-chat',
    session="the visitor's (`anonymousId`, else `userId`), until a silence of `visitor_gap_s`",
    tells_account=False,
    signature=Signature(
        header="x-signature",
        algorithm="sha1",
        source='"Webhooks Destination", Authentication, https://segment.com/docs/connections/destinations/catalog/webhooks/',
    ),
    records={
        "`Live Chat Conversation Started`, `Live Chat Message Sent`": "`visitor_message`",
        "`Live Chat Message Received`": "`agent_message`, after `agent_joined` if the mapping takes that from it",
        "`Live Chat Message Received`, of an agent that the mapping lists": "`automation_sent`",
        "`Live Chat Conversation Ended`": "`conversation_closed`",
    },
    facts={
        "visitor_message": Told(),
        "offline": Never("an event does not say whether the box was offline"),
        "chatbot": _listed("chatbot"),
        "auto_message": _listed("auto_message"),
        "trigger": _listed("trigger"),
        "box_opened": when("box_opened", "first_visitor_message"),
        "button": Never("the spec has no event for buttons"),
        "agent_joined": when("agent_joined", "first_agent_message"),
        "contact_form": Never("the spec has no event for forms"),
        "rating": Never("the spec has no event for ratings"),
        "rating_text": Never("the spec has no event for ratings"),
    },
    drafts=_drafts,
)
