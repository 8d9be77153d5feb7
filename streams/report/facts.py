"""Facts: what the report needs of each visit, as lines of JSON. A product of the replay.

Made of the interactions that `step` applies, in its order, so what comes twice
counts once, and a visit, a conversation and a run are those of CONTRACT §3. Holds
what is bounded of one visit. No id of a visitor is passed on: hashes tell them apart.

What happened is told, whether or not GA was to hear of it: where consent held
events back, the same interaction is asked again as if consent were given, on the
same state, and the answer is counted and forgotten.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Final, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from schemas.decoding import session_key
from schemas.ga_event import Automation, EventName, GaEvent
from schemas.interaction import (
    AgentJoined,
    AgentMessage,
    ButtonClicked,
    FeedbackGiven,
    GivenAgent,
    GivenConsent,
    GivenGoal,
    GoalCompleted,
    Interaction,
    PageViewed,
    VisitorMessage,
)
from schemas.session import Session
from streams.attribution import RuleBook, step
from streams.replay import Tally

__all__ = ["LARGEST_VALUE", "VALUE_SCALE", "Facts"]

VALUE_SCALE: Final = 10_000
"""Values are whole ten-thousandths, so that their sum is the same in any order."""
LARGEST_VALUE: Final = 1e12
"""A goal's value beyond this is a mistake of the sender's: it would drown all others."""
_KEPT: Final = 256
"""Conversations and agents of one visit that are remembered: as many as the session's runs."""
_MICROS: Final = 1_000_000
_GIVEN: Final = GivenConsent(analytics=True)

Key = TypeVar("Key")
Value = TypeVar("Value")
Way = Literal["wrote", "offline", "clicked", "agent"]
Taken = Literal["sent", "viewed", "clicked", "reacted"]
_TAKEN: Final[dict[EventName, Taken]] = {
    "Chatbot_sent": "sent",
    "Auto_message_sent": "sent",
    "Trigger_message_sent": "sent",
    "Chatbot_viewed": "viewed",
    "Auto_message_viewed": "viewed",
    "Trigger_message_viewed": "viewed",
    "Chatbot_button_interaction": "clicked",
    "Chatbot_visitor_reaction": "reacted",
    "Auto_message_visitor_reaction": "reacted",
    "Trigger_visitor_reaction": "reacted",
}
"""The events of the funnel. `Chatbot_interaction` is not among them: it repeats a click or a reaction."""


class _Fact(msgspec.Struct, frozen=True, tag_field="fact", gc=False):
    visit: str


class _Visit(_Fact, tag="visit", frozen=True, kw_only=True, gc=False):
    """One visit, told when it is over."""

    account: str
    visitor: str
    named: bool  # the visitor, by a visitor_id
    began: int  # microseconds
    ended: int
    day: str
    hour: int
    pages: int
    interactions: int  # applied
    events: int
    withheld: int  # events that consent held back


class _Talk(_Fact, tag="talk", frozen=True, gc=False):
    """The first time that a conversation was had in this way."""

    conversation: int
    way: Way
    moment: int  # microseconds
    day: str
    hour: int


class _Step(_Fact, tag="step", frozen=True, gc=False):
    """A step of an automation's run. Several of one kind are one."""

    run: str
    step: Taken
    kind: str
    id: str
    name: str


class _Goal(_Fact, tag="goal", frozen=True, gc=False):
    """A goal completed."""

    moment: int  # microseconds
    name: str
    value: int | None  # in parts of VALUE_SCALE
    currency: str | None
    implausible: bool


class _Served(_Fact, tag="served", frozen=True, gc=False):
    """An agent joined a conversation, or wrote in it for the first time."""

    conversation: int
    moment: int  # microseconds
    id: str
    name: str
    joined: bool


class _Rated(_Fact, tag="rated", frozen=True, gc=False):
    """A rating, and the agent whom the visitor had talked to."""

    moment: int  # microseconds
    rating: int
    id: str | None
    name: str | None


class _Elsewhere(msgspec.Struct, frozen=True, tag_field="fact", tag="elsewhere", gc=False):
    """A session of an account that was not asked for."""

    account: str


_encode: Final = msgspec.json.Encoder().encode
_pack: Final = msgspec.msgpack.Encoder().encode


def _hash(*parts: object) -> str:
    return blake2b(_pack(parts), digest_size=16).hexdigest()


class Facts(msgspec.Struct, frozen=True):
    """The facts of each visit of these accounts (of all, if none are named), with hours of this time zone."""

    book: RuleBook
    time_zone: str = "UTC"
    accounts: frozenset[str] = frozenset()

    def lines(self, interactions: Iterable[Interaction], tally: Tally) -> Iterator[bytes]:
        """The facts of one session key."""
        zone = ZoneInfo(self.time_zone)
        session: Session | None = None
        visit: _UnderWay | None = None
        for said in interactions:
            if self.accounts and said.account_id not in self.accounts:
                yield _encode(_Elsewhere(said.account_id))
                return  # all of a session key are of one account
            rules, met = self.book.of(said.account_id), session
            decision = step(met, said, rules)
            session = decision.session
            if decision.duplicate is not None:
                tally.duplicates[decision.duplicate] += 1
                continue
            if visit is None or decision.reasons[0].outcome == "fired":  # the session rule: one begins
                if visit is not None:
                    yield _encode(visit.over())
                visit = _UnderWay(said, zone)
                tally.sessions += 1
            events = decision.events
            if events:
                tally.events.update(event.name for event in events)
            elif decision.dropped_for_consent:
                tally.dropped_for_consent += 1
                events = step(met, msgspec.structs.replace(said, consent=_GIVEN), rules).events
                visit.withheld += len(events)
            visit.events += len(events)
            for fact in visit.facts(said, session, events):
                yield _encode(fact)
        if visit is not None:
            yield _encode(visit.over())


