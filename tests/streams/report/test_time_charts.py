"""Charts over time: a bar for each day, week or month, and for each hour, as high as its number."""

from xml.etree import ElementTree as ET

import pytest

from streams.report.charts import draw
from tests.streams.report.reports import numbers_of, said


def bars(key, numbers, colour):
    """(left, height, top) of each bar that has a height."""
    svg = ET.fromstring(draw(key, numbers, narrow=False, label=""))
    found = []
    for path in svg.iter("path"):
        if path.get("class") != f"fill-{colour}":
            continue
        words = path.get("d").split()
        xs, ys = ([float(word) for word in words[start::3] if word != "z"] for start in (1, 2))
        if max(ys) > min(ys):
            found.append((min(xs), max(ys) - min(ys), min(ys)))
    return found


def texts(key, numbers, *, narrow=False):
    return [each.text for each in ET.fromstring(draw(key, numbers, narrow=narrow, label="")).iter("text")]


def test_days_stand_where_they_are_and_are_as_high_as_their_visitors():
    records = [
        said("page_viewed", day * 86_400 + n, visitor=f"{day}-{n}")
        for day, visitors in ((0, 1), (1, 4), (9, 2))
        for n in range(visitors)
    ]
    (first, one, _), (second, four, _), (last, two, _) = bars("periods", numbers_of(records), "other")
    assert (four / one, two / one) == (pytest.approx(4), pytest.approx(2))
    assert (last - first) / (second - first) == pytest.approx(9), "a day without visitors has its place"


def test_hours_show_conversations_with_an_agent_and_without():
    records = [said("visitor_message", n, visitor=f"v{n}") for n in range(3)]
    records += [said("agent_joined", 10, visitor="v0", agent={"id": "a", "name": "A"})]
    numbers = numbers_of(records)
    ((_, served, top),) = bars("hours", numbers, "chat")
    ((_, alone, top_of_all),) = bars("hours", numbers, "pale")
    assert alone / served == pytest.approx(2)
    assert top_of_all + alone == pytest.approx(top), "one stands on the other"


@pytest.mark.parametrize(("last", "ticks"), [(30, {"5 Jan"}), (200, {"5 Jan"}), (900, {"01/2026", "06/2028"})])
@pytest.mark.parametrize("narrow", [False, True])
def test_dates_are_few_enough_to_be_read(last, ticks, narrow):
    records = [said("page_viewed", day * 86_400, visitor=f"v{day}", session=f"s{day}") for day in range(0, last, 1)]
    shown = [text for text in texts("periods", numbers_of(records), narrow=narrow) if text.strip()]
    dates = [text.replace("\N{NO-BREAK SPACE}", " ") for text in shown if not text[0].isalpha() and not text.isdigit()]
    assert next(iter(ticks)) in dates or ticks & set(dates)
    assert len(dates) / 2 <= (4 if narrow else 8), "two panels"


def test_a_single_day_is_no_wall():
    (bar,) = bars("periods", numbers_of([said("page_viewed")]), "other")
    assert bar[0] > 0
    svg = ET.fromstring(draw("periods", numbers_of([said("page_viewed")]), narrow=False, label=""))
    path = next(path for path in svg.iter("path") if path.get("class") == "fill-other")
    xs = [float(word) for word in path.get("d").split()[1::3] if word != "z"]
    assert max(xs) - min(xs) < 860 / 3
