"""CONTRACT §2: the form of an event on the topic."""

import json

import msgspec
import pytest
from hypothesis import given

from schemas.ga_event import CATEGORY, LEGACY_CATEGORY, Consent, GaEvent, decode_event, encode_event
from tests.strategies import examples, histories
from tests.streams.attribution.builders import BOT, all_events, decisions_on, form, sent

FIELDS = [
    *("event_id", "name", "category", "label", "value", "account_id", "session_id", "conversation_id"),
    *("timestamp_micros", "client_id", "user_id", "page", "user_agent", "language", "consent", "trackers"),
    *("automation", "caused_by", "rules_version"),
]


def test_an_event_is_one_json_object_of_the_contracts_fields_in_their_order():
    (event,) = all_events([form()])
    assert list(json.loads(encode_event(event))) == FIELDS


def test_what_is_not_known_is_null_and_not_left_out():
    (event,) = all_events([form()])
    written = json.loads(encode_event(event))
    absent = ["label", "value", "conversation_id", "user_id", "page", "user_agent", "language", "automation"]
    assert [written[name] for name in absent] == [None] * len(absent)
    assert written["consent"] == {"analytics": None, "marketing": None}
    assert written["trackers"] == []


def test_what_is_known_has_the_contracts_form():
    page = {"url": "/a", "title": "A", "referrer": None, "measurement_ids": ["G-A"]}
    (event,) = all_events(
        [sent(BOT, page=page, ga={"session_id": "7"}, consent={"analytics": True}, interaction_id="i")]
    )
    written = json.loads(encode_event(event))
    assert written["page"] == {"url": "/a", "title": "A", "referrer": None}
    assert written["consent"] == {"analytics": True, "marketing": None}
    assert written["trackers"] == [{"id": "G-A", "session_id": "7"}]
    assert written["automation"] == {"kind": "chatbot", "id": "bot", "name": "Bot", "run_id": None}
    assert written["caused_by"] == ["i"]


@examples(100)
@given(histories())
def test_an_event_survives_encoding_byte_for_byte(history):
    for decision in decisions_on(history):
        for event in decision.events:
            assert decode_event(encode_event(event)) == event
            assert encode_event(decode_event(encode_event(event))) == encode_event(event)


def test_categories():
    assert (CATEGORY, LEGACY_CATEGORY) == ("Smartsupp_v3", "Smartsupp")


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b'{"event_id": "x"}', b"\xff"], ids=repr)
def test_what_is_no_event_is_refused(value):
    with pytest.raises(msgspec.DecodeError):
        decode_event(value)


def test_an_event_of_an_unknown_name_is_refused():
    (event,) = all_events([form()])
    with pytest.raises(msgspec.ValidationError, match="name"):
        decode_event(encode_event(msgspec.structs.replace(event, name="Something_else")))


def test_an_event_cannot_be_changed():
    (event,) = all_events([form()])
    with pytest.raises(AttributeError):
        event.label = "x"
    with pytest.raises(AttributeError):
        event.consent.analytics = True
    assert isinstance(event, GaEvent)
    assert isinstance(event.consent, Consent)
