"""Charts as a part of the page: Matplotlib's SVG without what a page has no use for. Pure.

Colours become classes, so that the page's style sheet sets them, in the light, in
the dark and in print; fonts are the page's. No style stands in an attribute, as the
page's security policy allows none, and no id is given twice in one page.
"""

import re
from typing import Final
from xml.etree import ElementTree as ET

__all__ = ["COLOURS", "inline"]

COLOURS: Final = {
    name: f"#0000{place:02x}"
    for place, name in enumerate(
        ("ink", "soft", "grid", "track", "chat", "other", "step1", "step2", "step3", "good", "normal", "bad", "pale"), 1
    )
}
"""What a chart is drawn in, by the name of its class in the style sheet: these colours are never seen."""

_NAMES: Final = {colour: name for name, colour in COLOURS.items()}
_KEPT: Final = frozenset(
    {
        "stroke-width",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-dasharray",
        "text-anchor",
        "opacity",
        "stroke-opacity",
        "font-size",
    }
)
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_REFERENCE: Final = re.compile(r"url\(#(?P<id>[^)]+)\)")
_NO_TURN: Final = re.compile(r"rotate\(-?0(?: [^)]*)?\)")


def inline(raw: bytes, name: str, label: str) -> str:
    """The <svg> element of an SVG document. `name` is unique in the page; `label` says what is seen."""
    root = ET.fromstring(raw)  # noqa: S314 - written by Matplotlib a moment ago
    for unused in ("metadata", "defs"):
        for found in root.findall(f"{{*}}{unused}"):
            if found.find("{*}style") is not None or unused == "metadata":
                root.remove(found)
    used = {_target(element) for element in root.iter()} - {None}
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _tidy(element, name, used)
    width, height = root.get("viewBox", "").split()[2:]
    for attribute in list(root.attrib):
        if attribute != "viewBox":
            del root.attrib[attribute]
    root.attrib.update({"width": width, "height": height, "role": "img", "aria-label": label, "class": "chart"})
    return ET.tostring(root, encoding="unicode")


def _target(element: ET.Element) -> str | None:
    """The id that an element refers to."""
    if link := element.get(_LINK):
        return link.removeprefix("#")
    found = _REFERENCE.fullmatch(element.get("clip-path", ""))
    return found and found["id"]


def _tidy(element: ET.Element, name: str, used: set[str | None]) -> None:
    given = element.attrib.pop("id", None)
    if given in used:
        element.set("id", f"{name}-{given}")
    if link := element.attrib.pop(_LINK, None):
        element.set("href", f"#{name}-{link.removeprefix('#')}")
    if clip := _REFERENCE.fullmatch(element.get("clip-path", "")):
        element.set("clip-path", f"url(#{name}-{clip['id']})")
    if _NO_TURN.fullmatch(element.get("transform", "")):
        del element.attrib["transform"]
    _restyle(element)


def _restyle(element: ET.Element) -> None:
    """What stands in `style`, as classes and attributes."""
    style = [part.partition(":") for part in element.attrib.pop("style", "").split(";")]
    classes = []
    for property_, value in ((before.strip(), after.strip()) for before, _, after in style):
        if property_ in {"fill", "stroke"} and value in _NAMES:
            classes.append(f"{property_}-{_NAMES[value]}")
        elif property_ in _KEPT or value == "none":
            element.set(property_, value)
        elif property_ in {"font", "font-weight"}:  # the first is weight, size and family in one
            _font(element, value)
    if classes:
        element.set("class", " ".join(classes))
    elif element.tag == "text":
        element.set("class", "fill-ink")


def _font(element: ET.Element, value: str) -> None:
    if size := re.search(r"([\d.]+)px", value):
        element.set("font-size", f"{size[1]}px")
    if re.search(r"\b(?:bold|[6-9]00)\b", value):
        element.set("font-weight", "600")
