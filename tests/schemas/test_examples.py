"""Golden examples: the valid ones decode and fit the schema; each invalid one names the field at fault."""

import json
import re
from typing import get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator

from schemas.catalog import TOPICS
from schemas.codes import CODES
from schemas.dead_letter import decode_dead_letter, encode_dead_letter
from schemas.decoding import decode_interaction
from schemas.ga_event import EventName, decode_event, encode_event
from schemas.interaction import TYPES, Fault, Unknown
from schemas.receipt import Outcome, decode_receipt, encode_receipt
from streams.attribution import RuleBook
from streams.reference import schema_of
from streams.reference.examples import fault_of, story_events
from tests.schemas.golden import EXAMPLES, ROOT, files_of

ANY_TIME = 1 << 62
CODECS = {
    "ga-events": (decode_event, encode_event),
    "ga-receipts": (decode_receipt, encode_receipt),
    "dead-letters": (decode_dead_letter, encode_dead_letter),
}
INTERACTIONS = EXAMPLES / "chat-interactions"


def each(paths):
    return pytest.mark.parametrize("path", list(paths), ids=lambda path: f"{path.parent.name}/{path.stem}")


def schema(topic):
    return Draft202012Validator(json.loads(schema_of(topic)))


VALIDATORS = {topic.name: schema(topic.name) for topic in TOPICS if topic.encoding == "json"}


def without_times(told):
    """A field's path as a schema's error has it: without the places in a list."""
    return ".".join(part for part in told if isinstance(part, str))


# -- interactions: written by hand -----------------------------------------------------


@each(files_of("chat-interactions", "valid"))
def test_a_valid_interaction_decodes_and_fits_the_schema(path):
    raw = path.read_bytes()
    interaction = decode_interaction(raw, ANY_TIME)
    assert not isinstance(interaction, (Fault, Unknown)), interaction
    VALIDATORS["chat-interactions"].validate(json.loads(raw))


@each(files_of("chat-interactions", "invalid"))
def test_an_invalid_interaction_names_the_field_at_fault(path):
    expected = json.loads(path.read_text(encoding="utf-8"))
    _, fault = fault_of(path)
    assert (fault.field, fault.code) == (expected["field"], expected["code"])
    assert fault.reason


@each(path for path in files_of("chat-interactions", "invalid") if "record" in json.loads(path.read_bytes()))
def test_an_invalid_interaction_does_not_fit_the_schema_unless_a_schema_cannot_say_it(path):
    expected = json.loads(path.read_text(encoding="utf-8"))
    fits = VALIDATORS["chat-interactions"].is_valid(expected["record"])
    assert fits is expected.get("beyond_schema", False)


@each(files_of("chat-interactions", "ignored"))
def test_an_unknown_type_is_ignored_whatever_else_the_record_holds(path):
    raw = path.read_bytes()
    assert isinstance(decode_interaction(raw, ANY_TIME), Unknown)
    assert not VALIDATORS["chat-interactions"].is_valid(json.loads(raw))
    _, fault = fault_of(path)  # with `unknown_types = "dead_letter"`
    assert (fault.field, fault.code) == ("type", "unknown_type")


def test_every_type_has_a_minimal_and_a_full_example():
    for kind, struct in TYPES.items():
        minimal = json.loads((INTERACTIONS / f"valid-{kind.replace('_', '-')}-minimal.json").read_bytes())
        full = json.loads((INTERACTIONS / f"valid-{kind.replace('_', '-')}-full.json").read_bytes())
        required = {field.encode_name for field in msgspec.structs.fields(struct) if field.required}
        assert minimal["type"] == full["type"] == kind
        assert {"type", "session_id", *required} <= set(minimal)
        assert len(minimal) <= len(required) + 3
        assert set(full) == {"type", *struct.__struct_fields__}


def test_every_field_that_can_be_at_fault_has_an_example():
    """The fields of the structs themselves: a new one without an example of its fault fails here."""
    named = {json.loads(path.read_bytes())["field"] for path in files_of("chat-interactions", "invalid")}
    fields = {name for struct in TYPES.values() for name in struct.__struct_fields__}
    assert fields <= named
    assert {"$", "type"} <= named
    assert {"page.url", "ga.cookies", "consent.analytics", "automation.kind", "agent.id", "goal.name"} <= named


