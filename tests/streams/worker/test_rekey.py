"""What the re-keying agent makes of a record."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.interaction import Fault, Unknown
from schemas.options import Options
from streams.attribution import RuleBook
from streams.worker.rekey import rekeyed

NOON = "2026-01-31T12:00:00Z"
NOON_MS = 1_769_860_800_000
TYPED = {"type": "box_opened", "interaction_id": "i1", "account_id": "acme", "session_id": "s", "timestamp": NOON}


def test_a_record_goes_on_byte_for_byte_under_its_sessions_key():
    raw = b"  " + json.dumps(TYPED | {"not_in_the_contract": [1]}, indent=1).encode() + b"\n"
    assert rekeyed(raw, RuleBook(), NOON_MS) == ((b"acme/s/s", raw),)


def test_the_key_is_the_visitors_where_no_session_is_told():
    raw = json.dumps({**TYPED, "session_id": None, "visitor_id": "v"}).encode()
    ((key, _),) = rekeyed(raw, RuleBook(), NOON_MS)
    assert key == b"acme/v/v"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(None, "empty", id="no value"),
        pytest.param(b"{", "not_json", id="no JSON"),
        pytest.param(json.dumps(TYPED | {"timestamp": "2026-02-01T00:00:00Z"}).encode(), "ahead", id="of the future"),
    ],
)
def test_what_is_wrong_is_a_fault(raw, code):
    assert rekeyed(raw, RuleBook(), NOON_MS).code == code


def test_an_unknown_type_has_no_key_and_is_a_fault_where_the_options_say_so():
    raw = json.dumps(TYPED | {"type": "of_tomorrow"}).encode()
    assert isinstance(rekeyed(raw, RuleBook(), NOON_MS), Unknown)
    assert isinstance(rekeyed(raw, RuleBook(Options(unknown_types="dead_letter")), NOON_MS), Fault)


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda any_: json.dumps(any_).encode())
)
def test_whatever_comes_is_one_record_or_a_reason(raw):
    found = rekeyed(raw, RuleBook(), NOON_MS)
    assert isinstance(found, (Fault, Unknown)) or [each.value for each in found] == [raw]
