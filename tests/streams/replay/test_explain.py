"""An explanation shows what a replay does with one session, and nothing of its own."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ga_event import decode_event, encode_event
from streams.attribution import RuleBook
from streams.replay import Question, chain, explain
from streams.replay.errors import ManySessions, NoSession
from tests.streams.attribution.builders import BOT, clicked, opened, sent, typed
from tests.streams.replay.replays import AS_OF_MS, CASES, LINES, reference

INPUT = str(CASES / "interactions.jsonl")
EVENTS = [decode_event(event) for event in reference(LINES)]


def ask(session, inputs=(INPUT,), **wanted):
    return explain(Question(inputs=inputs, session=session, **{"book": RuleBook(), "as_of_ms": AS_OF_MS, **wanted}))


def key_of(event):
    return f"{event.account_id}/s/{event.session_id}"


@pytest.fixture
def written(tmp_path):
    def write(*records):
        path = tmp_path / "in.jsonl"
        whole = [
            {"account_id": "acme", "session_id": "s", "timestamp": 1_700_000_000_000 + 1_000 * n, **record}
            for n, record in enumerate(records)
        ]
        path.write_text("".join(json.dumps(record) + "\n" for record in whole))
        return (str(path),)

    return write


@settings(max_examples=15)
@given(st.sampled_from(["time", "arrival"]), st.randoms(use_true_random=False))
def test_the_events_of_an_explanation_are_those_of_the_replay(order, random):
    # Of that order: a visitor's session is named by its first interaction, which may be another in the other one.
    event = decode_event(random.choice(list(reference(LINES, order))))
    session = event.session_id if "@" in event.session_id else key_of(event)
    explanation = ask(session, account=event.account_id, order=order)
    explained = [encode_event(each) for step in explanation.steps for each in step.decision.events]
    replayed = [line for line in reference(LINES, order) if decode_event(line).session_id == event.session_id]
    assert explained == [line for line in replayed if decode_event(line).account_id == event.account_id]


@pytest.mark.parametrize("event", EVENTS[:: len(EVENTS) // 8], ids=lambda event: event.name)
def test_the_chain_of_an_event_is_what_sent_it_after_what_it_was_caused_by(event):
    session = event.session_id if "@" in event.session_id else key_of(event)
    steps = chain(ask(session, account=event.account_id), event.event_id)
    assert event in steps[-1].decision.events
    assert {step.identity for step in steps} == set(event.caused_by)
    assert len(steps) == len(set(event.caused_by))


def test_a_chain_finds_a_receipt_that_has_no_id_and_whose_event_was_dropped(written):
    records = [sent(BOT, consent={"analytics": False}), opened(), typed(consent={"analytics": True})]
    explanation = ask("s", written(*records))
    reaction = explanation.steps[-1].decision.events[-1]
    assert [step.line for step in chain(explanation, reaction.event_id)] == [1, 3]


def test_an_event_that_nothing_sent_is_told_with_what_to_look_at(written):
    with pytest.raises(NoSession, match="--accounts, --rules and --order"):
        chain(ask("s", written(sent())), "0" * 32)


def test_a_session_goes_by_its_id_its_key_its_visitor_and_its_visitor_with_its_beginning(written):
    visit = {"session_id": None, "visitor_id": "v"}
    later = 1_700_000_000_000 + 10_000_000
    inputs = written({**sent(), **visit}, typed(), {**typed(), **visit, "timestamp": later})
    assert [step.line for step in ask("s", inputs).steps] == [2]
    assert [step.line for step in ask("acme/s/s", inputs).steps] == [2]
    assert [step.line for step in ask("v", inputs).steps] == [1, 3]
    assert [step.line for step in ask("acme/v/v", inputs).steps] == [1, 3]
    assert [step.line for step in ask("v@1700000000000", inputs).steps] == [1]
    assert [step.line for step in ask(f"v@{later}", inputs).steps] == [3]
    with pytest.raises(NoSession, match="none of the 3 records"):
        ask("v@5", inputs)


def test_sessions_of_several_accounts_are_told_apart_by_account(written):
    inputs = written(sent(), {**sent(), "account_id": "beta"})
    with pytest.raises(ManySessions, match=r"acme/s/s, beta/s/s.*--account"):
        ask("s", inputs)
    assert [step.line for step in ask("s", inputs, account="beta").steps] == [2]


def test_records_of_the_session_that_are_no_interactions_are_shown_too(written):
    inputs = written(
        sent(), {"type": "box_closed", "timestamp": "noon"}, {"type": "new_type"}, {"type": "x", "session_id": 5}
    )
    left = ask("s", inputs).left
    assert [(each.line, each.field, each.code) for each in left] == [
        (2, "timestamp", "invalid"),
        (3, "type", "unknown_type"),
    ]
    only = ask("only", written(sent(), {"type": "box_closed", "session_id": "only", "timestamp": 1}))
    assert (only.key, only.steps, len(only.left)) == ("acme/s/only", (), 1)


def test_a_record_without_any_id_belongs_to_no_session(written):
    inputs = written(sent(), {"type": "box_closed", "session_id": None})
    assert ask("s", inputs).left == ()
    with pytest.raises(NoSession):
        ask("nobody", inputs)


def test_a_duplicate_is_shown_in_the_session_that_it_met(written):
    inputs = written(sent(interaction_id="1"), sent(interaction_id="1"), clicked())
    assert [step.decision.duplicate for step in ask("s", inputs).steps] == [None, "same_id", None]
