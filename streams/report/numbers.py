"""The numbers of a report, and what each of them means."""

from datetime import date
from typing import Final, Literal

import msgspec

from streams.report.intervals import Difference, Share

__all__ = [
    "AUDIENCES",
    "EDGE_S",
    "Account",
    "Agent",
    "Automation",
    "Behaviour",
    "Coverage",
    "Goal",
    "Headline",
    "Hour",
    "Met",
    "Numbers",
    "Period",
    "Reached",
    "Unit",
    "Value",
    "Way",
]

EDGE_S: Final = 1_800
"""A visit that begins or ends this close to an end of the history may be cut by it: the gap that ends a visitor's."""

Audience = Literal["chatters", "others", "everyone"]
AUDIENCES: Final[tuple[Audience, ...]] = ("chatters", "others", "everyone")
Unit = Literal["day", "week", "month"]


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What the history covers, and what it leaves open."""

    first_micros: int | None
    last_micros: int | None
    accounts: int
    interactions: int  # applied: duplicates not counted
    visits: int
    visits_without_pages: int
    visits_without_visitor_id: int
    visits_at_the_edges: int
    events: int
    events_withheld: int
    clicks_without_receipt: int
    implausible_values: int
    values_without_currency: int


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing to read."""

    chatted: Share  # of visitors
    visits: int
    visits_with_conversation: int
    conversations: int
    conversations_served: int
    runs: int
    ratings: int
    average_rating: float | None


class Way(msgspec.Struct, frozen=True):
    """How conversations were had: the visitor wrote, clicked a chatbot's button, an agent took part, it was offline."""

    way: Literal["wrote", "clicked", "agent", "offline"]
    conversations: int
    visitors: int


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """What one audience does on the site."""

    audience: Audience
    visitors: int
    visits: int
    visits_per_visitor: float
    visits_with_pages: int
    pages_per_visit: float | None
    one_page_share: float | None
    seconds_mean: float
    seconds_median: float


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """Of one audience: the visitors who reached a goal, and how often they did."""

    converted: Share
    completions: int
    reached_after: int  # of chatters: at least once after their first conversation began


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """A goal, or any goal at all, among those who chatted, the others, and everyone."""

    goal: str | None  # None: any
    chatters: Reached
    others: Reached
    everyone: Reached
    difference: Difference  # chatters less others


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What a goal was worth to one audience, in one currency."""

    goal: str
    currency: str  # empty: none was named
    audience: Audience
    visitors: int
    completions: int
    amount: float
    per_visitor: float


class Automation(msgspec.Struct, frozen=True, kw_only=True):
    """The funnel of an automation, in runs."""

    account: str
    kind: Literal["chatbot", "auto_message", "trigger"]
    id: str
    name: str
    sent: int
    viewed: Share
    answered: Share
    reacted: Share


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's conversations and ratings; without an id, the ratings that no agent was found for."""

    account: str
    agent: str | None
    name: str | None
    conversations: int
    joins: int
    ratings: int
    good: int
    normal: int
    bad: int
    average_rating: float | None


class Period(msgspec.Struct, frozen=True):
    """A day, or the week or month that begins with it."""

    period: date
    visits: int
    visitors: int
    chatters: int
    conversations: int


class Hour(msgspec.Struct, frozen=True):
    """An hour of the day, over all days."""

    hour: int
    visits: int
    conversations: int
    served: int


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account; `chatters` and `others` are those who reached any goal."""

    account: str
    chatted: Share
    conversations: int
    served: int
    runs: int
    chatters: Share
    others: Share
    difference: Difference


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the report of how it was made."""

    time_zone: str
    only_accounts: tuple[str, ...]
    rules_version: str
    records: int
    duplicates: int
    unknown_types: int
    dead_letters: int


class Numbers(Met, frozen=True, kw_only=True):
    """All numbers of a report."""

    coverage: Coverage
    headline: Headline
    ways: list[Way]
    behaviour: list[Behaviour]
    goals: list[Goal]
    values: list[Value]
    automations: list[Automation]
    agents: list[Agent]
    days: list[Period]
    unit: Unit  # of the periods
    periods: list[Period]
    hours: list[Hour]
    by_account: list[Account]
