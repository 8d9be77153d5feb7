"""The numbers of a report counted: what the database is asked, and what is made of its answers."""

from datetime import date
from typing import Final, Literal

import msgspec

from streams.report.database import Database
from streams.report.facts import VALUE_SCALE
from streams.report.intervals import difference, share
from streams.report.numbers import (
    AUDIENCES,
    EDGE_S,
    Account,
    Agent,
    Audience,
    Automation,
    Behaviour,
    Coverage,
    Goal,
    Headline,
    Hour,
    Met,
    Numbers,
    Period,
    Reached,
    Unit,
    Value,
    Way,
)

__all__ = ["counted"]

_DAYS: Final = 92
_WEEKS: Final = 750
"""Days up to which a history is shown by day, and by week; beyond, by month."""


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
