"""The tables of the page: what stands in each cell, as text. Pure; escaped where they are put into the page."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from streams.report import texts
from streams.report.intervals import FEW_VISITORS, Difference, Share
from streams.report.numbers import AUDIENCES, Agent, Automation, Behaviour, Goal, Numbers, Value

__all__ = ["MOST_ROWS", "Cell", "Row", "Table", "page_tables"]

MOST_ROWS: Final = 200
"""Of goals, automations, agents and accounts in a table, those of most first: a site that gives each order a goal of
its own must not make a page that nobody can open. The data have all."""

_KINDS: Final = {"chatbot": "Chatbot", "auto_message": "Automatic message", "trigger": "Trigger"}
_WAYS: Final = {
    "wrote": "the visitor wrote",
    "clicked": "the visitor clicked a chatbot's button",
    "agent": "an agent joined or wrote",
    "offline": "the visitor wrote to an offline box",
}
_COMPARED: Final = ("Had a conversation", "Everyone else", "All visitors")


class Cell(msgspec.Struct, frozen=True):
    """A text, and smaller ones under it."""

    text: str
    under: tuple[str, ...] = ()
    few: bool = False


class Row(msgspec.Struct, frozen=True):
    """What it is of, and its cells."""

    head: Cell
    cells: tuple[Cell, ...]
    whole: bool = False  # all of the others together


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table. A stacked one has its cells below each other on a phone, each with its column's name."""

    name: str
    caption: str
    heads: tuple[str, ...]
    rows: list[Row]
    stacked: bool = False


def page_tables(numbers: Numbers) -> dict[str, Table]:
    """All tables, by what they are of; those without rows too."""
    several = numbers.coverage.accounts > 1
    return {
        "ways": _ways(numbers),
        "goals": _goals(numbers.goals),
        "values": _values(numbers.values),
        "behaviour": _behaviour(numbers.behaviour),
        "automations": _automations(numbers.automations, several=several),
        "agents": _agents(numbers.agents, several=several),
        "periods": _periods(numbers),
        "hours": _hours(numbers),
        "accounts": _accounts(numbers),
    }


def _cut(caption: str, rows: Iterable[Row], of: int) -> tuple[str, list[Row]]:
    """The caption says so where not all rows are shown."""
    shown = [row for row, _ in zip(rows, range(MOST_ROWS), strict=False)]
    if of > len(shown):
        caption += f" The first {texts.count(len(shown))} of {texts.count(of)}; --to report.json has all."
    return caption, shown


def _counts(*numbers: int) -> tuple[Cell, ...]:
    return tuple(Cell(texts.count(number)) for number in numbers)


def _share(share: Share, *, interval: bool = False) -> Cell:
    under = [f"{texts.count(share.count)} of {texts.count(share.of)}"]
    if interval:
        under.append(texts.interval(share))
    return Cell(texts.percent(share.share), tuple(under), few=share.few and share.of > 0)


def _apart(apart: Difference) -> Cell:
    return Cell(texts.points(apart.difference), (texts.points_interval(apart),))


def _ways(numbers: Numbers) -> Table:
    return Table(
        name="How conversations were had",
        caption="One conversation may be had in several ways.",
        heads=("In the conversation", "Visitors", "Conversations"),
        rows=[Row(Cell(_WAYS[row.way]), _counts(row.visitors, row.conversations)) for row in numbers.ways],
    )


def _goals(goals: list[Goal]) -> Table:
    caption, rows = _cut(
        "Visitors who reached a goal: share, visitors, 95 % interval. The difference is of those who chatted and "
        "everyone else, in points of a hundred.",
        map(_goal, goals),
        len(goals),
    )
    heads = ("Goal", *_COMPARED, "Difference", "Reached after chatting began")
    return Table(name="Goals", caption=caption, heads=heads, rows=rows, stacked=True)


def _goal(goal: Goal) -> Row:
    chatters = goal.chatters
    after = Cell(texts.count(chatters.reached_after), (f"of {texts.count(chatters.converted.count)}",))
    shares = (_share(of.converted, interval=True) for of in (chatters, goal.others, goal.everyone))
    name = "Any goal" if goal.goal is None else texts.plain(goal.goal)
    return Row(Cell(name), (*shares, _apart(goal.difference), after), whole=goal.goal is None)


def _values(values: list[Value]) -> Table:
    """Goal by goal and currency by currency, in all and per visitor for each audience."""
    of = {(row.goal, row.currency, row.audience): row for row in values}
    named = list(dict.fromkeys((row.goal, row.currency) for row in values))
    caption, rows = _cut(
        "What goals were worth, where they say so. Each currency for itself.",
        (
            Row(Cell(texts.plain(goal)), tuple(_value(of.get((goal, currency, each))) for each in AUDIENCES))
            for goal, currency in named
        ),
        len(named),
    )
    return Table(name="Value of goals", caption=caption, heads=("Goal", *_COMPARED), rows=rows, stacked=True)


