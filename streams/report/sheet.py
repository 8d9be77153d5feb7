"""A sheet to draw a chart on: Matplotlib's figure with places in pixels, and this report's colours and letters."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from warnings import catch_warnings, filterwarnings

import matplotlib as mpl
from matplotlib.figure import Figure

from streams.report.svg import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Sheet", "drawing"]

_WIDE: Final = 860
_NARROW: Final = 340
_FONT: Final = {False: 13.0, True: 12.0}
_SMALL: Final = 0.9
_POINTS: Final = 72  # an inch, so that a unit of the drawing is a pixel
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.hashsalt": "chat2ga",
    "svg.fonttype": "none",  # letters stay letters: they are read aloud, searched and copied
    "text.parse_math": False,  # a name may hold dollars
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["grid"],
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 1,
}


@contextmanager
def drawing(*, narrow: bool) -> Iterator[None]:
    """While charts are drawn: nothing of the caller's settings, and no warning of letters that a font has not.

    Letters of all scripts are measured with the font at hand; those of the page draw them.
    """
    with mpl.rc_context(_SETTINGS | {"font.size": _FONT[narrow]}), catch_warnings():
        filterwarnings("ignore", message="Glyph")
        yield


class Sheet:
    """A figure whose places are pixels from its upper left corner."""

    def __init__(self, height: float, *, narrow: bool) -> None:
        self.width: Final = _NARROW if narrow else _WIDE
        self.height: Final = height
        self._small: Final = _FONT[narrow] * _SMALL
        self._figure: Final = Figure(figsize=(self.width / _POINTS, height / _POINTS), dpi=_POINTS)

    def axes(self, left: float, top: float, right: float, bottom: float) -> "Axes":
        """Axes between these places, without a frame."""
        axes = self._figure.add_axes(
            (left / self.width, 1 - bottom / self.height, (right - left) / self.width, (bottom - top) / self.height)
        )
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, pad=6)
        axes.set_facecolor("none")
        return axes

    def name(self, x: float, y: float, text: str, *, right: bool = False) -> None:
        """What a row is of, from `x` on, or up to it; its middle line is at `y`."""
        self._text(x, y, text, weight="bold", ha="right" if right else "left")

    def small(self, x: float, y: float, text: str, *, soft: bool = False, right: bool = False) -> None:
        """A smaller text; a soft one stands behind the others."""
        colour = COLOURS["soft" if soft else "ink"]
        self._text(x, y, text, size=self._small, color=colour, ha="right" if right else "left")

    def title(self, x: float, y: float, text: str) -> None:
        """What a part of the chart shows."""
        self._text(x, y, text, color=COLOURS["soft"])

    def _text(self, x: float, y: float, text: str, **how: Any) -> None:  # noqa: ANN401 - what a text of Matplotlib takes
        self._figure.text(x / self.width, 1 - y / self.height, text, va="center", **how)

    def svg(self) -> bytes:
        """The drawing, the same to the byte each time."""
        written = BytesIO()
        self._figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
        return written.getvalue()
