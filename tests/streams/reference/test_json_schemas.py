"""JSON Schemas: they say what the decoder enforces, as far as a schema can."""

import json
import re
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.dead_letter import DeadLetter
from schemas.decoding import decode_interaction
from schemas.ga_event import encode_event
from schemas.interaction import Fault, Unknown
from schemas.receipt import Receipt
from streams.attribution import RuleBook, step
from streams.reference.json_schemas import json_schemas
from tests.schemas.records import encoded, interactions, nearly_interactions, struct

ANY_TIME = 1 << 62
SCHEMAS = json_schemas()
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
INTERACTION = VALIDATORS["chat-interactions.schema.json"]


def only_a_decoder_can_say(record, fault):
    """What the docstring of the module lists."""
    at_fault = record.get(fault.field)
    if isinstance(at_fault, float):
        return at_fault.is_integer() and fault.field in ("timestamp", "rating")
    return (
        fault.field == "timestamp"
        and isinstance(at_fault, str)
        and fault.reason.startswith(("Expected a date and time that exist", "Expected a time of the years"))
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_schema_of_its_dialect(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == name


@given(interactions())
def test_what_the_structs_describe_is_decoded_and_fits_the_schema(record):
    decoded = decode_interaction(json.dumps(record).encode(), ANY_TIME)
    assert not isinstance(decoded, (Fault, Unknown)), decoded
    INTERACTION.validate(record)


def at(timestamp):
    return {"type": "page_viewed", "account_id": "a", "session_id": "s", "timestamp": timestamp}


def rated(**feedback):
    return {"type": "feedback_given", "account_id": "a", "session_id": "s", "timestamp": 1_772_442_900_000, **feedback}


@settings(max_examples=500)
@given(nearly_interactions())
@example(at("2026-02-30T00:00:00Z"))
@example(at("1999-12-31T14:00:00-10:00"))
@example(at("2101-01-01T00:00:00Z"))
@example(at("2101-01-01T00:00:00+00:01"))
@example(at("2026-01-01T00:00:00Z\n"))
@example(at(946_684_799_999))
@example(at(946_684_800_000))
@example(at(4_133_980_799_999))
@example(at(4_133_980_800_000))
@example({**at(1_772_442_900_000), "account_id": "a\n"})
@example(rated(rating=4))
@example(rated(rating=5.0))
@example(rated(rating="good\n"))
@example(rated(text="\x1c\x85\u3000"))
@example(rated(text="\ufeff"))
def test_the_schema_and_the_decoder_agree(record):
    """Decoded: it fits. It fits: decoded, or refused for what a schema cannot say."""
    decoded = decode_interaction(json.dumps(record).encode(), ANY_TIME)
    fits = INTERACTION.is_valid(record)
    if isinstance(decoded, Unknown):
        assert not fits
    elif isinstance(decoded, Fault):
        assert not fits or only_a_decoder_can_say(record, decoded), decoded
    else:
        assert fits


@given(
    st.from_regex(
        SCHEMAS["chat-interactions.schema.json"]["$defs"]["BoxOpened"]["properties"]["timestamp"]["anyOf"][1]["pattern"]
    )
)
def test_a_time_that_fits_the_pattern_is_refused_only_if_it_does_not_exist_or_is_of_other_years(timestamp):
    record = {"type": "box_closed", "account_id": "a", "session_id": "s", "timestamp": timestamp}
    decoded = decode_interaction(json.dumps(record).encode(), ANY_TIME)
    assert not isinstance(decoded, Fault) or only_a_decoder_can_say(record, decoded), decoded


def test_a_text_of_white_space_only_is_the_same_to_both():
    """Each code point there is."""
    feedback = SCHEMAS["chat-interactions.schema.json"]["$defs"]["FeedbackGiven"]["allOf"][1]["anyOf"][1]
    not_blank = re.compile(feedback["properties"]["text"]["pattern"])
    differ = [code for code in range(sys.maxunicode + 1) if bool(not_blank.search(chr(code))) is chr(code).isspace()]
    assert differ == []


@settings(max_examples=50)
@given(st.lists(interactions(), max_size=12))
def test_every_event_of_a_random_history_fits_the_schema(history):
    session, rules = None, RuleBook().of("a")
    for record in history:
        decision = step(session, decode_interaction(json.dumps(record).encode(), ANY_TIME), rules)
        session = decision.session
        for event in decision.events:
            VALIDATORS["ga-events.schema.json"].validate(json.loads(encode_event(event)))


@given(struct(Receipt))
def test_every_receipt_fits_the_schema(record):
    VALIDATORS["ga-receipts.schema.json"].validate(json.loads(encoded(Receipt, record)))


@given(struct(DeadLetter))
def test_every_dead_letter_fits_the_schema(record):
    VALIDATORS["dead-letters.schema.json"].validate(json.loads(encoded(DeadLetter, record)))


def test_every_field_has_a_description():
    for schema in SCHEMAS.values():
        for definition in schema["$defs"].values():
            told = {name: "description" in field for name, field in definition["properties"].items() if name != "type"}
            assert all(told.values()), (definition["title"], told)


def test_a_field_that_may_be_null_says_so_in_one_line():
    own = SCHEMAS["chat-interactions.schema.json"]["$defs"]["PageViewed"]["properties"]
    assert own["user_id"]["type"] == ["string", "null"]
    assert own["user_id"]["maxLength"] == 256
    assert "anyOf" not in own["user_id"]
    assert own["page"]["anyOf"] == [{"$ref": "#/$defs/GivenPage"}, {"type": "null"}]
