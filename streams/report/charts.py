"""The charts of a report, drawn by Matplotlib. The only importer of it.

Each is drawn twice, for a wide page and for a narrow one: letters keep their size
on a phone. A chart says nothing that does not stand in a table beside it.
"""

import io
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from streams.report.numbers import Agent, Automation, Goal, Hour, Numbers, Period
from streams.report.svg import COLOURS, inline
from streams.report.texts import count, day, decimal, percent, plain, points, points_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MOST_ROWS", "draw"]

MOST_ROWS: Final = 10
"""Goals, automations, agents in a chart, those of most first; the tables have all."""

_WIDE: Final = 860
_NARROW: Final = 350
_FONT: Final = {False: 13.0, True: 12.0}
_SMALL: Final = 0.88
_POINTS: Final = 72  # an inch, so that a unit of the drawing is a pixel
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.hashsalt": "chat2ga",
    "svg.fonttype": "none",  # letters stay letters: they are read aloud, searched and copied
    "text.parse_math": False,  # a name may hold dollars
    "axes.unicode_minus": True,
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["soft"],
    "axes.edgecolor": COLOURS["grid"],
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 1,
    "axes.linewidth": 1,
}
_KINDS: Final = {"chatbot": "Chatbot", "auto_message": "Automatic message", "trigger": "Trigger"}
_TO_DATES: Final = {"day": 1, "week": 7, "month": 30}


def draw(key: str, numbers: Numbers, *, narrow: bool, label: str) -> str | None:
    """A chart as an <svg> element, or None where there is nothing to draw."""
    with mpl.rc_context(_SETTINGS | {"font.size": _FONT[narrow]}), warnings.catch_warnings():
        # Letters of all scripts are measured with a font that has not all of them; the page's fonts draw them.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = _DRAWN[key](numbers, narrow)
        if figure is None:
            return None
        raw = io.BytesIO()
        figure.savefig(raw, format="svg", transparent=True, metadata={"Date": None})
    return inline(raw.getvalue(), f"{key}-{'narrow' if narrow else 'wide'}", label)


class _Sheet:
    """A figure whose places are pixels from its upper left corner."""

    def __init__(self, height: float, *, narrow: bool) -> None:
        self.width: Final = _NARROW if narrow else _WIDE
        self.height: Final = height
        self.figure: Final = Figure(figsize=(self.width / _POINTS, height / _POINTS), dpi=_POINTS)

    def axes(self, left: float, top: float, right: float, bottom: float) -> "Axes":
        """Axes between these places, without a frame."""
        axes = self.figure.add_axes(
            (left / self.width, 1 - bottom / self.height, (right - left) / self.width, (bottom - top) / self.height)
        )
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, pad=6)
        axes.set_facecolor("none")
        return axes

    def text(self, x: float, y: float, text: str, **how: Any) -> None:  # noqa: ANN401 - what a text of Matplotlib takes
        """A text whose middle line is at `y`."""
        how = {"va": "center", "ha": "left", **how}
        self.figure.text(x / self.width, 1 - y / self.height, text, **how)


# -- goals ---------------------------------------------------------------------------


def _goals(numbers: Numbers, narrow: bool) -> Figure | None:  # noqa: FBT001 - as all that draw
    """Of those who chatted and of the others, who reached a goal: a point with its interval."""
    shown = [goal for goal in numbers.goals if goal.goal is not None or len(numbers.goals) != 2][: MOST_ROWS + 1]  # noqa: PLR2004 - any goal and the only one are the same
    drawn = [goal for goal in shown if goal.chatters.converted.of and goal.others.converted.of]
    if not drawn:
        return None
    row, top, foot = (84, 6, 30) if narrow else (58, 6, 34)
    left, right = (14, 58) if narrow else (215, 235)
    sheet = _Sheet(top + row * len(drawn) + foot, narrow=narrow)
    axes = sheet.axes(left, top, sheet.width - right, top + row * len(drawn))
    most = max(each.high or 0 for goal in drawn for each in (goal.chatters.converted, goal.others.converted))
    axes.set_xlim(0, most * 1.02)
    axes.set_ylim(row * len(drawn), 0)
    axes.set_yticks([])
    axes.grid(axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(4 if narrow else 6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda part, _: f"{part * 100:g} %"))
    for place, goal in enumerate(drawn):
        _goal_row(sheet, axes, goal, top, row * place, narrow)
    return sheet.figure


