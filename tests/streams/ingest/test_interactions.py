"""What a body holds: all of it is taken, or what is wrong is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoding import MAX_RECORD_BYTES
from schemas.options import Options
from streams.attribution import RuleBook
from streams.ingest import Endpoint, Served
from streams.ingest.interactions import Refused, Taken, interactions_in
from streams.sources import FORMATS, Mapping
from tests.streams.ingest.signing import NOW_MS, interaction, webhook

RAW = Served(Endpoint(format="interaction", open=True), None, Mapping())
SMARTSUPP = Served(Endpoint(format="smartsupp-webhook"), FORMATS["smartsupp-webhook"], Mapping())


def taken(body, served=RAW, rules=None, arrived_ms=NOW_MS):
    return interactions_in(body, served, rules or RuleBook(), arrived_ms)


def lines(*records):
    return b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in records)


def test_one_object_over_as_many_lines_as_it_likes_is_one_interaction():
    body = json.dumps(interaction(), indent=2).encode()
    assert taken(body + b"\n") == taken(body) == Taken([(b"acme/s/s1", body)], 0)


def test_several_stand_in_a_line_each():
    body = lines(interaction(1, "s1"), b"", interaction(2, "s2"), b"  \r", interaction(3, "s1")) + b"\r\n"
    found = taken(body)
    assert [key for key, _ in found.keyed] == [b"acme/s/s1", b"acme/s/s2", b"acme/s/s1"]
    assert [json.loads(value)["interaction_id"] for _, value in found.keyed] == ["i1", "i2", "i3"]


@given(st.lists(st.sampled_from(["s1", "s2", "unknown"]), min_size=1, max_size=20))
def test_every_line_is_taken_in_order_or_counted(sessions):
    records = [
        interaction(n, each, **({"type": "other"} if each == "unknown" else {})) for n, each in enumerate(sessions)
    ]
    found = taken(lines(*records))
    assert [key.decode().rpartition("/")[2] for key, _ in found.keyed] == [
        each for each in sessions if each != "unknown"
    ]
    assert found.unknown == sessions.count("unknown")


@pytest.mark.parametrize(
    ("body", "field", "code", "line"),
    [
        pytest.param(b"", "$", "not_json", None, id="nothing"),
        pytest.param(b"\n \n", "$", "not_json", None, id="nothing but white space"),
        pytest.param(b"\xff", "$", "not_json", None, id="no text"),
        pytest.param(b"[1]", "$", "not_object", None, id="no object"),
        pytest.param(lines(interaction(session_id=5)), "session_id", "invalid", None, id="a wrong field"),
        pytest.param(lines(interaction(timestamp=NOW_MS + 7_200_000)), "timestamp", "ahead", None, id="of the future"),
        pytest.param(lines(interaction(), {"type": "box_opened"}), "account_id", "invalid", 2, id="the second line"),
        pytest.param(lines(interaction(), b"", b"{"), "$", "not_json", 3, id="a line that is not whole"),
        pytest.param(lines(b"{", interaction()), "$", "not_json", 1, id="the first line"),
        pytest.param(lines(interaction(), b"5"), "$", "not_object", 2, id="a line that is no object"),
    ],
)
def test_what_is_wrong_is_told_with_its_field_and_its_line(body, field, code, line):
    found = taken(body)
    assert isinstance(found, Refused)
    assert (found.fault.field, found.fault.code, found.line) == (field, code, line)


def test_an_interaction_may_be_as_large_as_a_record_and_a_body_larger():
    big = interaction(text="x" * (MAX_RECORD_BYTES - 1_000))
    assert len(taken(lines(big, big)).keyed) == 2
    (fault, line) = taken(lines(big, interaction(text="x" * MAX_RECORD_BYTES)))
    assert (fault.code, line) == ("too_large", 2)


def test_an_unknown_type_is_a_fault_where_the_options_say_so():
    body = lines(interaction(type="other"))
    assert taken(body) == Taken([], 1)
    assert taken(body, rules=RuleBook(Options(unknown_types="dead_letter"))).fault.code == "unknown_type"


def test_a_webhook_is_translated():
    ((key, value),) = taken(webhook(), SMARTSUPP).keyed
    assert key == b"acme/s/c1"
    assert json.loads(value)["type"] == "visitor_message"


def test_a_webhook_that_says_nothing_of_interest_gives_nothing():
    assert taken(webhook(event="contact.acquired"), SMARTSUPP) == Taken([], 1)


def test_a_webhook_that_is_none_is_told_by_the_senders_own_name_of_the_field():
    found = taken(webhook(account_id=5.5), SMARTSUPP)
    assert (found.fault.field, found.line) == ("account_id", None)


@given(st.binary(max_size=300))
def test_whatever_comes_is_taken_or_refused(body):
    for served in (RAW, SMARTSUPP):
        assert isinstance(taken(body, served), Refused)
