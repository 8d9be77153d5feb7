"""A session as a person reads it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from streams.replay.state import changes, instant_text, state_of
from tests.streams.attribution.builders import (
    EVA,
    ended,
    joined,
    opened,
    rated,
    sent,
    session_after,
    typed,
    viewed_page,
)

RECORDS = [
    sent(),
    sent(run_id="2", conversation_id="c"),
    typed(),
    opened(),
    joined(EVA),
    ended(),
    rated(5),
    viewed_page(page={"url": "https://x", "measurement_ids": ["G-A1"]}, consent={"analytics": True}),
]


def test_what_matters_is_named():
    state = state_of(session_after([sent(), opened(), joined(EVA), typed()]))
    assert state["box_open"] is True
    assert state["conversations"] == {
        "nameless (conversation 1)": {
            "has_messages": True,
            "last_message_of": "chatbot bot (run 1)",
            "agents": ["eva"],
        }
    }
    assert state["current_conversation"] == "nameless (conversation 1)"
    assert state["runs"] == {"chatbot bot (run 1)": {"name": "Bot", "viewed": True, "reacted": True}}
    assert state["chatbots_answered"] == ["bot"]
    assert state["first_interaction"] == "2024-01-01T00:00:00.000Z"


def test_changes_are_what_differs_and_nothing_else():
    before = state_of(session_after([sent()]))
    after = state_of(session_after([sent(), opened()]))
    told = {what: (then, now) for what, then, now in changes(before, after)}
    assert told["box_open"] == (False, True)
    assert told["runs: chatbot bot (run 1): viewed"] == (False, True)
    assert "session_id" not in told
    assert changes(before, before) == []


def test_what_is_forgotten_is_a_change_to_nothing():
    before = state_of(session_after([typed(conversation_id="c")]))
    after = state_of(session_after([typed(conversation_id="c"), ended(conversation_id="c")]))
    told = {what: (then, now) for what, then, now in changes(before, after)}
    assert told["current_conversation"] == ("c (conversation 1)", None)
    assert told["conversations: c (conversation 1): has_messages"] == (True, None)


@given(st.lists(st.sampled_from(RECORDS), min_size=1, max_size=12), st.integers(1, 12))
def test_changes_carry_any_state_into_the_next(history, length):
    before, after = state_of(session_after(history[:length])), state_of(session_after(history))
    told = changes(before, after)
    assert all(then != now for _, then, now in told)
    whole = {what: now for what, _, now in changes(None, after)}
    flat_before = {what: now for what, _, now in changes(None, before)}
    for what, _, now in told:
        if now is None:
            flat_before.pop(what, None)
        else:
            flat_before[what] = now
    assert flat_before == whole
    json.dumps(after)


def test_an_instant_is_rfc_3339():
    assert instant_text(1_700_000_000_123_456) == "2023-11-14T22:13:20.123Z"