def _goal_row(sheet: _Sheet, axes: "Axes", goal: Goal, top: float, y: float, narrow: bool) -> None:  # noqa: FBT001 - as above
    name = "Any goal" if goal.goal is None else plain(goal.goal, 38 if narrow else 28)
    first = y + (36 if narrow else 20)
    apart, between = points(goal.difference.difference), points_interval(goal.difference)
    if narrow:
        sheet.text(4, top + y + 14, name, weight="bold")
    else:
        sheet.text(0, top + y + 29, name, weight="bold")
        sheet.text(sheet.width, top + y + 20, apart, ha="right", weight="bold")
        sheet.text(
            sheet.width,
            top + y + 38,
            between,
            ha="right",
            size=mpl.rcParams["font.size"] * _SMALL,
            color=COLOURS["soft"],
        )
    if narrow:
        sheet.text(
            4, top + y + 74, f"{apart} ({between})", size=mpl.rcParams["font.size"] * _SMALL, color=COLOURS["soft"]
        )
    for at, colour, reached in ((first, "chat", goal.chatters), (first + 18, "other", goal.others)):
        of = reached.converted
        if of.share is None or of.low is None or of.high is None:
            continue  # nobody is of this audience
        axes.plot(
            [of.low, of.high],
            [at, at],
            color=COLOURS[colour],
            linewidth=4,
            solid_capstyle="round",
            alpha=0.45,
            clip_on=False,
        )
        axes.plot([of.share], [at], "o", color=COLOURS[colour], markersize=10, clip_on=False)
        axes.annotate(
            percent(of.share), (of.high, at), (8, 0), textcoords="offset points", va="center", annotation_clip=False
        )


# -- automations -----------------------------------------------------------------------


def _automations(numbers: Numbers, narrow: bool) -> Figure | None:  # noqa: FBT001 - as above
    """Of the runs sent, how many were viewed, answered, and answered by typing."""
    drawn = numbers.automations[:MOST_ROWS]
    if not drawn:
        return None
    bar, head, gap = 15, (38 if narrow else 8), (14 if narrow else 16)
    rows = [_steps(each) for each in drawn]
    heights = [head + max(bar * len(steps), 0 if narrow else 40) + gap for steps in rows]
    left = 4 if narrow else 290
    sheet = _Sheet(sum(heights) + 2, narrow=narrow)
    end = sheet.width - 112
    axes = sheet.axes(left, 0, end, sheet.height)
    axes.set_xlim(0, 1)
    axes.set_ylim(sheet.height, 0)
    axes.set_axis_off()
    y = 0.0
    for automation, steps, height in zip(drawn, rows, heights, strict=True):
        name = plain(automation.name, 44 if narrow else 36)
        under = f"{_KINDS[automation.kind]}, {count(automation.sent)} sent"
        if numbers.coverage.accounts > 1:
            under = f"{plain(automation.account, 22)}: {under}"
        small = mpl.rcParams["font.size"] * _SMALL
        sheet.text(left if narrow else 0, y + (10 if narrow else head + 10), name, weight="bold")
        sheet.text(left if narrow else 0, y + (27 if narrow else head + 28), under, size=small, color=COLOURS["soft"])
        for place, (word, colour, part) in enumerate(steps):
            at = y + head + bar * place + bar / 2
            axes.barh(at, 1, height=9, color=COLOURS["track"])
            axes.barh(at, part, height=9, color=COLOURS[colour])
            sheet.text(end + 8, at, f"{percent(part)} {word}", size=small)
        y += height
    return sheet.figure


def _steps(automation: Automation) -> list[tuple[str, str, float]]:
    steps = [("viewed", "step1", automation.viewed.share or 0.0)]
    if automation.kind == "chatbot":  # only a chatbot can be answered by a button
        steps.append(("answered", "step2", automation.answered.share or 0.0))
    return [*steps, ("typed", "step3", automation.reacted.share or 0.0)]


# -- agents ------------------------------------------------------------------------------


def _agents(numbers: Numbers, narrow: bool) -> Figure | None:  # noqa: FBT001 - as above
    """Conversations served, and the ratings, of each agent."""
    drawn = [agent for agent in numbers.agents if agent.agent is not None][:MOST_ROWS]
    if not drawn:
        return None
    row, top = (74, 4) if narrow else (34, 30)
    sheet = _Sheet(top + row * len(drawn) + 4, narrow=narrow)
    if narrow:
        served, rated = (4, 250), (4, 250)
    else:
        sheet.text(190, 12, "Conversations served", color=COLOURS["soft"])
        sheet.text(545, 12, "Ratings", color=COLOURS["soft"])
        served, rated = (190, 470), (545, 740)
    most_served = max(agent.conversations for agent in drawn) or 1
    most_rated = max(agent.ratings for agent in drawn) or 1
    for place, agent in enumerate(drawn):
        y = top + row * place
        at = (y + 30, y + 50) if narrow else (y + row / 2, y + row / 2)
        name = plain(agent.name or "", 24)
        if numbers.coverage.accounts > 1:
            name = f"{plain(agent.name or '', 14)}, {plain(agent.account, 14)}"
        sheet.text(4 if narrow else 0, y + 12 if narrow else at[0], name, weight="bold")
        _bar(
            sheet,
            served,
            at[0],
            most_served,
            [("chat", agent.conversations)],
            f"{count(agent.conversations)}{' served' * narrow}",
        )
        parts = [("good", agent.good), ("normal", agent.normal), ("bad", agent.bad)]
        _bar(sheet, rated, at[1], most_rated, parts, _rating(agent, narrow))
    return sheet.figure


