"""Stored sessions: what was written once is read for ever (STYLE: a golden changelog per version).

`sessions/<version>.jsonl` holds records as that version wrote them, and what
they say by the names of the fields. A field added since has its default. A file
is never written again; a change of the fields adds one.
"""

import base64
import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.session import (
    MAX_AGENTS,
    MAX_CHATBOTS,
    MAX_CONTENTS,
    MAX_CONVERSATIONS,
    MAX_COOKIES,
    MAX_IDENTITIES,
    MAX_RUNS,
    Context,
    Conversation,
    LastOfContent,
    Run,
    SeenPage,
    Session,
    decode_session,
    encode_session,
)
from tests.strategies import examples, histories
from tests.streams.attribution.builders import clicked, decisions_on, interactions, typed

STRUCTS: Final = (Session, Context, Run, Conversation, LastOfContent, SeenPage)
VERSIONS: Final = sorted((Path(__file__).parent / "sessions").glob("*.jsonl"))
GOLDEN: Final = [
    pytest.param(
        golden["what"], base64.b64decode(golden["bytes"]), golden["session"], id=f"{path.stem}: {golden['what']}"
    )
    for path in VERSIONS
    for golden in map(json.loads, path.read_text(encoding="utf-8").splitlines())
]

sessions = histories(15).map(lambda said: decisions_on(said)[-1].session)
texts = st.text(max_size=5) | st.none()
runs = st.builds(
    Run,
    serial=st.integers(0, 2**40),
    kind=st.sampled_from(["chatbot", "auto_message", "trigger"]),
    id=st.text(),
    name=st.text(),
    run_id=texts,
    conversation=st.integers(0, 2**40),
    receipt=st.text(),
    viewed=st.booleans(),
    reacted=st.booleans(),
)
talks = st.builds(
    Conversation,
    serial=st.integers(0, 2**40),
    id=texts,
    has_messages=st.booleans(),
    last_run=st.integers(-1, 2**40),
    agents=st.lists(st.text()).map(tuple),
)
contexts = st.builds(
    Context,
    page=st.none() | st.builds(SeenPage, texts, texts, texts),
    measurement_ids=st.lists(st.text()).map(tuple),
    user_id=texts,
    analytics=st.none() | st.booleans(),
    cookies=st.dictionaries(st.text(), st.text(), max_size=3),
)
whole_sessions = st.builds(
    Session,
    session_id=st.text(),
    of_visitor=st.booleans(),
    first_micros=st.integers(0, 2**53),
    last_micros=st.integers(0, 2**53),
    derived_client_id=st.text(),
    context=contexts,
    identities=st.binary(),
    contents=st.lists(st.builds(LastOfContent, st.binary(), texts, st.integers(0, 2**53)), max_size=3).map(tuple),
    runs=st.lists(runs, max_size=3).map(tuple),
    conversations=st.lists(talks, max_size=3).map(tuple),
    current=st.integers(-1, 5),
    next_run=st.integers(0, 2**40),
    next_conversation=st.integers(0, 2**40),
    box_open=st.booleans(),
    answered=st.lists(st.text(), max_size=3).map(tuple),
)


def says(value: Any, golden: Any) -> bool:
    """Whether a value says what the golden one says, under the names that it knows."""
    if isinstance(value, msgspec.Struct):
        return all(says(getattr(value, name), known) for name, known in golden.items())
    if isinstance(value, tuple):
        return len(value) == len(golden) and all(map(says, value, golden))
    return bool((value.hex() if isinstance(value, bytes) else value) == golden)


@pytest.mark.parametrize(("what", "stored", "golden"), GOLDEN)
def test_a_record_of_every_version_decodes_to_what_it_said(what, stored, golden):
    session = decode_session(stored)
    assert says(session, golden), what
    for name in set(Session.__struct_fields__) - set(golden):
        assert getattr(session, name) == getattr(Session("", False, 0, 0, ""), name), name


