"""Charts for docs/performance.md, as SVG: from the result in the repository, the same to the byte each time.

    python -m benchmarks.charts      (in the environment of benchmarks/constraints.txt, which has Matplotlib)

SVG by Matplotlib and not Mermaid's charts, which draw neither spreads nor a logarithmic axis:
between a p50 and a p99.9 lie powers of ten.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.figures import spread
from benchmarks.published import CHARTS, PAGE, RESULT
from benchmarks.tables import Row, of_json

__all__ = ["draw"]

OURS: Final = "#1f6feb"
OTHERS: Final = "#9aa4b2"
_WIDTH: Final = 8.0
_ROW: Final = 0.42
_FROM: Final = "chat2ga"


def main() -> None:
    """Draw every chart whose table has figures, and leave no other."""
    mpl.rcParams.update({"svg.hashsalt": "chat2ga", "svg.fonttype": "none", "font.size": 10})
    directory = PAGE.parent / "charts"
    directory.mkdir(exist_ok=True)
    for old in directory.glob("*.svg"):
        old.unlink()
    for table in of_json(RESULT.read_bytes()).tables:
        rows = [row for row in table.rows if row.figures]
        if table.key in CHARTS and rows:
            figure = draw(table.key, rows)
            figure.savefig(directory / f"{table.key}.svg", metadata={"Date": None}, bbox_inches="tight")


def draw(key: str, rows: Sequence[Row]) -> Any:  # noqa: ANN401 - Matplotlib comes without types
    """The chart of a table."""
    return DRAWN[key](rows)


def _rates(rows: Sequence[Row]) -> Any:  # noqa: ANN401 - as above
    """Bars with their spread, the fastest above."""
    figure = Figure(figsize=(_WIDTH, 1 + _ROW * len(rows)))
    axes = figure.add_subplot()
    ordered = sorted(rows, key=lambda row: spread(row.figures["records_per_s"]).median)
    of = [spread(row.figures["records_per_s"]) for row in ordered]
    medians = [each.median for each in of]
    errors = [[each.median - each.least for each in of], [each.most - each.median for each in of]]
    colours = [OURS if row.name.startswith(_FROM) else OTHERS for row in ordered]
    bars = axes.barh([row.name for row in ordered], medians, xerr=errors, color=colours, ecolor="#57606a", capsize=3)
    axes.bar_label(bars, labels=[f"{each:,.0f}" for each in medians], padding=6)
    axes.set_xlim(0, max(each.most for each in of) * 1.15)
    return _plain(figure, axes, "records a second")


def _latency(rows: Sequence[Row]) -> Any:  # noqa: ANN401 - as above
    """From p50 to p99.9 on a logarithmic scale, p99 as the point."""
    figure = Figure(figsize=(_WIDTH, 1 + _ROW * 0.75 * len(rows)))
    axes = figure.add_subplot()
    for row in reversed(rows):
        low, point, high = (spread(row.figures[f"p{share}_ms"]).median for share in ("50", "99", "99.9"))
        colour = OURS if row.name.startswith(_FROM) else OTHERS
        axes.plot([max(low, 1), max(high, 1)], [row.name] * 2, color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot([max(point, 1)], [row.name], "o", color=colour)
    axes.set_xscale("log")
    return _plain(figure, axes, "ms from append to reading: p50 to p99.9, the point is p99")


def _growth(rows: Sequence[Row]) -> Any:  # noqa: ANN401 - as above
    """Rate and memory side by side."""
    figure = Figure(figsize=(_WIDTH, 3))
    for place, (key, what) in enumerate((("records_per_s", "records a second"), ("resident_mib", "memory, MiB")), 1):
        axes = figure.add_subplot(1, 2, place)
        axes.bar([row.name for row in rows], [spread(row.figures[key]).median for row in rows], color=OURS)
        axes.set_xlabel("live sessions")
        axes.set_title(what, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _plain(figure: Any, axes: Any, what: str) -> Any:  # noqa: ANN401 - as above
    axes.set_xlabel(what)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


DRAWN: Final[Mapping[str, Callable[[Sequence[Row]], Any]]] = {
    "throughput_full": _rates,
    "throughput_counting": _rates,
    "scaling": _rates,
    "latency": _latency,
    "growth": _growth,
}

if __name__ == "__main__":
    main()
