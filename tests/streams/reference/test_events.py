"""The 17 events in words: a row for each, in the order of the contract."""

from typing import get_args

import pytest

from schemas.ga_event import EventName
from streams.reference.events import EVENTS


def test_there_is_a_row_for_each_event_in_their_order():
    assert tuple(EVENTS) == get_args(EventName)
    assert len(EVENTS) == 17


@pytest.mark.parametrize("name", EVENTS)
def test_a_row_says_label_time_and_how_often(name):
    assert all(EVENTS[name])


@pytest.mark.parametrize("name", [name for name in EVENTS if name.endswith(("_sent", "_viewed", "_reaction"))])
def test_what_belongs_to_a_run_happens_once_per_run(name):
    per_run = name.startswith(("Chatbot", "Auto_message", "Trigger"))
    assert (EVENTS[name].how_often == "once per run") is per_run
