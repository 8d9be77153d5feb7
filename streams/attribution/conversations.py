"""Conversations: which one an interaction belongs to, and what came before in it (CONTRACT §3)."""

from typing import Final

from msgspec.structs import replace

from schemas.interaction import AgentJoined, AgentLeft, VisitorMessage
from schemas.session import MAX_AGENTS, MAX_CONVERSATIONS, NONE, Conversation, Session
from streams.attribution.reasons import Reason, fired, held
from streams.attribution.turn import Turn

__all__ = ["agent_served", "bystander", "close", "last_message", "touch"]

_CURRENT: Final = held("conversation", "it is of the current conversation")
_KNOWN: Final = fired("conversation", "it is of a conversation known here, which becomes the current one")
_NAMED: Final = fired("conversation", "the nameless current conversation takes the id it names")
_BEGINS: Final = fired("conversation", "a conversation begins and becomes the current one")


def touch(turn: Turn) -> Reason:
    """The conversation of an interaction that belongs to one: found, named or begun; it becomes the current one."""
    session, named = turn.session, turn.interaction.conversation_id
    found, reason = _find(session, named)
    if found is None:
        found, reason = Conversation(session.next_conversation, named), _BEGINS
        session.next_conversation += 1
    if reason is not _CURRENT:
        others = [known for known in session.conversations if known.serial != found.serial]
        session.conversations = (*others[-MAX_CONVERSATIONS + 1 :], found)
        session.current = found.serial
    turn.conversation, turn.conversation_id, turn.had_messages = found, found.id, found.has_messages
    return reason


def _find(session: Session, named: str | None) -> tuple[Conversation | None, Reason]:
    current = _current(session)
    if named is None:
        return current, _CURRENT
    for known in session.conversations:
        if known.id == named:
            return known, _CURRENT if known is current else _KNOWN
    if current is not None and current.id is None:
        return replace(current, id=named), _NAMED
    return None, _BEGINS


def _current(session: Session) -> Conversation | None:
    """The current one: it was touched last, so it stands last."""
    if session.current == NONE:
        return None
    return session.conversations[-1]


_STANDS_BY: Final = held("bystander", "it touches no conversation")


def bystander(turn: Turn) -> Reason:
    """Box, visit, page and goal touch no conversation: theirs is the one they name, or the current one."""
    current = _current(turn.session)
    turn.conversation_id = turn.interaction.conversation_id or (None if current is None else current.id)
    return _STANDS_BY


_FORGOTTEN: Final = fired(
    "conversation_closed", "the conversation is forgotten, its joins too; its runs stay the session's"
)
_UNKNOWN: Final = held("conversation_closed", "no conversation of that id is known, and the current one has its own")
_NONE_CURRENT: Final = held("conversation_closed", "no conversation is current")


def close(turn: Turn) -> Reason:
    """Forgets the conversation it names or, naming none, the current one."""
    session = turn.session
    turn.conversation_id = turn.interaction.conversation_id
    found, _ = _find(session, turn.interaction.conversation_id)
    if found is None:
        return _UNKNOWN if turn.interaction.conversation_id else _NONE_CURRENT
    turn.conversation_id = found.id
    session.conversations = tuple([known for known in session.conversations if known.serial != found.serial])
    if session.current == found.serial:
        session.current = NONE
    return _FORGOTTEN


_LAST_IS_RUN: Final = fired("last_message", "the automation's message is now the conversation's last")
_LAST_IS_AGENT: Final = fired(
    "last_message", "the agent's message is now the conversation's last: no automation is answered"
)
_LOOKED_THROUGH: Final = fired(
    "last_message", "the visitor's message is looked through: what stood last stays the target"
)


def last_message(turn: Turn) -> Reason:
    """Which message stands last: an automation's, an agent's or a visitor's; the visitor's own are looked through."""
    conversation = turn.conversation
    assert conversation is not None
    if type(turn.interaction) is VisitorMessage:
        last, reason = conversation.last_run, _LOOKED_THROUGH
    elif turn.arrived is not None:
        last, reason = turn.arrived.serial, _LAST_IS_RUN
    else:
        last, reason = NONE, _LAST_IS_AGENT
    if last != conversation.last_run or not conversation.has_messages:
        turn.put_conversation(replace(conversation, has_messages=True, last_run=last))
    return reason


_SERVED: Final = fired("agent_served", "the agent joins")
_SAME_JOIN: Final = held("agent_served", "this agent has joined the conversation and not left: the same join")
_LEFT: Final = fired("agent_served", "the agent leaves: joining again is another join")
_WAS_NOT_IN: Final = held("agent_served", "this agent has not joined the conversation")


def agent_served(turn: Turn) -> Reason:
    """A join repeated without a leave, by the same agent in the same conversation, is the same join."""
    said, conversation = turn.interaction, turn.conversation
    assert conversation is not None
    assert type(said) is AgentJoined or type(said) is AgentLeft
    joined, agent = said.agent.id in conversation.agents, said.agent
    if type(said) is AgentLeft:
        if not joined:
            return _WAS_NOT_IN
        turn.put_conversation(
            replace(conversation, agents=tuple([known for known in conversation.agents if known != agent.id]))
        )
        return _LEFT
    if joined:
        return _SAME_JOIN
    turn.put_conversation(replace(conversation, agents=(*conversation.agents, agent.id)[-MAX_AGENTS:]))
    turn.send("Agent_served_conversation", label=agent.name, subject=agent.id)
    return _SERVED
