"""A comparison of one session key: every option of the rules with its known answer, and what holds of all of them."""

import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.instant import Instant
from schemas.interaction import Fault, Unknown
from streams.comparison.product import Ahead, Comparison, EitherBook, encode_difference
from streams.replay import Tally
from streams.replay.engine import decisions
from tests.strategies import ACCOUNTS, OPTIONS, examples, histories
from tests.streams.attribution.builders import (
    BOT,
    BOT_2,
    PROMO,
    clicked,
    interactions,
    joined,
    of_run,
    opened,
    sent,
    typed,
    visited,
)
from tests.streams.comparison.made import START_MS, book, compared, differences, told

VISIT = {"session_id": None, "visitor_id": "v"}

# -- each option, with its known answer ----------------------------------------------------


def test_an_automation_that_arrives_in_an_open_box_is_viewed_at_once_or_at_the_next_opening():
    on = {"viewed_when_already_open": True}
    (gained,) = compared([opened(), sent()], {}, on)
    assert (gained.kind, gained.name, gained.session, gained.fields) == ("gained", "Chatbot_viewed", "acme/s/s", ())
    assert gained.a is None
    assert gained.b is not None
    (moved,) = compared([opened(), sent(), opened()], {}, on)
    assert (moved.kind, moved.name) == ("moved", "Chatbot_viewed")
    assert moved.a.timestamp_micros - moved.b.timestamp_micros == 10_000_000
    assert set(moved.fields) == {"event_id", "timestamp_micros", "caused_by"}


def test_a_box_that_opens_by_itself_views_or_does_not():
    on = {"widget_open_counts": True}
    assert told(compared([sent(), opened("widget")], {}, on)) == [("gained", "Chatbot_viewed")]
    assert told(compared([sent(), opened("widget")], on, {})) == [("lost", "Chatbot_viewed")]
    assert told(compared([sent(), opened("widget"), opened("launcher")], {}, on)) == [("moved", "Chatbot_viewed")]
    assert compared([sent(), opened("launcher"), opened("widget")], {}, on) == []


def test_the_first_answer_is_a_session_s_or_a_chatbot_s():
    history = [sent(BOT), clicked(BOT), sent(BOT_2), clicked(BOT_2), clicked(BOT)]
    (gained,) = compared(history, {}, {"chatbot_interaction_scope": "chatbot"})
    assert (gained.kind, gained.name, gained.b.automation.id) == ("gained", "Chatbot_interaction", "bot-2")


def test_a_session_that_ends_within_the_silence_forgets_whom_the_visitor_answers():
    history = [sent(run := of_run(BOT, "1")), typed(at=20), joined(at=3_700), clicked(run, at=3_710)]
    found = compared(history, {}, {"session_gap_s": 3_600})
    assert told(found) == [("changed", "Chatbot_button_interaction"), ("gained", "Chatbot_interaction")]
    assert found[0].fields == ("event_id", "caused_by"), "the receipt is forgotten, and what it was the first answer of"
    answered = compared([sent(), typed(at=3_700)], {}, {"session_gap_s": 3_600})
    assert told(answered) == [
        ("lost", "Chatbot_interaction"),
        ("lost", "Chatbot_visitor_reaction"),
        ("gained", "Visitor_started_conversation"),
    ]


def test_a_visitor_s_session_that_ends_elsewhere_has_other_ids_and_the_same_history():
    history = [visited(**VISIT), joined(at=1_000, **VISIT), joined(at=2_000, agent={"id": "x", "name": "X"}, **VISIT)]
    found = compared(history, {}, {"visitor_gap_s": 999})
    assert told(found) == [("changed", "Agent_served_conversation")] * 2
    assert {each.fields for each in found} == {("event_id", "session_id")}
    assert [each.a.session_id for each in found] == [f"v@{START_MS}"] * 2
    assert [each.b.session_id for each in found] == [f"v@{START_MS + 1_000_000}", f"v@{START_MS + 2_000_000}"]
    assert {each.session for each in found} == {"acme/v/v"}, "which explains both"


