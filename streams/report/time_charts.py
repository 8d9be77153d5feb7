"""Charts over time: panels of bars under one another, one for the visitors and one for those who had a conversation."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from streams.report.numbers import Numbers, Period, Unit
from streams.report.sheet import Sheet
from streams.report.svg import COLOURS
from streams.report.texts import day

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["hours", "periods"]

_DAYS: Final[dict[Unit, int]] = {"day": 1, "week": 7, "month": 30}
_BAR: Final = 0.78  # of the place that it has

Stack = list[tuple[str, list[int]]]
"""Heights of bars by colour, the lowest first."""


def periods(numbers: Numbers, *, narrow: bool) -> Sheet:
    """Visitors, and those who had a conversation, by day, week or month."""
    drawn, width = numbers.periods, _DAYS[numbers.unit]
    places = [each.period.toordinal() for each in drawn]
    ticks = _few(drawn, 4 if narrow else 8)

    def dated(axes: "Axes") -> None:
        # So few as to look like a wall are drawn as if there were three.
        axes.set_xlim(places[0] - width * 0.6, max(places[-1], places[0] + 2 * width) + width * 0.6)
        axes.xaxis.set_major_locator(FixedLocator([each.period.toordinal() for each in ticks]))
        axes.set_xticklabels([_tick(each, numbers.unit) for each in ticks])

    panels: list[tuple[str, Stack]] = [
        ("Visitors", [("other", [each.visitors for each in drawn])]),
        ("Visitors whose conversation began then", [("chat", [each.chatters for each in drawn])]),
    ]
    return _panels(panels, places, width, dated, narrow=narrow)


def _few(of: Sequence[Period], most: int) -> Sequence[Period]:
    return of[:: -(-len(of) // most)]


def _tick(each: Period, unit: Unit) -> str:
    return f"{each.period:%m}/{each.period.year}" if unit == "month" else day(each.period, year=False)


def hours(numbers: Numbers, *, narrow: bool) -> Sheet:
    """Visits and conversations by the hour at which they begin."""

    def by_hour(axes: "Axes") -> None:
        axes.set_xlim(-0.7, 23.7)
        axes.xaxis.set_major_locator(FixedLocator(range(0, 24, 6 if narrow else 3)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda hour, _: f"{int(hour)}:00"))

    served = [each.served for each in numbers.hours]
    alone = [each.conversations - each.served for each in numbers.hours]
    panels: list[tuple[str, Stack]] = [
        ("Visits", [("other", [each.visits for each in numbers.hours])]),
        ("Conversations", [("chat", served), ("pale", alone)]),
    ]
    return _panels(panels, [each.hour for each in numbers.hours], 1, by_hour, narrow=narrow)


def _panels(
    panels: Sequence[tuple[str, Stack]],
    places: Sequence[int],
    width: float,
    across: Callable[["Axes"], None],
    *,
    narrow: bool,
) -> Sheet:
    """The same places across in all of them; the bars of one panel are stacked."""
    high, head, foot = (112, 26, 28) if narrow else (120, 26, 30)
    sheet = Sheet((head + high + foot) * len(panels), narrow=narrow)
    for number, (title, stack) in enumerate(panels):
        top = (head + high + foot) * number
        sheet.title(4, top + 12, title)
        axes = sheet.axes(40 if narrow else 48, top + head, sheet.width - 4, top + head + high)
        below = [0] * len(places)
        for colour, heights in stack:
            axes.bar(places, heights, width * _BAR, bottom=below, color=COLOURS[colour])
            below = [low + height for low, height in zip(below, heights, strict=True)]
        axes.set_ylim(0, max(*below, 1) * 1.05)
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        across(axes)
    return sheet
