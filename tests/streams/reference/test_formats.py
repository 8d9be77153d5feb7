"""The page of the raw formats: complete, and nothing on it that the formats do not say."""

import re
import tomllib

import msgspec
import pytest

from schemas.ga_event import LEGACY_NAMES
from streams.reference.formats import KEYS, formats
from streams.sources import FORMATS, Mapping, coverage, mapping_from

PARTS = list(formats())
TABLES = {part[0]: part[1] for part in PARTS if not isinstance(part, str)}


def table_below(heading, head):
    """The rows of the table with that head, below that heading."""
    below = PARTS[PARTS.index(f"## {heading}") :]
    return next(part[1] for part in below if not isinstance(part, str) and part[0] == head)


def test_every_format_stands_there_with_where_it_is_documented_and_how_it_is_signed():
    rows = {row[0].strip("`"): row for row in next(iter(TABLES.values()))}
    assert list(rows) == list(FORMATS)
    for name, (_, what, session, signature, origin) in rows.items():
        assert what.startswith(FORMATS[name].what)
        assert (session, origin) == (FORMATS[name].session, FORMATS[name].origin)
        assert ("account_id" in what) is not FORMATS[name].tells_account
        assert (signature == "none") is (FORMATS[name].signature is None)


def test_the_table_of_events_is_the_coverage_under_a_mapping_that_says_nothing():
    head, rows = next((head, rows) for head, rows in TABLES.items() if head[0] == "event")
    assert head[1:] == tuple(f"`{name}`" for name in FORMATS)
    assert [row[0].strip("`") for row in rows] == list(LEGACY_NAMES)
    marks = {"yes": "yes", "mapping": "with_mapping", "no": "no"}
    for at, each in enumerate(FORMATS.values(), 1):
        covered = coverage(each, Mapping())
        assert {row[0].strip("`"): marks[row[at]] for row in rows} == {
            event: of_event.had for event, of_event in covered.items()
        }


@pytest.mark.parametrize("name", FORMATS)
def test_why_an_event_cannot_be_had_or_what_it_takes_stands_below_its_format(name):
    told = " ".join(row[1] for row in table_below(name, ("not told by itself", "how it can be had, or why not")))
    for covered in coverage(FORMATS[name], Mapping()).values():
        assert all(reason in told for reason in covered.why.split("; "))
    assert table_below(name, ("record", "becomes")) == list(FORMATS[name].records.items())


def test_every_key_of_a_mapping_has_its_meaning():
    keys = [field.name for field in msgspec.structs.fields(Mapping)]
    assert [row[0].strip("`") for row in table_below("The mapping file", ("key", "meaning"))] == keys
    assert set(KEYS) == set(keys)
    assert all(meaning.endswith(".") for meaning in KEYS.values())


def test_the_example_is_a_mapping():
    (example,) = [part for part in PARTS if isinstance(part, str) and part.startswith("```toml")]
    made = mapping_from(tomllib.loads(re.sub(r"```\w*", "", example)))
    assert isinstance(made, Mapping)
    assert made != Mapping()
