"""The page: one HTML file that needs nothing else. No script, nothing from elsewhere, every text escaped.

Its security policy allows its own style sheet, by its hash, and nothing more: a name
that got through unescaped could still neither run nor fetch anything.
"""

from base64 import b64encode
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from streams.report import texts
from streams.report.errors import WithoutExtra
from streams.report.meanings import MEANINGS, notices
from streams.report.numbers import Goal, Numbers
from streams.report.page_tables import page_tables

__all__ = ["check_installed", "page"]

_NEEDED: Final = {"jinja2": "Jinja2", "matplotlib": "Matplotlib"}
_TEMPLATES: Final = Path(__file__).parent / "templates"
_LABELS: Final = {
    "goals": "Chart: share of visitors who reached each goal, of those who chatted and everyone else, with intervals",
    "automations": "Chart: share of the runs of each automation that were viewed, answered and answered by typing",
    "agents": "Chart: conversations served and ratings of each agent",
    "periods": "Chart: visitors, and visitors whose conversation began then, over time",
    "hours": "Chart: visits and conversations by hour of the day",
}


def check_installed() -> None:
    """Raises WithoutExtra where the page's packages are not there: better before the replay than after it."""
    missing = tuple(name for module, name in _NEEDED.items() if find_spec(module) is None)
    if missing:
        raise WithoutExtra(missing)


def page(numbers: Numbers) -> bytes:
    """The whole page. The same numbers give the same bytes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - in the extra `report`
    from markupsafe import Markup  # noqa: PLC0415 - as above

    from streams.report.charts import MOST_ROWS  # noqa: PLC0415 - Matplotlib is in the extra, too

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({each.__name__: each for each in (texts.count, texts.decimal, texts.interval)})
    environment.filters.update({each.__name__: each for each in (texts.moment, texts.percent, texts.plain)})
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    whole = environment.get_template("report.html").render(
        numbers=numbers,
        style=Markup(style),  # noqa: S704 - ours, a file beside this one
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        charts={key: _chart(key, numbers, Markup) for key in _LABELS},
        notices=notices(numbers),
        meanings=MEANINGS.items(),
        tables=page_tables(numbers),
        reading=_reading(numbers.goals),
        charted=MOST_ROWS,
        several=numbers.coverage.accounts > 1,
        version=version("chat2ga"),
    )
    return whole.encode()


def _chart(key: str, numbers: Numbers, markup: Any) -> Any:  # noqa: ANN401 - markupsafe's class, and what it makes
    """Both drawings of a chart, or None."""
    from streams.report.charts import draw  # noqa: PLC0415 - Matplotlib is in the extra `report`

    drawn = [draw(key, numbers, narrow=narrow, label=_LABELS[key]) for narrow in (False, True)]
    return None if drawn[0] is None else [markup(each) for each in drawn]


def _reading(goals: list[Goal]) -> str | None:
    """The comparison over all goals in a sentence that claims nothing about causes."""
    if not goals or goals[0].chatters.converted.share is None or goals[0].others.converted.share is None:
        return None
    overall = goals[0]
    apart = overall.difference
    said = (
        f"{texts.percent(overall.chatters.converted.share)} of those who chatted reached a goal, and "
        f"{texts.percent(overall.others.converted.share)} of everyone else: {texts.points(apart.difference)} "
        f"(95\N{NO-BREAK SPACE}% interval {texts.points_interval(apart)})."
    )
    if not apart.clear:
        return f"{said} The interval holds zero: the difference may be chance."
    return f"{said} That is more than chance alone would often give; it does not say why."
