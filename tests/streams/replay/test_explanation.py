"""An explanation: the decisions of the core, each where its record lies, and the chain that leads to an event."""

import pytest

from schemas.interaction import Fault, Unknown
from streams.attribution import RuleBook
from streams.replay import Explanation, FilePlace, KafkaPlace, Left, chain
from streams.replay.errors import NoSession
from streams.replay.explanation import left, place_in, steps
from tests.streams.attribution.builders import BOT, decisions, interactions, opened, sent, typed

HISTORY = [sent(BOT, interaction_id="1"), opened(), typed(at=15), typed("again", at=5)]


def placed():
    return [(KafkaPlace("t", 0, offset), b"", said) for offset, said in enumerate(interactions(HISTORY))]


def explained(*, by_time):
    return Explanation("acme/s/s", tuple(steps(placed(), RuleBook(), by_time=by_time)), ())


def test_steps_are_the_core_s_decisions_in_the_order_asked_for():
    assert [step.decision for step in explained(by_time=False).steps] == decisions(HISTORY)
    assert [step.at.offset for step in explained(by_time=True).steps] == [0, 3, 1, 2]
    before = [step.before for step in explained(by_time=False).steps]
    assert before == [None, *(step.decision.session for step in explained(by_time=False).steps[:-1])]


@pytest.mark.parametrize("by_time", [True, False])
def test_the_chain_of_an_event_is_what_sent_it_after_what_it_was_caused_by(by_time):
    explanation = explained(by_time=by_time)
    for step in explanation.steps:
        for event in step.decision.events:
            found = chain(explanation, event.event_id)
            assert found[-1] is step
            assert {each.identity for each in found} == set(event.caused_by)
            assert len(found) == len(set(event.caused_by))


def test_an_event_that_nothing_sent_is_told_with_what_to_look_at():
    with pytest.raises(NoSession, match="--accounts, --rules and --order"):
        chain(explained(by_time=True), "0" * 32)


def test_places_read_as_people_write_them():
    assert str(FilePlace("in.jsonl", 7)) == "in.jsonl:7"
    assert str(KafkaPlace("chat-interactions", 3, 41)) == "chat-interactions[3] offset 41"


def test_a_record_of_a_topic_has_its_offset_whatever_reads_it():
    assert place_in("kafka:t-1.x/3", 42) == KafkaPlace("t-1.x", 3, 41)
    assert place_in("a/b.jsonl", 42) == FilePlace("a/b.jsonl", 42)


def test_what_is_not_applied_says_why():
    at = FilePlace("in.jsonl", 7)
    assert left(at, Fault("timestamp", "It is late", "ahead")) == Left(at, "timestamp", "ahead", "It is late")
    assert left(at, Unknown("dance")).reason == "type 'dance' is not known: ignored and counted"
