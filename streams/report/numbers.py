"""The numbers of a report: what the database is asked, and what its answers are called."""

from datetime import date
from typing import Final, Literal

import msgspec

from streams.report.database import Database
from streams.report.facts import VALUE_SCALE
from streams.report.intervals import Difference, Share, difference, share

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
    "Numbers",
    "Period",
    "Reached",
    "Unit",
    "Value",
    "Way",
    "counted",
]

EDGE_S: Final = 1_800
"""A visit that begins or ends this close to an end of the history may be cut by it: the gap that ends a visitor's."""
_DAYS: Final = 92
_WEEKS: Final = 750
"""Days up to which a history is shown by day, and by week; beyond, by month."""

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


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers of a report."""

    time_zone: str
    only_accounts: tuple[str, ...]
    rules_version: str
    records: int
    duplicates: int
    unknown_types: int
    dead_letters: int
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


# -- what the database says ----------------------------------------------------------


class _Headline(msgspec.Struct):
    visitors: int
    chatters: int
    visits: int
    visits_with_conversation: int
    conversations: int
    conversations_served: int
    runs: int
    ratings: int
    average_rating: float | None


class _Reached(msgspec.Struct):
    goal: str
    any_goal: bool
    audience: Audience
    visitors: int
    reached: int
    completions: int
    reached_after: int


class _Automation(msgspec.Struct):
    account: str
    kind: Literal["chatbot", "auto_message", "trigger"]
    id: str
    name: str
    sent: int
    viewed: int
    answered: int
    reacted: int


class _Account(msgspec.Struct):
    account: str
    visitors: int
    chatters: int
    chatters_reached: int
    others_reached: int
    conversations: int
    served: int
    runs: int


class _Span(msgspec.Struct):
    first: date
    last: date


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the report of how it was made."""

    time_zone: str
    only_accounts: tuple[str, ...]
    rules_version: str
    records: int
    duplicates: int
    unknown_types: int
    dead_letters: int


def counted(database: Database, met: Met) -> Numbers:
    """All numbers. There is at least one visit."""
    unit = _unit(database.row("span", _Span))
    days = database.rows("periods", Period, unit="day")
    return Numbers(
        **msgspec.structs.asdict(met),
        coverage=database.row("coverage", Coverage, edge=EDGE_S * 1_000_000),
        headline=_headline(database.row("headline", _Headline)),
        ways=database.rows("ways", Way),
        behaviour=database.rows("behaviour", Behaviour),
        goals=_goals(database.rows("goals", _Reached)),
        values=database.rows("goal_values", Value, scale=VALUE_SCALE),
        automations=[_automation(row) for row in database.rows("automations", _Automation)],
        agents=database.rows("agents", Agent),
        days=days,
        unit=unit,
        periods=days if unit == "day" else database.rows("periods", Period, unit=unit),
        hours=database.rows("hours", Hour),
        by_account=[_account(row) for row in database.rows("accounts", _Account)],
    )


def _unit(span: _Span) -> Unit:
    days = (span.last - span.first).days
    if days <= _DAYS:
        return "day"
    return "week" if days <= _WEEKS else "month"


def _headline(row: _Headline) -> Headline:
    return Headline(
        chatted=share(row.chatters, row.visitors),
        visits=row.visits,
        visits_with_conversation=row.visits_with_conversation,
        conversations=row.conversations,
        conversations_served=row.conversations_served,
        runs=row.runs,
        ratings=row.ratings,
        average_rating=row.average_rating,
    )


_NOBODY: Final = Reached(converted=share(0, 0), completions=0, reached_after=0)


def _goals(rows: list[_Reached]) -> list[Goal]:
    """One a goal, of the rows of its audiences."""
    by_goal: dict[tuple[bool, str], dict[Audience, Reached]] = {}
    for row in rows:
        by_goal.setdefault((row.any_goal, row.goal), {})[row.audience] = Reached(
            converted=share(row.reached, row.visitors), completions=row.completions, reached_after=row.reached_after
        )
    return [
        _goal(None if any_goal else goal, *(of.get(audience, _NOBODY) for audience in AUDIENCES))
        for (any_goal, goal), of in by_goal.items()
    ]


def _goal(goal: str | None, chatters: Reached, others: Reached, everyone: Reached) -> Goal:
    apart = difference(chatters.converted, others.converted)
    return Goal(goal=goal, chatters=chatters, others=others, everyone=everyone, difference=apart)


def _automation(row: _Automation) -> Automation:
    return Automation(
        account=row.account,
        kind=row.kind,
        id=row.id,
        name=row.name,
        sent=row.sent,
        viewed=share(row.viewed, row.sent),
        answered=share(row.answered, row.sent),
        reacted=share(row.reacted, row.sent),
    )


def _account(row: _Account) -> Account:
    chatters = share(row.chatters_reached, row.chatters)
    others = share(row.others_reached, row.visitors - row.chatters)
    return Account(
        account=row.account,
        chatted=share(row.chatters, row.visitors),
        conversations=row.conversations,
        served=row.served,
        runs=row.runs,
        chatters=chatters,
        others=others,
        difference=difference(chatters, others),
    )
