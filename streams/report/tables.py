"""The numbers as one long table: a row for each number, with what it is of. For spreadsheets, notebooks and SQL. Pure.

    SELECT name, value FROM 'report.parquet' WHERE part = 'automations' AND measure = 'reacted_share'

A share stands with the ends of its interval and with how many it is of; a count has neither.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from streams.report.intervals import Difference, Share
from streams.report.numbers import Goal, Numbers, Reached

__all__ = ["COLUMNS", "Row", "harmless", "long_table"]

COLUMNS: Final = (
    ("part", "VARCHAR"),
    ("account", "VARCHAR"),
    ("kind", "VARCHAR"),
    ("id", "VARCHAR"),
    ("name", "VARCHAR"),
    ("audience", "VARCHAR"),
    ("period", "VARCHAR"),
    ("currency", "VARCHAR"),
    ("measure", "VARCHAR"),
    ("value", "DOUBLE"),
    ("low", "DOUBLE"),
    ("high", "DOUBLE"),
    ("out_of", "BIGINT"),
    ("few", "BOOLEAN"),
)
"""Names and types of DuckDB's; the fields of `Row`."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One number."""

    part: str
    account: str | None = None
    kind: str | None = None  # of an automation
    id: str | None = None  # of an automation or an agent
    name: str | None = None  # of an automation, an agent or a goal; a goal's is null for any goal
    audience: str | None = None  # chatters, others, everyone
    period: str | None = None  # a date, or an hour of the day
    currency: str | None = None
    measure: str
    value: float | None
    low: float | None = None
    high: float | None = None
    out_of: int | None = None
    few: bool | None = None


def long_table(numbers: Numbers) -> Iterator[Row]:
    """Every number of the report, in the order of its parts; days are days here, whatever the page shows."""
    yield from _whole(numbers)
    for goal in numbers.goals:
        yield from _goal(goal)
    for value in numbers.values:
        for measure in ("completions", "amount", "per_visitor"):
            yield Row(
                part="goal_values",
                name=value.goal,
                audience=value.audience,
                currency=value.currency or None,
                measure=measure,
                value=getattr(value, measure),
                out_of=value.visitors,
            )
    for automation in numbers.automations:
        of = Row(
            part="automations",
            account=automation.account,
            kind=automation.kind,
            id=automation.id,
            name=automation.name,
            measure="sent",
            value=automation.sent,
        )
        yield of
        for measure in ("viewed", "answered", "reacted"):
            yield from _share(of, measure, getattr(automation, measure))
    for agent in numbers.agents:
        for measure in ("conversations", "joins", "ratings", "good", "normal", "bad", "average_rating"):
            yield Row(
                part="agents",
                account=agent.account,
                id=agent.agent,
                name=agent.name,
                measure=measure,
                value=getattr(agent, measure),
            )
    yield from _times(numbers)
    for account in numbers.by_account:
        of = Row(part="accounts", account=account.account, measure="visitors", value=account.chatted.of)
        yield of
        yield from _share(of, "chatters", account.chatted)
        for measure in ("conversations", "served", "runs"):
            yield _measured(of, measure, getattr(account, measure))
        yield from _share(of, "chatters_reached", account.chatters)
        yield from _share(of, "others_reached", account.others)
        yield _difference(of, account.difference)


def _whole(numbers: Numbers) -> Iterator[Row]:
    for part, struct in (("headline", numbers.headline), ("coverage", numbers.coverage)):
        of = Row(part=part, measure="", value=None)
        for measure, value in msgspec.structs.asdict(struct).items():
            if isinstance(value, Share):
                yield from _share(of, measure, value)
            else:
                yield _measured(of, measure, value)
    for measure in ("records", "duplicates", "unknown_types", "dead_letters"):
        yield Row(part="coverage", measure=measure, value=getattr(numbers, measure))
    for way in numbers.ways:
        for measure in ("conversations", "visitors"):
            yield Row(part="ways", kind=way.way, measure=measure, value=getattr(way, measure))
    for behaviour in numbers.behaviour:
        of = Row(part="behaviour", audience=behaviour.audience, measure="", value=None)
        for measure, value in msgspec.structs.asdict(behaviour).items():
            if measure != "audience":
                yield _measured(of, measure, value)


def _goal(goal: Goal) -> Iterator[Row]:
    for audience in ("chatters", "others", "everyone"):
        reached: Reached = getattr(goal, audience)
        of = Row(part="goals", name=goal.goal, audience=audience, measure="completions", value=reached.completions)
        yield of
        yield from _share(of, "reached", reached.converted)
        if audience == "chatters":
            yield _measured(of, "reached_after", reached.reached_after)
    yield _difference(Row(part="goals", name=goal.goal, measure="", value=None), goal.difference)


def _times(numbers: Numbers) -> Iterator[Row]:
    for day in numbers.days:
        for measure in ("visits", "visitors", "chatters", "conversations"):
            yield Row(part="days", period=day.period.isoformat(), measure=measure, value=getattr(day, measure))
    for hour in numbers.hours:
        for measure in ("visits", "conversations", "served"):
            yield Row(part="hours", period=f"{hour.hour:02}", measure=measure, value=getattr(hour, measure))


def _measured(of: Row, measure: str, value: float | None) -> Row:
    return msgspec.structs.replace(of, measure=measure, value=value)


def _share(of: Row, measure: str, share: Share) -> Iterator[Row]:
    yield _measured(of, measure, share.count)
    yield msgspec.structs.replace(
        of,
        measure=f"{measure}_share",
        value=share.share,
        low=share.low,
        high=share.high,
        out_of=share.of,
        few=share.few,
    )


def _difference(of: Row, apart: Difference) -> Row:
    """Chatters less others, in fractions."""
    return msgspec.structs.replace(
        of, measure="difference", value=apart.difference, low=apart.low, high=apart.high, audience=None
    )


def harmless(row: Row) -> Row:
    """For a spreadsheet: a text that it would take for a formula is quoted, as names come from outside.

    Source: OWASP, "CSV Injection".
    """
    texts = {
        name: f"'{text}"
        for name in ("account", "id", "name", "currency")
        if (text := getattr(row, name)) is not None and text.startswith(_FORMULA)
    }
    return msgspec.structs.replace(row, **texts) if texts else row
