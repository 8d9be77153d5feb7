"""Whatever arrives: a record is interactions that the worker takes, or unknown, or a fault; and nothing is made up."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoding import MAX_RECORD_BYTES, decode_interaction
from schemas.interaction import Fault, Unknown
from streams.sources import FORMATS, Mapping, coverage, mapping_from
from tests.strategies import examples
from tests.streams.sources.golden import events_of, mapping_of, raw_records

EACH = pytest.mark.parametrize("name", FORMATS)
ANY_TIME = 1 << 62


def good_records(name):
    """The golden records that are interactions, or nothing known."""
    for raw in raw_records(name):
        if not isinstance(FORMATS[name].translate(raw, mapping_of(name, "mapped")), Fault):
            yield json.loads(raw)


RECORDS = {name: list(good_records(name)) for name in FORMATS}

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["", " ", "a/b", "x" * 257, "me@mail.example", 0, -1, 1_772_443_000_000, "2026-03-02T09:14:00Z"]),
)
VALUES = st.recursive(SCALARS, lambda deeper: st.lists(deeper, max_size=2) | st.dictionaries(st.text(), deeper))


def places(value, path=()):
    """Every way into a value."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield from places(each, (*path, name))


@st.composite
def spoilt_records(draw, name):
    """A golden record of which some places hold something else, or nothing."""
    record = json.loads(json.dumps(draw(st.sampled_from(RECORDS[name]))))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(sorted(places(record), key=repr)))
        inside = record
        for each in way:
            inside = inside[each]
        if isinstance(inside, dict) and draw(st.integers(0, 3)) == 0:
            del inside[last]
        else:
            inside[last] = draw(VALUES)
        if not record:
            break
    return record


@st.composite
def mappings(draw, name):
    """Some of what the golden mapping says, and more."""
    full = msgspec.to_builtins(mapping_of(name, "mapped"))
    table = {key: value for key, value in full.items() if value and draw(st.booleans())}
    table |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "account_id": st.sampled_from(["acme", "a" * 256]),
                "automation_kind": st.sampled_from(["chatbot", "auto_message", "trigger"]),
                "agent_joined": st.sampled_from(["first_agent_message", "assigned"]),
                "box_opened": st.just("first_visitor_message"),
                "measurement_ids": st.just(["G-A", "UA-1-1"]),
                "ratings": st.dictionaries(st.sampled_from(["5", "1", "great"]), st.sampled_from([5, 3, 1])),
                "agents": st.dictionaries(st.sampled_from(["1", "3", "3301"]), st.text()),
                "variables": st.just({"user_id": "userId", "ga_session_id": "chatPackage"}),
            },
        )
    )
    for entry in table.get("automations", {}).values():
        for key in [key for key, value in entry.items() if value is None]:
            del entry[key]
    for key in [key for key, value in table.get("variables", {}).items() if value is None]:
        del table["variables"][key]
    made = mapping_from(table)
    assert isinstance(made, Mapping), made
    return made


def holds(name, made):
    """What is promised of a translation."""
    if isinstance(made, Fault):
        assert made.field
        assert made.reason
    elif isinstance(made, Unknown):
        assert made.type
    else:
        assert made
        ids = []
        for raw in made:
            assert len(raw) <= MAX_RECORD_BYTES
            interaction = decode_interaction(raw, ANY_TIME)
            assert not isinstance(interaction, (Fault, Unknown)), interaction
            assert interaction.interaction_id.startswith(f"{name}:")
            ids.append(interaction.interaction_id)
        # Of one record only the opening of the box and an agent's joining may be told again.
        once = [each for each in ids if ":box_opened:" not in each and ":agent_joined:" not in each]
        assert len(once) == len(set(once))
    return made


@EACH
@examples(60)
@given(raw=st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_and_any_json(name, raw):
    holds(name, FORMATS[name].translate(raw, Mapping(account_id="acme")))


@EACH
@examples(80)
@given(data=st.data())
def test_a_record_that_was_spoilt_under_any_mapping(name, data):
    mapping = data.draw(mappings(name))
    record = data.draw(spoilt_records(name))
    made = holds(name, FORMATS[name].translate(json.dumps(record).encode(), mapping))
    # The same, however its keys are ordered and spaced.
    assert FORMATS[name].translate(json.dumps(record, sort_keys=True, indent=1).encode(), mapping) == made


@EACH
@examples(25)
@given(data=st.data())
def test_no_event_comes_that_is_told_not_to_be_had(name, data):
    mapping = data.draw(mappings(name))
    records = data.draw(st.lists(spoilt_records(name) | st.sampled_from(RECORDS[name]), min_size=1, max_size=8))
    made = [FORMATS[name].translate(json.dumps(record).encode(), mapping) for record in records]
    covered = coverage(FORMATS[name], mapping)
    assert {event.name for event in events_of(made)} <= {name for name in covered if covered[name].had == "yes"}
