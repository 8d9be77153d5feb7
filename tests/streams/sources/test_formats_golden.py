"""The golden examples of each format, and that its coverage of the 17 events is what comes of them."""

from typing import get_args

import pytest

from schemas.ga_event import EventName
from schemas.interaction import Fault, Unknown
from streams.sources import FORMATS, coverage
from tests.streams.sources.golden import GOLDEN, MAPPINGS, events_of, expected, mapping_of, translated

EACH = pytest.mark.parametrize("name", FORMATS)
UNDER = pytest.mark.parametrize("which", MAPPINGS)


@EACH
@UNDER
def test_each_record_becomes_what_is_expected_and_so_do_its_events(name, which):
    """After a change on purpose: `python -m tests.streams.sources.golden`, and look at the difference."""
    for file, content in expected(name, which).items():
        assert content.decode() == (GOLDEN / name / file).read_text(encoding="utf-8"), file


@EACH
@UNDER
def test_exactly_the_events_that_are_told_to_be_had_come(name, which):
    mapping = mapping_of(name, which)
    come = {event.name for event in events_of(translated(name, mapping))}
    assert come == {event for event, covered in coverage(FORMATS[name], mapping).items() if covered.had == "yes"}


@EACH
def test_with_a_mapping_every_event_comes_but_those_that_cannot(name):
    mapped = coverage(FORMATS[name], mapping_of(name, "mapped"))
    plain = coverage(FORMATS[name], mapping_of(name, "plain"))
    assert set(mapped) == set(get_args(EventName))
    assert {event for event, covered in mapped.items() if covered.had == "no"} == {
        event for event, covered in plain.items() if covered.had == "no"
    }
    assert "with_mapping" not in {covered.had for covered in mapped.values()}


@EACH
def test_the_examples_hold_records_of_each_outcome(name):
    outcomes = {type(each) for each in translated(name, mapping_of(name, "mapped"))}
    # All of a chat in one record: there is no type of record to be unknown.
    assert outcomes == {tuple, Fault} | (set() if name == "smartsupp-hook-post" else {Unknown})


@EACH
@UNDER
def test_records_that_are_sent_again_change_no_event(name, which):
    made = translated(name, mapping_of(name, which))
    again = [each for records in made for each in (records, records)]
    assert events_of(again) == events_of(made) == events_of([*made, *made])
