"""The sheet: places are pixels, letters are letters, and a drawing is the same each time."""

import warnings
from xml.etree import ElementTree as ET

import matplotlib as mpl

from streams.report.sheet import Sheet, drawing

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text="A name", *, narrow=False):
    with drawing(narrow=narrow):
        sheet = Sheet(100, narrow=narrow)
        sheet.name(10, 40, text)
        axes = sheet.axes(20, 30, 120, 80)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_axis_off()
        axes.barh(0.5, 1, height=1, color="#123456")
        return sheet.svg()


def test_places_are_pixels_from_the_upper_left_corner():
    root = ET.fromstring(drawn())
    assert root.get("viewBox") == "0 0 860 100"
    (text,) = root.iter(f"{SVG}text")
    assert float(text.get("x")) == 10
    path = next(path for path in root.iter(f"{SVG}path") if "#123456" in path.get("style", ""))
    places = [round(float(word)) for word in path.get("d").split() if word not in {"M", "L", "z"}]
    assert (min(places[::2]), max(places[::2]), min(places[1::2]), max(places[1::2])) == (20, 120, 30, 80)


def test_letters_are_of_one_size_at_either_width():
    sizes = {narrow: ET.fromstring(drawn(narrow=narrow)) for narrow in (False, True)}
    assert [sizes[narrow].get("viewBox").split()[2] for narrow in (False, True)] == ["860", "340"]
    for narrow, size in ((False, "13px"), (True, "12px")):
        (text,) = sizes[narrow].iter(f"{SVG}text")
        assert size in text.get("style")


def test_a_name_is_no_formula_and_needs_no_font():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        root = ET.fromstring(drawn("$x^2$ 名前"))
    assert [text.text for text in root.iter(f"{SVG}text")] == ["$x^2$ 名前"]


def test_a_drawing_is_the_same_each_time_and_leaves_settings_as_they_were():
    before = dict(mpl.rcParams)
    assert drawn() == drawn()
    assert dict(mpl.rcParams) == before
