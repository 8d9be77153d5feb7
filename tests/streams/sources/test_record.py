"""Walking a raw record: each value with the path at which it stands."""

import pytest

from schemas.interaction import Fault
from streams.sources.record import At, first, read

RECORD = At({"a": {"b": [{"c": 1}, "x"]}, "n": None, "e": "", "i": 7, "f": 1.5, "t": True}, "")


@pytest.mark.parametrize(
    ("way", "value", "path"),
    [
        (("a", "b", 0, "c"), 1, "a.b.0.c"),
        (("a", "b", 1), "x", "a.b.1"),
        (("a", "b", 2), None, "a.b.2"),
        (("a", 0), None, "a.0"),
        (("i", "x"), None, "i.x"),
        (("a", "b", "c"), None, "a.b.c"),
        (("n",), None, "n"),
        (("missing", "far", 3), None, "missing.far.3"),
    ],
)
def test_a_way_in_leads_to_a_value_or_to_nothing_and_always_to_a_path(way, value, path):
    assert RECORD.at(*way) == At(value, path)


def test_the_elements_of_a_list_and_of_nothing_else():
    assert RECORD.at("a", "b").items() == [At({"c": 1}, "a.b.0"), At("x", "a.b.1")]
    assert RECORD.at("a").items() == RECORD.at("i").items() == RECORD.at("n").items() == []


def test_what_is_a_text_and_what_is_an_id():
    assert [RECORD.at(name).text for name in "aneift"] == [None] * 6
    assert RECORD.at("a", "b", 1).text == "x"
    assert [RECORD.at(name).id for name in "aneift"] == [None, None, None, "7", None, None]


def test_what_is_true():
    assert [RECORD.at(name).truth() for name in "nt"] == [False, True]
    assert RECORD.at("i").truth() == Fault("i", "Expected true or false")


def test_the_first_that_holds_anything_and_of_none_the_first():
    nothing, empty, text = RECORD.at("n"), RECORD.at("e"), RECORD.at("a", "b", 1)
    assert first(nothing, empty, text) == text
    assert first(nothing, empty) == nothing
    assert first(At(0, "zero"), text) == At(0, "zero")


def test_an_object_is_read_and_of_a_key_given_twice_the_last():
    assert read(b' {"a": 1, "a": 2}') == At({"a": 2}, "")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_json"),
        (b'{"a": "\xff"}', "not_json"),
        (b'{"a": "\\ud800"}', "not_json"),
        (b'{"a": 1e999}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[1]", "not_object"),
        (b"null", "not_object"),
        (b" " * 1_048_577, "too_large"),
    ],
)
def test_what_cannot_be_read_is_a_fault_of_the_record(raw, code):
    fault = read(raw)
    assert isinstance(fault, Fault)
    assert (fault.field, fault.code) == ("$", code)