def test_a_run_whose_first_message_is_forgotten_is_the_same_run():
    history = [sent(run := of_run(BOT, "1")), sent(run, at=3_700), opened(at=3_800)]
    (again, viewed) = compared(history, {}, {"session_gap_s": 3_600})
    assert (again.kind, again.name) == ("gained", "Chatbot_sent")
    assert (viewed.kind, viewed.fields) == ("changed", ("event_id", "caused_by"))


AT_ONCE = {"viewed_when_already_open": True}


@pytest.mark.parametrize(("a", "b"), [({}, AT_ONCE), (AT_ONCE, {})])
def test_nothing_moves_into_another_session(a, b):
    received = sent(of_run(BOT, "1"), interaction_id="1")
    history = [opened(at=0), {**received, "at": 10}, opened(at=90_000), {**received, "at": 90_010}, opened(at=90_020)]
    (alone, moved) = compared(history, a, b)
    assert {alone.kind, moved.kind} == {"gained" if b else "lost", "moved"}
    assert {each.timestamp_micros - START_MS * 1_000 for each in (moved.a, moved.b)} == {90_010_000_000, 90_020_000_000}


@pytest.mark.parametrize("swap", [False, True])
def test_a_session_that_begins_under_one_alone_is_another(swap):
    history = [opened(), sent(), opened(at=3_700)]
    a, b = {}, {**AT_ONCE, "session_gap_s": 3_600}
    found = compared(history, b, a) if swap else compared(history, a, b)
    assert {each.kind for each in found} == {"gained", "lost"}
    assert len(found) == 2


def test_a_session_that_ends_elsewhere_forgets_what_was_said_of_the_visitor_and_the_page():
    history = [visited(user_id="u", page={"url": "/a"}), joined(at=3_700)]
    (changed,) = compared(history, {}, {"session_gap_s": 3_600})
    assert (changed.kind, changed.fields) == ("changed", ("user_id", "page"))


def test_a_copy_from_another_tab_within_the_window_is_no_event():
    history = [clicked(BOT, tab_id="left", at=0), clicked(BOT, tab_id="right", at=3)]
    assert told(compared(history, {}, {"tab_window_s": 2})) == [("gained", "Chatbot_button_interaction")]
    assert told(compared(history, {"tab_window_s": 2}, {})) == [("lost", "Chatbot_button_interaction")]


def test_an_answer_that_is_credited_to_another_automation_is_reattributed():
    # Whether the message of the other tab is new decides which automation's stands last.
    history = [sent(PROMO, tab_id="left", at=0), sent(BOT, at=1), sent(PROMO, tab_id="right", at=4), typed(at=10)]
    found = compared(history, {"tab_window_s": 3}, {"tab_window_s": 5})
    assert told(found) == [("reattributed", "Auto_message_visitor_reaction"), ("gained", "Chatbot_interaction")]
    assert (found[0].a.automation.id, found[0].b.automation.id) == ("promo", "bot")
    assert found[0].b.name == "Chatbot_visitor_reaction"


def test_a_click_without_a_chatbot_is_credited_to_the_one_received_last_if_that_is_known():
    (button, first) = compared([sent(BOT), clicked(at=3_700)], {}, {"session_gap_s": 3_600})
    assert (button.kind, button.a.automation.id, button.b.automation) == ("reattributed", "bot", None)
    assert (first.kind, first.name) == ("lost", "Chatbot_interaction")


def test_settings_of_the_accounts_are_compared_too():
    said = interactions([joined(), clicked(BOT, page={"measurement_ids": ["G-A"]})])
    found = differences(said, book(), book(account={"api_tracker": "G-API"}))
    assert {each.fields for each in found} == {("trackers",)}
    found = differences(said, book(account={"consent": "required"}), book())
    assert {each.kind for each in found} == {"gained"}


# -- what decides at decoding ------------------------------------------------------------------


RECORD = b'{"type":"agent_joined","agent":{"id":"e","name":"E"},"account_id":"a","session_id":"s","timestamp":%d}'


