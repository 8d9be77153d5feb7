"""An explanation of files shows what a replay does with a session, whatever the session is asked for by."""

import json
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decoding import session_key
from schemas.ga_event import decode_event, encode_event
from schemas.interaction import Fault, Unknown
from streams.attribution import RuleBook
from streams.replay import Holding, Named, Question, Sent, chain, explain, gathering
from streams.replay.errors import BadInput, ManySessions, NoSession
from tests.streams.attribution.builders import BOT, clicked, joined, opened, sent, typed
from tests.streams.replay.replays import AS_OF_MS, CASES, LINES, ON_DISK, ONE_BUCKET, reference

INPUT = str(CASES / "interactions.jsonl")
EVENTS = [decode_event(event) for event in reference(LINES)]
SAID = [each for line in LINES if not isinstance(each := RuleBook().decode(line, AS_OF_MS), (Fault, Unknown))]


def ask(asked, inputs=(INPUT,), **wanted):
    asked = asked if isinstance(asked, (Named, Holding, Sent)) else Named(asked)
    return explain(Question(inputs=inputs, asked=asked, **{"book": RuleBook(), "as_of_ms": AS_OF_MS, **wanted}))


def one(*args, **wanted):
    (explanation,) = ask(*args, **wanted)
    return explanation


def places(explanation):
    return [step.at.line for step in explanation.steps]


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
    explanation = one(Named(session, event.account_id), order=order)
    explained = [encode_event(each) for step in explanation.steps for each in step.decision.events]
    replayed = [line for line in reference(LINES, order) if decode_event(line).session_id == event.session_id]
    assert explained == [line for line in replayed if decode_event(line).account_id == event.account_id]


