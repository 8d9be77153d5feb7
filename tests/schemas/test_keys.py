"""Faults of a table of settings: all of them, each with its key, none with the value."""

from typing import Annotated, Literal

import msgspec
import pytest

from schemas.keys import KeyFault, checked


class Table(msgspec.Struct, frozen=True):
    word: Literal["one", "two"] = "one"
    number: int = 1


KNOWN = ("word", "number")


def test_what_fits_is_kept_and_every_fault_of_the_rest_is_told():
    given = {"word": "three", "number": 5, "other": 1}
    good, faults = checked(Table, given, "", KNOWN)
    assert good == {"number": 5}
    assert faults == [
        KeyFault("word", "Expected one of one, two"),
        KeyFault("other", "Unknown setting; known are word, number"),
    ]


@pytest.mark.parametrize("given", [{"grades": {"a": 4}}, {"grade": 4}])
def test_values_are_listed_also_where_they_stand_within(given):
    class Grades(msgspec.Struct, frozen=True):
        grade: Literal[5, 3, 1] | None = None
        grades: dict[str, Annotated[Literal[5, 3, 1], msgspec.Meta(description="of a visit")]] = {}

    (fault,) = checked(Grades, given, "", Grades.__struct_fields__)[1]
    assert fault.reason == "Expected one of 5, 3, 1"


def test_a_key_says_where_its_table_stands():
    assert [fault.key for fault in checked(Table, {"number": "x"}, "accounts.acme", KNOWN)[1]] == [
        "accounts.acme.number"
    ]


def test_a_fault_says_what_was_expected_and_never_the_value():
    _, faults = checked(Table, {"word": "s3cret", "number": "s3cret"}, "", KNOWN)
    assert len(faults) == 2
    assert "s3cret" not in repr(faults)
    assert "int" in faults[1].reason


def test_a_field_of_the_struct_that_is_no_setting_is_unknown():
    assert checked(Table, {"number": 5}, "", ("word",)) == ({}, [KeyFault("number", "Unknown setting; known are word")])