def test_the_latest_golden_record_knows_every_field():
    """A field that was added has no golden record yet: write a new version's file, and leave the others alone."""
    latest = json.loads(VERSIONS[-1].read_text(encoding="utf-8").splitlines()[0])["session"]
    assert list(latest) == list(Session.__struct_fields__)
    assert list(latest["context"]) == list(Context.__struct_fields__)
    assert list(latest["context"]["page"]) == list(SeenPage.__struct_fields__)
    for name, struct in (("runs", Run), ("conversations", Conversation), ("contents", LastOfContent)):
        assert list(latest[name][0]) == list(struct.__struct_fields__)


def test_a_session_of_an_older_version_goes_on_as_if_never_written():
    stored = {golden.values[0]: golden.values[1] for golden in GOLDEN}
    session = decode_session(stored["full"])
    # The bot's run was answered and viewed; the promotion's was not, but an agent wrote after it.
    typed_after = decisions_on(interactions([typed(at=100, conversation_id="c-1")]), session=session)[0]
    assert typed_after.events == ()
    (viewed,) = decisions_on(interactions([{"type": "box_opened", "at": 100}]), session=session)[0].events
    assert (viewed.name, viewed.client_id, viewed.user_id) == ("Auto_message_viewed", "11.22", "u-1")
    assert [(tracker.id, tracker.session_id) for tracker in viewed.trackers] == [
        ("G-ABC1234567", "1704067201"),
        ("UA-1234567-1", "1704067200"),
    ]
    (button,) = decisions_on(interactions([clicked(at=100)]), session=session)[0].events
    assert button.caused_by[1] == "i-1"
    duplicate = decisions_on(interactions([typed(at=100, interaction_id="i-1")]), session=session)[0]
    assert duplicate.duplicate == "same_id"


@examples(200)
@given(sessions | whole_sessions)
def test_any_session_survives_encoding(session):
    assert decode_session(encode_session(session)) == session
    assert decode_session(memoryview(encode_session(session))) == session
    assert encode_session(decode_session(encode_session(session))) == encode_session(session)


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_a_field_with_a_default_stands_after_all_without_so_one_can_be_added(struct):
    assert struct.__struct_config__.array_like
    required = [field.required for field in msgspec.structs.fields(struct)]
    assert required == sorted(required, reverse=True)


@examples(100)
@given(st.data())
@pytest.mark.parametrize(
    ("struct", "made"),
    [(Session, whole_sessions), (Context, contexts), (Run, runs), (Conversation, talks)],
    ids=["session", "context", "run", "conversation"],
)
def test_a_record_without_its_trailing_fields_decodes_with_their_defaults(struct, made, data):
    """What an older version wrote, which did not know the fields that were added since."""
    whole = data.draw(made)
    fields = msgspec.structs.fields(struct)
    required = sum(field.required for field in fields)
    kept = data.draw(st.integers(required, len(fields)))
    parts = msgspec.msgpack.decode(msgspec.msgpack.encode(whole))
    older = msgspec.msgpack.decode(msgspec.msgpack.encode(parts[:kept]), type=struct)
    for place, field in enumerate(fields):
        expected = getattr(whole, field.name) if place < kept else default(field)
        assert getattr(older, field.name) == expected, field.name


def default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


@examples(50)
@given(whole_sessions)
def test_a_record_with_a_field_more_decodes_too_so_a_deploy_can_be_rolled_back(session):
    newer = [*msgspec.msgpack.decode(encode_session(session)), "a field of tomorrow"]
    assert decode_session(msgspec.msgpack.encode(newer)) == session


@pytest.mark.parametrize(
    "damaged", [b"", b"\x00", b"\xc1", b"\x90", b"not MessagePack", b"\x95\xa1s\x01\x02\x03\xa1c"], ids=repr
)
def test_a_damaged_record_is_refused(damaged):
    with pytest.raises(msgspec.DecodeError):
        decode_session(damaged)


def test_the_bounds_are_the_contracts():
    assert (MAX_IDENTITIES, MAX_CONTENTS, MAX_RUNS, MAX_CONVERSATIONS, MAX_COOKIES) == (1_000, 64, 256, 16, 16)
    assert (MAX_AGENTS, MAX_CHATBOTS) == (64, 256)
