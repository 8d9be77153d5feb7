"""Examples that are made: from the interactions written by hand, by the code that writes the topics."""

from typing import get_args

import pytest

from schemas.dead_letter import decode_dead_letter
from schemas.ga_event import EventName, decode_event
from schemas.receipt import Outcome, decode_receipt
from streams.reference.examples import examples, story_events
from tests.schemas.golden import ROOT

MADE = examples(ROOT)


def of(topic):
    return [text.encode() for name, text in MADE.items() if f"/{topic}/" in name]


def test_in_the_story_each_of_the_17_events_happens():
    assert {event.name for event in story_events(ROOT)} == set(get_args(EventName))


def test_there_is_one_event_of_each_name_one_receipt_of_each_outcome_and_dead_letters():
    assert sorted(decode_event(raw).name for raw in of("ga-events")) == sorted(get_args(EventName))
    assert sorted(decode_receipt(raw).outcome for raw in of("ga-receipts")) == sorted(get_args(Outcome))
    letters = [decode_dead_letter(raw) for raw in of("dead-letters")]
    assert len({letter.code for letter in letters}) >= 5
    assert [letter.value for letter in letters].count(None) == 1


def test_a_story_that_holds_no_interaction_is_no_story(tmp_path):
    folder = tmp_path / "schemas/examples/chat-interactions"
    folder.mkdir(parents=True)
    (folder / "story.jsonl").write_text('{"type": "video_call_started"}\n')
    with pytest.raises(TypeError, match="video_call_started"):
        story_events(tmp_path)
