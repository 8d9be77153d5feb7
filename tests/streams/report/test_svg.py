"""SVG in the page: no style in attributes, no id twice, letters that stay letters."""

import io
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from streams.report.svg import COLOURS, inline


@pytest.fixture(scope="module")
def raw():
    with mpl.rc_context({"svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=(5, 3))
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], "o-", color=COLOURS["chat"], linewidth=3)
        axes.bar([0], [1], color=COLOURS["other"])
        axes.text(0.5, 0.5, "<b>&bold</b>", weight="bold", size=9)
        axes.text(0.5, 0.2, "turned", rotation=90, color=COLOURS["soft"])
        written = io.BytesIO()
        figure.savefig(written, format="svg", transparent=True)
    return written.getvalue()


def test_colours_are_classes_and_no_style_is_left(raw):
    text = inline(raw, "a", "A chart")
    assert "style" not in text
    assert "font-family" not in text
    root = ET.fromstring(text)
    classes = {name for element in root.iter() for name in element.get("class", "").split()}
    assert {"fill-chat", "stroke-chat", "fill-other", "fill-soft", "fill-ink", "chart"} <= classes
    assert any(element.get("stroke-width") == "3" for element in root.iter())


def test_letters_stay_letters_and_are_escaped(raw):
    texts = {element.text: element for element in ET.fromstring(inline(raw, "a", "A chart")).iter("text")}
    bold = texts["<b>&bold</b>"]
    assert (bold.get("font-weight"), bold.get("font-size")) == ("600", "9px")
    assert "rotate(-90" in texts["turned"].get("transform")
    assert bold.get("transform") is None, "what is not turned need not say so"


def test_ids_are_the_chart_s_own_and_every_reference_is_there(raw):
    one, other = (ET.fromstring(inline(raw, name, "A chart")) for name in ("one", "other"))

    def ids(root):
        return {element.get("id") for element in root.iter()} - {None}

    assert ids(one)
    assert ids(one).isdisjoint(ids(other))
    links = {value for element in one.iter() for name, value in element.items() if name in {"href", "clip-path"}}
    assert {link.removeprefix("url(").strip("#)") for link in links} == ids(one)


def test_it_says_what_is_seen_and_how_large_it_is(raw):
    root = ET.fromstring(inline(raw, "a", 'A "chart"'))
    assert (root.tag, root.get("role"), root.get("aria-label")) == ("svg", "img", 'A "chart"')
    assert (root.get("viewBox"), root.get("width"), root.get("height")) == ("0 0 360 216", "360", "216")
    assert root.find("metadata") is None