def _value(row: Value | None) -> Cell:
    if row is None:  # nobody is of this audience
        return Cell(texts.NONE)
    per_visitor = f"{texts.amount(row.per_visitor, row.currency)} per visitor"
    return Cell(texts.amount(row.amount, row.currency), (per_visitor,))


_MEASURES: Final[tuple[tuple[str, Callable[[Behaviour], str]], ...]] = (
    ("Visitors", lambda of: texts.count(of.visitors)),
    ("Visits", lambda of: texts.count(of.visits)),
    ("Visits per visitor", lambda of: texts.decimal(of.visits_per_visitor)),
    ("Pages per visit", lambda of: texts.decimal(of.pages_per_visit)),
    ("Visits of a single page", lambda of: texts.percent(of.one_page_share)),
    ("Time on the site, average", lambda of: texts.duration(of.seconds_mean)),
    ("Time on the site, half stay longer", lambda of: texts.duration(of.seconds_median)),
)


def _behaviour(behaviour: list[Behaviour]) -> Table:
    of = {row.audience: row for row in behaviour}
    return Table(
        name="Behaviour on the site",
        caption="What they do on the site, over all of their visits.",
        heads=("Measure", *_COMPARED),
        rows=[
            Row(Cell(title), tuple(Cell(say(of[each]) if each in of else texts.NONE) for each in AUDIENCES))
            for title, say in _MEASURES
        ],
    )


def _automations(automations: list[Automation], *, several: bool) -> Table:
    def row(of: Automation) -> Row:
        under = f"{_KINDS[of.kind]} {texts.plain(of.id, 60)}"
        whose = (texts.plain(of.account, 60),) if several else ()
        answered = _share(of.answered) if of.kind == "chatbot" else Cell(texts.NONE)
        cells = (*_counts(of.sent), _share(of.viewed), answered, _share(of.reacted))
        return Row(Cell(texts.plain(of.name), (under, *whose)), cells)

    caption = "The funnel of each automation, in runs. Shares are of those sent."
    caption, rows = _cut(caption, map(row, automations), len(automations))
    heads = ("Automation", "Sent", "Viewed", "Answered", "Typed")
    return Table(name="Automations", caption=caption, heads=heads, rows=rows, stacked=True)


def _agents(agents: list[Agent], *, several: bool) -> Table:
    def row(of: Agent) -> Row:
        whose = (texts.plain(of.account, 60),) if several else ()
        name = "No agent found" if of.agent is None else texts.plain(of.name or "")
        served = (Cell(texts.NONE),) * 2 if of.agent is None else _counts(of.conversations, of.joins)
        average = Cell(texts.decimal(of.average_rating, 1), few=0 < of.ratings < FEW_VISITORS)
        return Row(Cell(name, whose), (*served, average, *_counts(of.good, of.normal, of.bad)))

    caption, rows = _cut("By agent. Ratings: 5 good, 3 normal, 1 bad.", map(row, agents), len(agents))
    heads = ("Agent", "Conversations served", "Joins", "Average rating", "Good", "Normal", "Bad")
    return Table(name="Agents", caption=caption, heads=heads, rows=rows, stacked=True)


def _periods(numbers: Numbers) -> Table:
    unit = numbers.unit
    return Table(
        name=f"By {unit}",
        caption=f"By {unit}: visits by when they began, conversations likewise.",
        heads=(unit.capitalize(), "Visits", "Visitors", "With a conversation", "Conversations"),
        rows=[
            Row(Cell(texts.period(of.period, unit)), _counts(of.visits, of.visitors, of.chatters, of.conversations))
            for of in numbers.periods
        ],
    )


def _hours(numbers: Numbers) -> Table:
    return Table(
        name="By hour of the day",
        caption="By the hour at which visits and conversations begin, over all days.",
        heads=("Hour", "Visits", "Conversations", "With an agent"),
        rows=[Row(Cell(f"{of.hour:02}:00"), _counts(of.visits, of.conversations, of.served)) for of in numbers.hours],
    )


def _accounts(numbers: Numbers) -> Table:
    caption, rows = _cut(
        "Each account by itself. Goals: visitors who reached any, with 95 % intervals; the difference is of those who "
        "chatted and everyone else.",
        (
            Row(
                Cell(texts.plain(of.account)),
                (
                    _share(of.chatted, interval=True),
                    Cell(texts.count(of.conversations), (f"{texts.count(of.served)} with an agent",)),
                    _share(of.chatters, interval=True),
                    _share(of.others, interval=True),
                    _apart(of.difference),
                    *_counts(of.runs),
                ),
            )
            for of in numbers.by_account
        ),
        len(numbers.by_account),
    )
    return Table(
        name="By account",
        caption=caption,
        heads=(
            *("Account", "Had a conversation", "Conversations", "Goals, chatted", "Goals, everyone else"),
            *("Difference", "Automations sent"),
        ),
        rows=rows,
        stacked=True,
    )
