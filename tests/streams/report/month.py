"""A month of a shop's chat, drawn from a seed: visits, automations, conversations, goals, ratings, repetitions.

Every interaction has an id and a moment of its own within its session, every
conversation and every run has a name: so all of it can be counted a second time by
plain means (`recount`), and the order of the lines says nothing.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import msgspec

__all__ = ["AGENTS", "AUTOMATIONS", "Record", "Shape", "lines_of", "month"]

Record = dict[str, Any]

START_MS: Final = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)
_HOURS: Final = (1, 1, 1, 1, 1, 2, 4, 8, 14, 20, 24, 22, 18, 20, 22, 22, 20, 20, 22, 26, 26, 18, 9, 3)
_WEEKDAYS: Final = (10, 10, 9, 9, 8, 5, 6)
AUTOMATIONS: Final = (
    {"kind": "chatbot", "id": "greet", "name": "Welcome bot"},
    {"kind": "chatbot", "id": "ship", "name": "Shipping and returns"},
    {"kind": "auto_message", "id": "cart", "name": "Help at the cart"},
    {"kind": "auto_message", "id": "sale", "name": "Spring sale: 10 % off your first order until Sunday"},
    {"kind": "trigger", "id": "old", "name": "After 30 seconds"},
)
_SHARES: Final = (34, 18, 24, 16, 8)
AGENTS: Final = ({"id": "a1", "name": "Eva"}, {"id": "a2", "name": "Jonas Müller"}, {"id": "a3", "name": "Priya"})


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What the month is like."""

    account: str = "shop"
    visitors: int = 300
    days: int = 30
    chatty: float = 0.1  # of the visits, those where the visitor may chat
    repeated: float = 0.05  # of the interactions, those that come again
    nameless: float = 0.1  # of the visitors, those without a visitor_id
    keyed_by_visitor: float = 0.15  # of the others, those without a session_id
    refused: float = 0.1  # of the visits, those where analytics is refused


def month(seed: int, shape: Shape | None = None) -> list[Record]:
    """The interactions, in an order of no meaning; some of them twice."""
    shape = shape or Shape()
    rng = Random(f"{seed}/{shape.account}")
    records = [record for number in range(shape.visitors) for record in _visitor(rng, shape, number)]
    records += rng.sample(records, round(shape.repeated * len(records)))
    rng.shuffle(records)
    return records


def lines_of(records: Sequence[Record]) -> list[bytes]:
    """As lines of JSON."""
    return [json.dumps(record).encode() for record in records]


def _visitor(rng: Random, shape: Shape, number: int) -> Iterator[Record]:
    visitor_id = None if rng.random() < shape.nameless else f"v{number}"
    by_visitor = visitor_id is not None and rng.random() < shape.keyed_by_visitor
    # Days apart, so that two visits of one visitor are two sessions by any gap.
    first = rng.randrange(shape.days)
    visits = 1 if visitor_id is None else min(rng.choices((1, 2, 3), (80, 14, 6))[0], 1 + (shape.days - 1 - first) // 3)
    for visit in range(visits):
        day = first + 3 * visit
        if rng.random() > _WEEKDAYS[day % 7] / 10:
            continue
        began_ms = (
            START_MS + day * 86_400_000 + rng.choices(range(24), _HOURS)[0] * 3_600_000 + rng.randrange(3_500_000)
        )
        ids = {"visitor_id": visitor_id, "session_id": None if by_visitor else f"s{number}-{visit}"}
        yield from _Visit(rng, shape, {name: value for name, value in ids.items() if value}, began_ms).played()


class _Visit:
    """One visit: what is said in it, each a moment after the one before."""

    def __init__(self, rng: Random, shape: Shape, ids: Record, now_ms: int) -> None:
        self.rng, self.shape, self.ids, self.now_ms = rng, shape, ids, now_ms
        self.said: list[Record] = []
        self.conversation: str | None = None

    def say(self, kind: str, within_s: float = 20, **own: Any) -> None:
        self.now_ms += 1 + self.rng.randrange(max(1, int(within_s * 1000)))
        record = {"type": kind, "account_id": self.shape.account, "timestamp": self.now_ms, **self.ids, **own}
        self.said.append({**record, "interaction_id": f"{self.rng.getrandbits(64):x}"})

    def tell(self, kind: str, **own: Any) -> None:
        """In the conversation."""
        if self.conversation is None:
            self.conversation = f"c{self.rng.getrandbits(48):x}"
        self.say(kind, conversation_id=self.conversation, **own)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def played(self) -> list[Record]:
        consent: Record = {"consent": {"analytics": False}} if self.chance(self.shape.refused) else {}
        self.say("visit_started", **consent)
        chats = self.chance(self.shape.chatty)
        for page in range(1 + int(self.rng.expovariate(0.35 if chats else 0.6))):
            self.say("page_viewed", within_s=90)
            if self.chance(0.25 / (1 + page)):
                self.automation(answers=chats and self.chance(0.6))
        if chats and self.chance(0.8):
            self.talk()
        if self.chance(0.09 if chats else 0.025):
            value = self.rng.randrange(900, 40_000) / 100
            self.say(
                "goal_completed", goal={"name": "purchase", "value": value, "currency": self.rng.choice(("EUR", "CZK"))}
            )
        if self.chance(0.03):
            self.say("goal_completed", goal={"name": "newsletter"})
        if chats and self.chance(0.3):
            self.talk()
        return self.said

    def automation(self, *, answers: bool) -> None:
        robot = self.rng.choices(AUTOMATIONS, _SHARES)[0]
        run = {**robot, "run_id": f"{self.rng.getrandbits(48):x}"}
        for _ in range(self.rng.choice((1, 1, 2))):
            self.tell("automation_sent", automation=run)
        if not (answers or self.chance(0.35)):
            return
        self.say("box_opened", via=self.rng.choice(("launcher", "popup", "widget")))
        if not answers:
            return
        if robot["kind"] == "chatbot":
            for _ in range(self.rng.choice((0, 1, 2))):
                self.tell("button_clicked", button="Yes", automation=run, is_back=self.chance(0.2))
        if self.chance(0.6):
            self.tell("visitor_message", text="hello")
        self.say("box_closed")

    def talk(self) -> None:
        online = self.chance(0.85)
        self.say("box_opened")
        self.tell("visitor_message", text="Is it there?", online=online)
        if not online:
            return
        agent = self.rng.choice(AGENTS)
        if self.chance(0.9):
            self.tell("agent_joined", agent=agent)
            for _ in range(self.rng.randint(1, 4)):
                self.tell("agent_message", within_s=60, agent=agent)
                if self.chance(0.6):
                    self.tell("visitor_message", within_s=60, text="I see")
            self.tell("agent_left", agent=agent)
        self.tell("conversation_closed")
        if self.chance(0.5):
            self.tell("feedback_given", rating=self.rng.choices((5, 3, 1), (70, 18, 12))[0])
        self.conversation = None