@pytest.mark.parametrize("event", EVENTS[:: len(EVENTS) // 8], ids=lambda event: event.name)
@pytest.mark.parametrize("limits", [ONE_BUCKET, ON_DISK], ids=["in memory", "in buckets"])
def test_an_event_alone_finds_the_session_that_sent_it(event, limits):
    explanation = one(Sent(event.event_id), limits=limits)
    steps = chain(explanation, event.event_id)
    assert event in steps[-1].decision.events
    by_name = one(Named(explanation.key))
    assert (places(explanation), explanation.left) == (places(by_name), by_name.left)


def test_an_event_is_looked_for_in_the_order_asked_for():
    by_time = {event.event_id for event in EVENTS}
    event = next(each for each in map(decode_event, reference(LINES, "arrival")) if each.event_id not in by_time)
    assert event in chain(one(Sent(event.event_id), order="arrival"), event.event_id)[-1].decision.events


def test_an_event_is_the_one_of_these_rules_and_accounts(written):
    inputs = written(sent(BOT))
    (event,) = (event for step in one("s", inputs).steps for event in step.decision.events)
    assert one(Sent(event.event_id, "acme"), inputs).key == "acme/s/s"
    with pytest.raises(NoSession, match=r"no interaction of the 1 records sent event .* of account 'beta'"):
        ask(Sent(event.event_id, "beta"), inputs)
    with pytest.raises(NoSession, match="--accounts, --rules and --order"):
        ask(Sent("0" * 32), inputs)


def test_a_conversation_and_a_visitor_are_found_in_the_sessions_whose_interactions_name_them():
    by_conversation, by_visitor = defaultdict(dict), defaultdict(dict)
    for said in SAID:
        by_conversation[said.conversation_id][session_key(said)] = None
        by_visitor[said.visitor_id][session_key(said)] = None
    looked_at = 0
    for found, asked in ((by_conversation, "conversation"), (by_visitor, "visitor")):
        for name, keys in found.items():
            if name is not None and len(keys) <= gathering.MAX_SESSIONS and looked_at < 12:
                explanations = ask(Holding(**{asked: name}))
                assert {each.key for each in explanations} == set(keys)
                whole = {each.key: places(one(Named(each.key))) for each in explanations}
                assert {each.key: places(each) for each in explanations} == whole, "what does not name it belongs too"
                looked_at += 1
    assert looked_at == 12


def test_sessions_of_a_visitor_are_all_of_them(written):
    inputs = written(
        sent(visitor_id="v"),
        typed(),
        sent(session_id="t", visitor_id="w"),
        sent(session_id=None, visitor_id="v"),
        sent(account_id="beta", visitor_id="v"),
    )
    found = ask(Holding(visitor="v"), inputs)
    assert {each.key: places(each) for each in found} == {"acme/s/s": [1, 2], "acme/v/v": [4], "beta/s/s": [5]}
    assert [each.key for each in ask(Holding(visitor="v", account="beta"), inputs)] == ["beta/s/s"]
    with pytest.raises(NoSession, match="no interaction of the 5 records names visitor 'x'"):
        ask(Holding(visitor="x"), inputs)


def test_too_many_sessions_are_listed(written):
    inputs = written(*(joined(session_id=f"s{number}", conversation_id="c") for number in range(23)))
    with pytest.raises(ManySessions, match=r"conversation 'c': there are 23 such sessions: .* and 3 more.*--session"):
        ask(Holding(conversation="c"), inputs)
    assert (
        len(
            ask(
                Holding(conversation="c"),
                written(*(joined(session_id=f"s{n}", conversation_id="c") for n in range(20))),
            )
        )
        == 20
    )


def test_standard_input_is_read_once():
    for asked in (Sent("e"), Holding(visitor="v"), Holding(conversation="c")):
        with pytest.raises(BadInput, match="two passes"):
            ask(asked, ("-",))


def test_a_chain_finds_a_receipt_that_has_no_id_and_whose_event_was_dropped(written):
    records = [sent(BOT, consent={"analytics": False}), opened(), typed(consent={"analytics": True})]
    explanation = one("s", written(*records))
    reaction = explanation.steps[-1].decision.events[-1]
    assert [step.at.line for step in chain(explanation, reaction.event_id)] == [1, 3]


def test_a_session_goes_by_its_id_its_key_its_visitor_and_its_visitor_with_its_beginning(written):
    visit = {"session_id": None, "visitor_id": "v"}
    later = 1_700_000_000_000 + 10_000_000
    inputs = written({**sent(), **visit}, typed(), {**typed(), **visit, "timestamp": later})
    assert places(one("s", inputs)) == [2]
    assert places(one("acme/s/s", inputs)) == [2]
    assert places(one("v", inputs)) == [1, 3]
    assert places(one("acme/v/v", inputs)) == [1, 3]
    assert places(one("v@1700000000000", inputs)) == [1]
    assert places(one(f"v@{later}", inputs)) == [3]
    with pytest.raises(NoSession, match="none of the 3 records"):
        ask("v@5", inputs)


def test_sessions_of_several_accounts_are_told_apart_by_account(written):
    inputs = written(sent(), {**sent(), "account_id": "beta"})
    with pytest.raises(ManySessions, match=r"acme/s/s, beta/s/s.*--account"):
        ask("s", inputs)
    assert places(one(Named("s", "beta"), inputs)) == [2]


def test_a_duplicate_is_shown_in_the_session_that_it_met(written):
    inputs = written(sent(interaction_id="1"), sent(interaction_id="1"), clicked())
    assert [step.decision.duplicate for step in one("s", inputs).steps] == [None, "same_id", None]


def test_progress_is_told_of_both_passes(written):
    inputs = written(sent(conversation_id="c"))

    def told_of(asked):
        told = []
        question = Question(inputs=inputs, asked=asked, book=RuleBook(), as_of_ms=AS_OF_MS)
        explain(question, lambda phase, done, of: told.append((phase, done, of)))
        return [at for at in told if at[0] == "reading"]

    assert told_of(Holding(conversation="c")) == 2 * told_of(Named("s")) != []