def test_what_only_one_of_them_takes_is_applied_there_alone():
    a, b, tally = book({"max_ahead_s": 10}), book({"max_ahead_s": 5}), Tally()
    records = [(START_MS, START_MS), (START_MS + 5_001, START_MS), (START_MS + 5_002, START_MS + 2)]
    said = [EitherBook(a, b).decode(RECORD % at_ms, arrived_ms) for at_ms, arrived_ms in records]
    lost = [each.a.timestamp_micros for each in differences(said, a, b, tally)]
    assert lost == [], "an agent's second join is the same join"
    assert +tally.counts == {"events_a": 1, "events_b": 1, "sessions_a": 1, "sessions_b": 1, "refused_b": 1}
    assert told(differences(said[1:2], a, b)) == [("lost", "Agent_served_conversation")]
    assert told(differences(said[1:2], b, a)) == [("gained", "Agent_served_conversation")]
    assert differences(said[1:2], a, a) == []


@pytest.mark.parametrize("swap", [False, True])
def test_what_is_decoded_is_what_either_takes_and_a_dead_letter_what_both_refuse(swap):
    books = [book({"max_ahead_s": 10, "unknown_types": "dead_letter"}), book({"max_ahead_s": 5})]
    either = EitherBook(*reversed(books) if swap else books)
    for ahead_ms, kind in ((5_000, Instant), (5_001, Ahead), (10_000, Ahead)):
        decoded = either.decode(RECORD % (START_MS + ahead_ms), START_MS)
        assert type(decoded.timestamp) is kind
        assert decoded == books[0].decode(RECORD % (START_MS + ahead_ms), START_MS)
    assert isinstance(either.decode(RECORD % (START_MS + 10_001), START_MS), Fault)
    assert type(either.decode(RECORD % (START_MS + 5_001), -1).timestamp) is Instant, "nobody knows when it arrived"
    assert isinstance(either.decode(b'{"type":"x"}', START_MS), Unknown)
    assert either.options.unknown_types == "ignore"
    assert isinstance(EitherBook(books[0], books[0]).decode(b'{"type":"x"}', START_MS), Fault)


def test_it_goes_to_another_process_as_it_is():
    said = interactions([sent(), opened("widget")])
    a, b = book(), book({"widget_open_counts": True})
    there, either = pickle.loads(pickle.dumps((Comparison(a, b), EitherBook(a, b))))
    assert type(either.decode(RECORD % (START_MS + 3_600_000), START_MS).timestamp) is Instant
    assert list(there.lines(said, Tally())) == [encode_difference(each) for each in differences(said, a, b)]


# -- whatever the history, whatever the rules ----------------------------------------------------

BOOKS = st.builds(book, OPTIONS, ACCOUNTS)


def made(said, of):
    return [event for _, decision in decisions(said, of) for event in decision.events]


def bare(event):
    return None if event is None else replace(event, rules_version="")


@examples(60)
@given(histories(), BOOKS)
def test_a_rule_set_compared_with_itself_gives_nothing(said, either):
    assert differences(said, either, either) == []


@examples(150)
@given(histories(), BOOKS, BOOKS)
def test_the_differences_account_for_every_event_of_both(said, a, b):
    found = differences(said, a, b)
    of_a, of_b = (Counter(map(bare, made(said, each))) for each in (a, b))
    alone_a = Counter(bare(each.a) for each in found if each.a)
    alone_b = Counter(bare(each.b) for each in found if each.b)
    assert alone_a <= of_a
    assert alone_b <= of_b
    assert of_a - alone_a == of_b - alone_b, "what is no difference is the same under both"


@examples(100)
@given(histories(), BOOKS, BOOKS)
def test_swapping_the_rule_sets_swaps_lost_and_gained(said, a, b):
    swapped = {"lost": "gained", "gained": "lost"}
    there = Counter(
        (swapped.get(each.kind, each.kind), each.b, each.a, each.fields) for each in differences(said, a, b)
    )
    assert Counter((each.kind, each.a, each.b, each.fields) for each in differences(said, b, a)) == there


@examples(100)
@given(histories(), BOOKS, BOOKS)
def test_nothing_is_lost_and_gained_at_once(said, a, b):
    found = differences(said, a, b)
    what = {
        side: {
            (event.name, event.automation, event.caused_by, event.timestamp_micros)
            for each in found
            if each.kind == kind and (event := each.a or each.b)
        }
        for side, kind in (("a", "lost"), ("b", "gained"))
    }
    assert what["a"] & what["b"] == set(), "the same event of another session would be one that changed"
