"""Automations: runs received, seen and answered; who is credited (CONTRACT §3)."""

from typing import Final

from msgspec.structs import replace

from schemas.ga_event import EventName
from schemas.interaction import AutomationSent, BoxOpened, ButtonClicked, GivenAutomation, VisitorMessage
from schemas.session import MAX_CHATBOTS, MAX_RUNS, MAX_TEXT, Run, Session
from streams.attribution.reasons import Reason, fired, held
from streams.attribution.turn import Turn

__all__ = ["button", "interaction", "reaction", "run", "sent", "started", "target", "viewed"]

SENT: Final[dict[str, EventName]] = {
    "chatbot": "Chatbot_sent",
    "auto_message": "Auto_message_sent",
    "trigger": "Trigger_message_sent",
}
VIEWED: Final[dict[str, EventName]] = {
    "chatbot": "Chatbot_viewed",
    "auto_message": "Auto_message_viewed",
    "trigger": "Trigger_message_viewed",
}
REACTION: Final[dict[str, EventName]] = {
    "chatbot": "Chatbot_visitor_reaction",
    "auto_message": "Auto_message_visitor_reaction",
    "trigger": "Trigger_visitor_reaction",
}

# -- received ---------------------------------------------------------------------

_NEW_RUN: Final = fired("run", "a run not received before")
_SAME_RUN: Final = fired("run", "one more message of a run received before, which is now the one received last")


def run(turn: Turn) -> Reason:
    """One triggering of an automation: its later messages are the same run."""
    said, session = turn.interaction, turn.session
    assert type(said) is AutomationSent
    assert turn.conversation is not None
    given = said.automation
    known = _same_run(session, given, turn.conversation.serial)
    if known is None:
        known = Run(
            serial=session.next_run,
            kind=given.kind,
            id=given.id,
            name=given.name[:MAX_TEXT],
            run_id=given.run_id,
            conversation=turn.conversation.serial,
            receipt=turn.identity,
        )
        session.next_run += 1
        turn.first_receipt = True
    turn.arrived = known
    if not session.runs or session.runs[-1] is not known:
        others = [other for other in session.runs if other.serial != known.serial]
        session.runs = (*others[-MAX_RUNS + 1 :], known)
    return _NEW_RUN if turn.first_receipt else _SAME_RUN


def _same_run(session: Session, given: GivenAutomation, conversation: int) -> Run | None:
    """By run id, or without one by the conversation it came in; never by one against the other."""
    for known in reversed(session.runs):
        same = known.id == given.id and known.kind == given.kind and known.run_id == given.run_id
        if same and (given.run_id is not None or known.conversation == conversation):
            return known
    return None


_SENT: Final = fired("sent", "the first receipt of its run")
_SENT_BEFORE: Final = held("sent", "this run was received before: once per run")


def sent(turn: Turn) -> Reason:
    """Sent at the first receipt of a run, whether the box is open or closed."""
    arrived = turn.arrived
    assert arrived is not None
    if not turn.first_receipt:
        return _SENT_BEFORE
    turn.send(SENT[arrived.kind], label=arrived.name, automation=arrived)
    return _SENT


# -- seen -------------------------------------------------------------------------

_VIEWED: Final = fired("viewed", "the box was opened after it was received")
_NOTHING_TO_VIEW: Final = held("viewed", "every run received was viewed before")
_WIDGET: Final = held("viewed", "the box opened by itself: nobody has looked (widget_open_counts is off)")
_VIEWED_OPEN: Final = fired("viewed", "the box was open when it arrived (viewed_when_already_open is on)")
_VIEWED_BEFORE: Final = held("viewed", "this run was viewed before: once per run")
_NOT_OPEN: Final = held("viewed", "the box is closed")
_OPEN_VIEWS_NOTHING: Final = held(
    "viewed", "a box already open views nothing by itself (viewed_when_already_open is off)"
)


def viewed(turn: Turn) -> Reason:
    """Opening the box shows every run received and not yet viewed, in the order of first receipt."""
    said, session = turn.interaction, turn.session
    if type(said) is BoxOpened:
        if said.via == "widget" and not turn.rules.options.widget_open_counts:
            return _WIDGET
        waiting = [known for known in session.runs if not known.viewed]
        for known in sorted(waiting, key=_by_first_receipt):
            _view(turn, known)
        return _VIEWED if waiting else _NOTHING_TO_VIEW
    assert turn.arrived is not None
    if not session.box_open:
        return _NOT_OPEN
    if not turn.rules.options.viewed_when_already_open:
        return _OPEN_VIEWS_NOTHING
    if turn.arrived.viewed:
        return _VIEWED_BEFORE
    _view(turn, turn.arrived)
    return _VIEWED_OPEN


