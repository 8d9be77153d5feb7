"""The charts of a report: goals, automations, agents, and, from `time_charts`, days and hours.

Each is drawn twice, for a wide page and for a narrow one: letters keep their size
on a phone. A chart says nothing that does not stand in a table beside it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from matplotlib.ticker import FuncFormatter, MaxNLocator

from streams.report import time_charts
from streams.report.numbers import Agent, Automation, Goal, Numbers
from streams.report.sheet import Sheet, drawing
from streams.report.svg import COLOURS, inline
from streams.report.texts import count, decimal, percent, plain, points, points_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MOST_ROWS", "draw"]

MOST_ROWS: Final = 10
"""Goals, automations, agents in a chart, those of most first; the tables have all."""

_KINDS: Final = {"chatbot": "Chatbot", "auto_message": "Automatic message", "trigger": "Trigger"}
_ANY_AND_ONE: Final = 2


class _Draws(Protocol):
    def __call__(self, numbers: Numbers, *, narrow: bool) -> Sheet | None:
        """A chart, or None where there is nothing to draw."""


def draw(key: str, numbers: Numbers, *, narrow: bool, label: str) -> str | None:
    """A chart as an <svg> element, or None where there is nothing to draw. `label` says what is seen."""
    with drawing(narrow=narrow):
        sheet = _DRAWN[key](numbers, narrow=narrow)
        if sheet is None:
            return None
        return inline(sheet.svg(), f"{key}-{'narrow' if narrow else 'wide'}", label)


# -- goals ---------------------------------------------------------------------------


def _goals(numbers: Numbers, *, narrow: bool) -> Sheet | None:
    """Of those who chatted and of the others, who reached a goal: a point with its interval."""
    # Where there is one goal, any goal and it are the same.
    shown = numbers.goals[1:] if len(numbers.goals) == _ANY_AND_ONE else numbers.goals[: MOST_ROWS + 1]
    drawn = [goal for goal in shown if goal.chatters.converted.of and goal.others.converted.of]
    if not drawn:
        return None
    row, top, foot = (84, 6, 30) if narrow else (58, 6, 34)
    left, right = (14, 58) if narrow else (215, 235)
    bottom = top + row * len(drawn)
    sheet = Sheet(bottom + foot, narrow=narrow)
    axes = sheet.axes(left, top, sheet.width - right, bottom)
    most = max(each.high or 0 for goal in drawn for each in (goal.chatters.converted, goal.others.converted))
    axes.set_xlim(0, most * 1.02)
    axes.set_ylim(bottom, top)  # in pixels, as on the sheet
    axes.set_yticks([])
    axes.grid(axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(4 if narrow else 6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda part, _: f"{part * 100:g} %"))
    for place, goal in enumerate(drawn):
        y = top + row * place
        name = "Any goal" if goal.goal is None else plain(goal.goal, 38 if narrow else 28)
        apart, between = points(goal.difference.difference), points_interval(goal.difference)
        if narrow:
            sheet.name(4, y + 14, name)
            sheet.small(4, y + 74, f"{apart} ({between})", soft=True)
            _compare(axes, y + 36, goal)
        else:
            sheet.name(0, y + 29, name)
            sheet.name(sheet.width, y + 20, apart, right=True)
            sheet.small(sheet.width, y + 38, between, soft=True, right=True)
            _compare(axes, y + 20, goal)
    return sheet


def _compare(axes: "Axes", y: float, goal: Goal) -> None:
    """Those who chatted, and below them the others."""
    for at, colour, reached in ((y, "chat", goal.chatters), (y + 18, "other", goal.others)):
        of = reached.converted
        if of.share is None or of.low is None or of.high is None:
            continue  # nobody is of this audience
        (line,) = axes.plot([of.low, of.high], [at, at], color=COLOURS[colour], linewidth=4, alpha=0.45, clip_on=False)
        line.set_solid_capstyle("round")
        axes.plot([of.share], [at], "o", color=COLOURS[colour], markersize=10, clip_on=False)
        axes.annotate(percent(of.share), (of.high, at), (8, 0), textcoords="offset points", va="center")


# -- automations -----------------------------------------------------------------------


def _automations(numbers: Numbers, *, narrow: bool) -> Sheet | None:
    """Of the runs sent, how many were viewed, answered, and answered by typing."""
    drawn = [(each, _steps(each)) for each in numbers.automations[:MOST_ROWS]]
    if not drawn:
        return None
    bar, head, gap = 17, (38 if narrow else 4), (14 if narrow else 18)
    heights = [head + max(bar * len(steps), 0 if narrow else 40) + gap for _, steps in drawn]
    left, first = (4, 0) if narrow else (290, 4)
    sheet = Sheet(sum(heights) + 2, narrow=narrow)
    end = sheet.width - 112
    axes = sheet.axes(left, 0, end, sheet.height)
    axes.set_xlim(0, 1)
    axes.set_ylim(sheet.height, 0)
    axes.set_axis_off()
    y = 0.0
    for (automation, steps), height in zip(drawn, heights, strict=True):
        under = f"{_KINDS[automation.kind]}, {count(automation.sent)} sent"
        if numbers.coverage.accounts > 1:
            under = f"{plain(automation.account, 22)}: {under}"
        x = left if narrow else 0
        sheet.name(x, y + first + 10, plain(automation.name, 44 if narrow else 36))
        sheet.small(x, y + first + 28, under, soft=True)
        for place, (word, colour, part) in enumerate(steps):
            at = y + head + bar * (place + 0.5)
            axes.barh(at, 1, height=9, color=COLOURS["track"])
            axes.barh(at, part, height=9, color=COLOURS[colour])
            sheet.small(end + 8, at, f"{percent(part)} {word}")
        y += height
    return sheet


def _steps(automation: Automation) -> list[tuple[str, str, float]]:
    steps = [("viewed", "step1", automation.viewed.share or 0.0)]
    if automation.kind == "chatbot":  # only a chatbot can be answered by a button
        steps.append(("answered", "step2", automation.answered.share or 0.0))
    return [*steps, ("typed", "step3", automation.reacted.share or 0.0)]


# -- agents ------------------------------------------------------------------------------


def _agents(numbers: Numbers, *, narrow: bool) -> Sheet | None:
    """Conversations served, and the ratings, of each agent."""
    drawn = [agent for agent in numbers.agents if agent.agent is not None][:MOST_ROWS]
    if not drawn:
        return None
    row, top = (74, 4) if narrow else (34, 30)
    served, rated = ((4, 250), (4, 250)) if narrow else ((190, 470), (545, 740))
    sheet = Sheet(top + row * len(drawn) + 4, narrow=narrow)
    if not narrow:
        sheet.title(served[0], 12, "Conversations served")
        sheet.title(rated[0], 12, "Ratings")
    most_served = max(agent.conversations for agent in drawn) or 1
    most_rated = max(agent.ratings for agent in drawn) or 1
    for place, agent in enumerate(drawn):
        y = top + row * place
        name, bars, stars = (y + 12, y + 30, y + 50) if narrow else (y + row / 2,) * 3
        sheet.name(4 if narrow else 0, name, _named(agent, several=numbers.coverage.accounts > 1))
        text = f"{count(agent.conversations)} served" if narrow else count(agent.conversations)
        _bar(sheet, served, bars, most_served, [("chat", agent.conversations)], text)
        parts = [("good", agent.good), ("normal", agent.normal), ("bad", agent.bad)]
        _bar(sheet, rated, stars, most_rated, parts, _rating(agent, narrow=narrow))
    return sheet


def _named(agent: Agent, *, several: bool) -> str:
    name = agent.name or ""
    return f"{plain(name, 14)}, {plain(agent.account, 14)}" if several else plain(name, 24)


def _rating(agent: Agent, *, narrow: bool) -> str:
    if not agent.ratings:
        return "no rating"
    average = f"{decimal(agent.average_rating, 1)} of 5"
    return average if narrow else f"{average}, {count(agent.ratings)} rated"


def _bar(
    sheet: Sheet, ends: tuple[float, float], at: float, most: int, parts: Sequence[tuple[str, int]], text: str
) -> None:
    left, right = ends
    axes = sheet.axes(left, at - 7, right, at + 7)
    axes.set_xlim(0, most)
    axes.set_axis_off()
    begun = 0
    for colour, part in parts:
        axes.barh(0, part, left=begun, color=COLOURS[colour])
        begun += part
    sheet.small(left + (right - left) * begun / most + 8, at, text)


_DRAWN: Final[dict[str, _Draws]] = {
    "goals": _goals,
    "automations": _automations,
    "agents": _agents,
    "periods": time_charts.periods,
    "hours": time_charts.hours,
}