def _rating(agent: Agent, narrow: bool) -> str:  # noqa: FBT001 - as above
    if not agent.ratings:
        return "no rating"
    return f"{decimal(agent.average_rating, 1)} of 5{'' if narrow else f', {count(agent.ratings)} rated'}"


def _bar(
    sheet: _Sheet, ends: tuple[float, float], at: float, most: int, parts: Sequence[tuple[str, int]], text: str
) -> None:
    left, right = ends
    axes = sheet.axes(left, at - 7, right, at + 7)
    axes.set_xlim(0, most)
    axes.set_axis_off()
    begun = 0
    for colour, part in parts:
        axes.barh(0, part, left=begun, color=COLOURS[colour])
        begun += part
    sheet.text(left + (right - left) * begun / most + 8, at, text, size=mpl.rcParams["font.size"] * _SMALL)


# -- time --------------------------------------------------------------------------------


def _periods(numbers: Numbers, narrow: bool) -> Figure | None:  # noqa: FBT001 - as above
    """Visitors, and those who had a conversation, by day, week or month."""
    drawn = numbers.periods
    first = drawn[0].period.toordinal()
    places = [each.period.toordinal() - first for each in drawn]
    width = _TO_DATES[numbers.unit]
    ticks = _few(list(zip(places, drawn, strict=True)), 4 if narrow else 8)

    def dated(axes: "Axes") -> None:
        axes.set_xlim(places[0] - width * 0.6, max(places[-1], places[0] + width * 3) + width * 0.6)
        axes.xaxis.set_major_locator(FixedLocator([place for place, _ in ticks]))
        axes.set_xticklabels([_tick(each, numbers.unit) for _, each in ticks])

    panels = [
        ("Visitors", [("other", [each.visitors for each in drawn])]),
        ("Visitors whose conversation began then", [("chat", [each.chatters for each in drawn])]),
    ]
    return _panels(panels, places, width * 0.78, dated, narrow)


def _few(of: list[tuple[int, Period]], most: int) -> list[tuple[int, Period]]:
    return of[:: max(1, -(-len(of) // most))]


def _tick(each: Period, unit: str) -> str:
    return f"{each.period:%m}/{each.period.year}" if unit == "month" else day(each.period, year=False)


def _hours(numbers: Numbers, narrow: bool) -> Figure | None:  # noqa: FBT001 - as above
    """Visits and conversations by the hour at which they begin."""
    drawn: list[Hour] = numbers.hours

    def by_hour(axes: "Axes") -> None:
        axes.set_xlim(-0.7, 23.7)
        axes.xaxis.set_major_locator(FixedLocator(range(0, 24, 6 if narrow else 3)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda hour, _: f"{int(hour)}:00"))

    served = [each.served for each in drawn]
    alone = [each.conversations - each.served for each in drawn]
    panels = [
        ("Visits", [("other", [each.visits for each in drawn])]),
        ("Conversations: with an agent, and without (paler)", [("chat", served), ("pale", alone)]),
    ]
    return _panels(panels, [each.hour for each in drawn], 0.78, by_hour, narrow)


Panel = tuple[str, list[tuple[str, list[int]]]]


def _panels(
    panels: Sequence[Panel],
    places: Sequence[int],
    width: float,
    across: Callable[["Axes"], None],
    narrow: bool,  # noqa: FBT001 - as above
) -> Figure:
    """Panels of bars under one another, with the same places across; the bars of one panel are stacked."""
    each, head, foot = (112, 26, 26) if narrow else (120, 26, 28)
    sheet = _Sheet((head + each + foot) * len(panels), narrow=narrow)
    for number, (title, parts) in enumerate(panels):
        top = (head + each + foot) * number
        sheet.text(4, top + 12, title, color=COLOURS["soft"])
        axes = sheet.axes(40 if narrow else 48, top + head, sheet.width - 4, top + head + each)
        below = [0] * len(places)
        for colour, heights in parts:
            axes.bar(places, heights, width, bottom=below, color=COLOURS[colour])
            below = [low + height for low, height in zip(below, heights, strict=True)]
        axes.set_ylim(0, max(*below, 1) * 1.05)
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        across(axes)
    return sheet.figure


_DRAWN: Final[dict[str, Callable[[Numbers, bool], Figure | None]]] = {
    "goals": _goals,
    "automations": _automations,
    "agents": _agents,
    "periods": _periods,
    "hours": _hours,
}