def _by_first_receipt(known: Run) -> int:
    return known.serial


def _view(turn: Turn, known: Run) -> None:
    turn.send(VIEWED[known.kind], label=known.name, automation=known)
    turn.put_run(replace(known, viewed=True))


# -- answered ---------------------------------------------------------------------

_REPLY: Final = fired("target", "in_reply_to names an automation received here: the run received last of that id")
_LAST: Final = fired("target", "the conversation's last message is an automation's")
_NO_TARGET: Final = held("target", "no automation's message stands last in the conversation")


def target(turn: Turn) -> Reason:
    """The run that a typed message answers: the one it names, else that of the conversation's last message."""
    said, conversation = turn.interaction, turn.conversation
    assert type(said) is VisitorMessage
    assert conversation is not None
    if said.in_reply_to is not None:
        for known in reversed(turn.session.runs):
            if known.id == said.in_reply_to:
                turn.target = known
                return _REPLY
    turn.target = turn.run_of(conversation.last_run)
    return _LAST if turn.target else _NO_TARGET


_CLICKED: Final = fired("button", "a reply button was clicked")
_BACK: Final = held("button", 'a "back" button sends nothing and is not the first interaction')


def button(turn: Turn) -> Reason:
    """Every click of a reply button counts; the chatbot is the one it names, else the one received last."""
    said = turn.interaction
    assert type(said) is ButtonClicked
    if said.is_back:
        return _BACK
    clicked = turn.clicked = _chatbot_of(turn.session, said.automation)
    turn.send("Chatbot_button_interaction", label=said.button, automation=clicked, subject=said.button)
    return _CLICKED


def _chatbot_of(session: Session, given: GivenAutomation | None) -> Run | GivenAutomation | None:
    for known in reversed(session.runs):
        if known.kind != "chatbot":
            continue
        if given is None or (known.id == given.id and given.run_id in (None, known.run_id)):
            return known
    return given


_FIRST: Final = fired("interaction", "the visitor's first answer to a chatbot")
_NOT_FIRST: Final = held("interaction", "a chatbot was answered before: the first one only")
_NO_CHATBOT: Final = held("interaction", "no chatbot is answered")


def interaction(turn: Turn) -> Reason:
    """The first answer to a chatbot, by message or button: once per session (or per chatbot, by option)."""
    answered = turn.clicked or turn.target
    if answered is None or answered.kind != "chatbot":
        return _NO_CHATBOT
    session = turn.session
    if (
        session.answered
        if turn.rules.options.chatbot_interaction_scope == "session"
        else answered.id in session.answered
    ):
        return _NOT_FIRST
    session.answered = (*session.answered, answered.id)[-MAX_CHATBOTS:]
    turn.send("Chatbot_interaction", label=answered.name, automation=answered)
    return _FIRST


_REACTED: Final = fired("reaction", "the first typed answer to this run")
_REACTED_BEFORE: Final = held("reaction", "this run was answered before: once per run")
_NOBODY: Final = held("reaction", "the message answers no automation")


def reaction(turn: Turn) -> Reason:
    """A typed message credits the run it answers, once per run."""
    answered = turn.target
    if answered is None:
        return _NOBODY
    if answered.reacted:
        return _REACTED_BEFORE
    turn.send(REACTION[answered.kind], label=answered.name, automation=answered)
    turn.put_run(replace(answered, reacted=True))
    return _REACTED


_STARTED: Final = fired("started", "nothing came before it in the conversation")
_NOT_THE_FIRST: Final = held("started", "a message came before it in the conversation")
_ANSWERS: Final = held("started", "it answers an automation")


def started(turn: Turn) -> Reason:
    """The visitor starts a conversation: no message came before in it, and none is answered."""
    if turn.had_messages:
        return _NOT_THE_FIRST
    if turn.target is not None:
        return _ANSWERS
    turn.send("Visitor_started_conversation", subject=turn.conversation_id)
    return _STARTED
