"""Drafts: what leaves is what the worker takes, and a fault is told by the sender's own name for it."""

import msgspec
import pytest

from schemas.decoding import MAX_RECORD_BYTES
from schemas.interaction import Fault
from streams.sources.draft import content_id, encoded, identity
from streams.sources.record import At

DRAFT = {
    "type": "agent_joined",
    "interaction_id": "x:1",
    "account_id": At(208, "accountId"),
    "timestamp": At("2026-03-02T09:14:00Z", "sentAt"),
    "session_id": At("s", "chat.id"),
    "agent": {"id": At(3, "from.id"), "name": At("", "from.name")},
}


def made(**fields):
    raw = encoded({**DRAFT, **fields})
    assert isinstance(raw, bytes), raw
    return msgspec.json.decode(raw)


def fault(**fields):
    made = encoded({**DRAFT, **fields})
    assert isinstance(made, Fault), made
    return made


def test_numbers_become_ids_and_a_name_may_be_empty():
    assert made() == {
        "type": "agent_joined",
        "interaction_id": "x:1",
        "account_id": "208",
        "timestamp": "2026-03-02T09:14:00Z",
        "session_id": "s",
        "agent": {"id": "3", "name": ""},
    }


def test_what_is_empty_is_left_out():
    empty = {"user_id": At("", "u"), "page": {"url": At(None, "p"), "title": ""}, "ga": {}, "language": None}
    assert made(**empty) == made()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"timestamp": At("soon", "sentAt")}, "sentAt"),
        ({"timestamp": At(None, "sentAt")}, "sentAt"),
        ({"session_id": At("x" * 257, "chat.id")}, "chat.id"),
        ({"session_id": At(None, "chat.id")}, "chat.id"),
        ({"account_id": At("a/b", "accountId")}, "accountId"),
        ({"account_id": At(1.5, "accountId")}, "accountId"),
        ({"account_id": At(True, "accountId")}, "accountId"),
        ({"agent": {"id": At(None, "from.id"), "name": ""}}, "from.id"),
        ({"agent": {"id": At([], "from.id"), "name": ""}}, "from.id"),
        ({"agent": {"id": "3", "name": At({"first": "Iris"}, "from.name")}}, "from.name"),
        ({"agent": {"id": "3", "name": At(7, "from.name")}}, "from.name"),
        ({"page": {"url": At(7, "href")}}, "href"),
    ],
)
def test_a_fault_is_named_by_its_place_in_the_record(fields, field):
    assert fault(**fields).field == field


def test_without_session_and_visitor_the_one_that_the_format_has_is_named():
    without = {key: value for key, value in DRAFT.items() if key != "session_id"}
    made = encoded({**without, "visitor_id": At(None, "visitor.id")})
    assert isinstance(made, Fault)
    assert made.field == "visitor.id"


@pytest.mark.parametrize("place", ["", "account.id"])
def test_without_an_account_the_mapping_is_named(place):
    told = fault(account_id=At(None, place))
    assert told.field == (place or "$")
    assert "account_id" in told.reason


def test_an_interaction_that_would_be_too_large_is_a_fault():
    told = fault(user_agent=At("x" * MAX_RECORD_BYTES, "userAgent"))
    assert (told.field, told.code) == ("$", "too_large")


def test_an_identity_has_the_format_and_the_kind_before_it_and_is_never_too_long():
    assert identity("chatwoot", "visitor_message", 7, "a") == "chatwoot:visitor_message:7:a"
    long = [identity("chatwoot", "visitor_message", letter * 250) for letter in "ab"]
    assert len(set(long)) == 2
    assert all(each.startswith("chatwoot:visitor_message:") and len(each) <= 256 for each in long)


def test_a_record_is_known_by_what_it_says_however_its_keys_stand():
    assert content_id(At({"a": 1, "b": {"c": 2, "d": 3}}, "")) == content_id(At({"b": {"d": 3, "c": 2}, "a": 1}, ""))
    assert content_id(At({"a": 1}, "")) != content_id(At({"a": 2}, ""))