def test_every_file_of_bytes_is_some_examples():
    named = {json.loads(path.read_bytes()).get("bytes_in") for path in files_of("chat-interactions", "invalid")} - {
        None
    }
    assert named == {path.name for path in INTERACTIONS.glob("*.bin")}


def test_every_code_that_decoding_can_give_has_an_example_but_for_the_largest():
    codes = {fault_of(path)[1].code for kind in ("invalid", "ignored") for path in files_of("chat-interactions", kind)}
    elsewhere = {"no_key", "wrong_key", "not_event"}  # of the worker, which knows the record's key and topic
    elsewhere.add("refused")  # of GA
    assert codes == set(CODES) - elsewhere - {"too_large"}


def test_an_example_in_which_nothing_is_wrong_is_no_example_of_a_fault(tmp_path):
    path = tmp_path / "invalid-nothing.json"
    path.write_text(
        json.dumps({"field": "$", "record": json.loads((INTERACTIONS / "valid-by-visitor.json").read_bytes())})
    )
    with pytest.raises(TypeError, match="nothing is wrong"):
        fault_of(path)


# -- what chat2ga writes ---------------------------------------------------------------


@each(path for topic in CODECS for path in files_of(topic, "valid"))
def test_what_chat2ga_writes_decodes_fits_the_schema_and_is_written_so(path):
    decode, encode = CODECS[path.parent.name]
    raw = path.read_bytes()
    record = decode(raw)
    VALIDATORS[path.parent.name].validate(json.loads(raw))
    assert msgspec.json.format(encode(record), indent=2) + b"\n" == raw


@each(path for topic in CODECS for path in files_of(topic, "invalid"))
def test_what_is_none_of_it_is_refused_at_the_field_at_fault(path):
    decode, _ = CODECS[path.parent.name]
    expected = json.loads(path.read_bytes())
    with pytest.raises(msgspec.ValidationError) as refused:
        decode(json.dumps(expected["record"]).encode())
    assert re.search(rf"\b{expected['field']}\b", str(refused.value))


@each(
    path
    for topic in CODECS
    for path in files_of(topic, "invalid")
    if path.stem != "invalid-value-no-base64"  # a schema names the encoding of a text and does not check it
)
def test_what_is_none_of_it_does_not_fit_the_schema_at_the_same_field(path):
    expected = json.loads(path.read_bytes())
    told = list(VALIDATORS[path.parent.name].iter_errors(expected["record"]))
    assert told
    for error in told:
        missing = re.match(r"'(\w+)' is a required property", error.message)
        assert (missing[1] if missing else without_times(error.path)) == expected["field"]


def test_there_is_an_example_of_every_event():
    assert {decode_event(path.read_bytes()).name for path in files_of("ga-events", "valid")} == set(get_args(EventName))


def test_the_events_are_those_that_step_gives_for_the_story():
    told = {encode_event(event) for event in story_events(ROOT)}
    assert {encode_event(decode_event(path.read_bytes())) for path in files_of("ga-events", "valid")} <= told


def test_there_is_an_example_of_every_outcome_of_a_delivery():
    outcomes = {decode_receipt(path.read_bytes()).outcome for path in files_of("ga-receipts", "valid")}
    assert outcomes == set(get_args(Outcome))


def test_a_receipt_is_of_an_event_that_is_an_example_or_of_the_story():
    events = {event.event_id for event in story_events(ROOT)}
    assert {decode_receipt(path.read_bytes()).event_id for path in files_of("ga-receipts", "valid")} <= events


@each(files_of("dead-letters", "valid"))
def test_the_original_bytes_of_a_dead_letter_fail_again_in_the_same_way(path):
    letter = decode_dead_letter(path.read_bytes())
    if letter.code == "refused":  # by GA: the bytes are those of an event
        assert set(letter.trackers) <= {tracker.id for tracker in decode_event(letter.value).trackers}
        return
    arrived_ms = 1_772_439_300_249 if letter.code == "ahead" else -1
    rules = RuleBook(msgspec.structs.replace(RuleBook().options, unknown_types="dead_letter"))
    fault = rules.decode(letter.value, arrived_ms)
    assert (fault.field, fault.code, fault.reason) == (letter.field, letter.code, letter.reason)
