"""Raw records of tests in a word each, and what a format makes of them."""

from typing import Any

import msgspec

from schemas.interaction import Fault, Unknown
from streams.sources import FORMATS, Mapping, mapping_from

Record = dict[str, Any]


def mapping(**table: Any) -> Mapping:
    """The mapping of such a file."""
    made = mapping_from(table)
    assert isinstance(made, Mapping), made
    return made


def told(name: str, record: Record, **table: Any) -> list[Record]:
    """The interactions that come of a record."""
    made = FORMATS[name].translate(msgspec.json.encode(record), mapping(**table))
    assert isinstance(made, tuple), made
    return [msgspec.json.decode(raw) for raw in made]


def types(name: str, record: Record, **table: Any) -> list[str]:
    """The types of the interactions that come of a record."""
    return [each["type"] for each in told(name, record, **table)]


def fault(name: str, record: Record, **table: Any) -> str:
    """The field at fault in a record."""
    made = FORMATS[name].translate(msgspec.json.encode(record), mapping(**table))
    assert isinstance(made, Fault), made
    assert made.reason
    return made.field


def unknown(name: str, record: Record, **table: Any) -> str:
    """The type of a record that says nothing."""
    made = FORMATS[name].translate(msgspec.json.encode(record), mapping(**table))
    assert isinstance(made, Unknown), made
    return made.type