class _UnderWay:
    """A visit under way. What it holds is bounded, however long the visit."""

    def __init__(self, first: Interaction, zone: ZoneInfo) -> None:
        self._zone: Final = zone
        self._account: Final = first.account_id
        self._session_id: Final = first.session_id
        self._visitor_id = first.visitor_id
        self._began = self._ended = int(first.timestamp)
        self._id: Final = _hash(session_key(first), self._began)
        self._pages = self._interactions = 0
        self._ways: Final[dict[tuple[int, Way], None]] = {}
        self._wrote: Final[dict[tuple[int, str], None]] = {}
        self._agents: Final[dict[int | str, GivenAgent]] = {}  # last of a conversation, by its serial and its id
        self._agent: GivenAgent | None = None  # last of the visit
        self.events = 0
        self.withheld = 0

    def over(self) -> _Visit:
        """The visit as a whole. Without a visitor_id the session stands for the visitor."""
        day, hour = self._local(self._began)
        by = ("visitor", self._visitor_id) if self._visitor_id is not None else ("session", self._session_id)
        return _Visit(
            visit=self._id,
            account=self._account,
            visitor=_hash(self._account, *by),
            named=self._visitor_id is not None,
            began=self._began,
            ended=self._ended,
            day=day,
            hour=hour,
            pages=self._pages,
            interactions=self._interactions,
            events=self.events,
            withheld=self.withheld,
        )

    def facts(self, said: Interaction, session: Session, events: tuple[GaEvent, ...]) -> Iterator[_Fact]:
        """What an interaction that was applied adds."""
        at = int(said.timestamp)
        self._began, self._ended = min(self._began, at), max(self._ended, at)
        self._interactions += 1
        if self._visitor_id is None:
            self._visitor_id = said.visitor_id
        match said:
            case PageViewed():
                self._pages += 1
            case GoalCompleted():
                yield self._goal(at, said.goal)
            case VisitorMessage() | ButtonClicked() | AgentJoined() | AgentMessage():
                yield from self._talk(said, at, session, events)
            case FeedbackGiven() if said.rating is not None:
                yield self._rated(at, int(said.rating), session)
            case _:
                pass
        for event in events:
            taken = _TAKEN.get(event.name)
            if taken is not None and event.automation is not None:
                yield self._step(taken, event.automation, event.caused_by[-1])

    def _local(self, micros: int) -> tuple[str, int]:
        moment = datetime.fromtimestamp(micros // _MICROS, self._zone)
        return moment.date().isoformat(), moment.hour

    def _goal(self, at: int, goal: GivenGoal) -> _Goal:
        implausible = goal.value is not None and abs(goal.value) > LARGEST_VALUE
        value = None if goal.value is None or implausible else round(goal.value * VALUE_SCALE)
        currency = (goal.currency or "").strip().upper() or None
        return _Goal(self._id, at, goal.name, value, None if value is None else currency, implausible)

    def _step(self, taken: Taken, automation: Automation, receipt: str) -> _Step:
        """The run is known by the identity of its first receipt, which stands last in `caused_by`."""
        kind, id_, name = automation.kind, automation.id, automation.name
        return _Step(self._id, _hash(self._id, kind, id_, automation.run_id, receipt), taken, kind, id_, name)

    # -- conversations ----------------------------------------------------------------

    def _talk(
        self,
        said: VisitorMessage | ButtonClicked | AgentJoined | AgentMessage,
        at: int,
        session: Session,
        events: tuple[GaEvent, ...],
    ) -> Iterator[_Fact]:
        conversation = session.conversations[-1]  # the one just touched
        serial = conversation.serial
        for way in _ways(said):
            if (serial, way) not in self._ways:
                _remember(self._ways, (serial, way), None)
                yield _Talk(self._id, serial, way, at, *self._local(at))
        if not isinstance(said, AgentJoined | AgentMessage):
            return
        agent = said.agent or self._agents.get(serial)
        if agent is None:
            return
        self._agent = agent
        _remember(self._agents, serial, agent)
        if conversation.id is not None:
            _remember(self._agents, conversation.id, agent)
        joined = any(event.name == "Agent_served_conversation" for event in events)
        if joined or (serial, agent.id) not in self._wrote:
            _remember(self._wrote, (serial, agent.id), None)
            yield _Served(self._id, serial, at, agent.id, agent.name, joined)

    def _rated(self, at: int, rating: int, session: Session) -> _Rated:
        """The rating form comes after the conversation was closed, so its id, if it has one, finds the agent."""
        conversation = session.conversations[-1]
        agent = self._agents.get(conversation.serial)
        if agent is None:
            agent = self._agent if conversation.id is None else self._agents.get(conversation.id)
        if agent is None:
            return _Rated(self._id, at, rating, None, None)
        return _Rated(self._id, at, rating, agent.id, agent.name)


def _ways(said: Interaction) -> tuple[Way, ...]:
    match said:
        case VisitorMessage():
            return ("wrote", "offline") if said.online is False else ("wrote",)
        case ButtonClicked():
            return () if said.is_back else ("clicked",)
        case _:
            return ("agent",)


def _remember(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """Keep the newest. What was forgotten and comes again is told again, and counts once in the end."""
    kept[key] = value
    if len(kept) > _KEPT:
        del kept[next(iter(kept))]
