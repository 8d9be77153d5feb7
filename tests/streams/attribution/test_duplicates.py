"""CONTRACT §3, Duplicates and Order: what says nothing new changes nothing."""

from typing import Any, Final

import pytest
from msgspec.structs import replace

from schemas.session import DIGEST_BYTES, MAX_CONTENTS, MAX_IDENTITIES, encode_session
from streams.attribution.identity import given_digest
from tests.streams.attribution.builders import (
    ADAM,
    BOT,
    BOT_2,
    EVA,
    HELLO,
    PROMO,
    a,
    agent_wrote,
    all_events,
    clicked,
    closed,
    decisions,
    decisions_on,
    duplicate,
    ended,
    form,
    interactions,
    joined,
    left,
    names,
    of_run,
    opened,
    rated,
    rules,
    sent,
    session_after,
    typed,
    viewed_page,
    visited,
)

TABS: Final[list[dict[str, Any]]] = [{"tab_id": "left"}, {"tab_id": "right"}]


# -- 1: the same interaction_id ---------------------------------------------------


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(typed("hi", interaction_id="i", at=0), id="to the letter"),
        pytest.param(typed("other", interaction_id="i", at=0), id="with other content"),
        pytest.param(rated(5, interaction_id="i", at=0), id="of another type"),
        pytest.param(typed("hi", interaction_id="i", at=86_400), id="a day later"),
        pytest.param(typed("hi", interaction_id="i", at=-86_400), id="a day earlier"),
        pytest.param(typed("hi", interaction_id="i", at=0, tab_id="right"), id="from another tab"),
        pytest.param(typed("hi", interaction_id="i", at=0, tab_id="left"), id="from the same tab"),
    ],
)
def test_1_the_same_interaction_id_is_a_duplicate(again):
    assert duplicate([typed("hi", interaction_id="i", at=0, tab_id="left"), again]) == "same_id"


def test_1_another_interaction_id_is_another_interaction_though_all_else_is_the_same():
    assert duplicate([typed(interaction_id="i", at=0, **TABS[0]), typed(interaction_id="j", at=0, **TABS[1])]) is None


def test_1_with_an_interaction_id_the_other_two_checks_are_not_asked():
    assert duplicate([typed(at=0, **TABS[0]), typed(at=0, interaction_id="i", **TABS[1])]) is None
    assert duplicate([typed(at=0, interaction_id="i", **TABS[0]), typed(at=0, **TABS[1])]) is None


def test_1_an_interaction_id_of_another_session_is_another_interaction():
    assert duplicate([typed(interaction_id="i", at=0), typed(interaction_id="i", at=86_401)]) is None


def test_1_an_interaction_id_that_looks_like_a_hash_is_not_taken_for_one():
    hashed = all_events([typed(at=0)])[0].caused_by[0]
    assert duplicate([typed(at=0), typed(interaction_id=hashed, at=0)]) is None
    assert duplicate([typed(interaction_id=hashed, at=0), typed(at=0)]) is None


# -- 2: the same content and the same instant -------------------------------------

SAME_CONTENT = [
    pytest.param(typed(in_reply_to="x"), typed(in_reply_to="x"), id="to the letter"),
    pytest.param(typed(), typed(online=True), id="online is true by default"),
    pytest.param(opened(), opened("launcher"), id="via is launcher by default"),
    pytest.param(clicked(BOT), clicked(BOT, is_back=False), id="is_back is false by default"),
    pytest.param(rated("good"), rated(5), id="a rating is the same in every spelling"),
    pytest.param(rated("BON"), rated("good"), id="in every language and letter case"),
    pytest.param(rated(5, " \n"), rated(5), id="a feedback text of white space only is no text"),
    pytest.param(typed("  "), typed(None), id="a message of white space only says nothing"),
    pytest.param(sent(BOT), sent({**BOT, "name": "Renamed"}), id="an automation's name is not content"),
    pytest.param(joined(EVA), joined({**EVA, "name": "Eva N."}), id="an agent's name is not content"),
    pytest.param(typed(), typed(page={"url": "/other"}), id="the page is not content"),
    pytest.param(typed(), typed(user_id="u", consent={"analytics": True}), id="context is not content"),
    pytest.param(typed(tab_id="left"), typed(tab_id="right"), id="the tab is not content"),
    pytest.param(typed(visitor_id="v"), typed(visitor_id="w"), id="the visitor is not content"),
    pytest.param(
        a("goal_completed", goal={"name": "order", "value": 10}),
        a("goal_completed", goal={"name": "order", "value": 10.0}),
        id="10 and 10.0 are one value",
    ),
    pytest.param(
        a("goal_completed", goal={"name": "order", "value": 0}),
        a("goal_completed", goal={"name": "order", "value": -0.0}),
        id="0 and -0.0 are one value",
    ),
    pytest.param(agent_wrote(EVA), agent_wrote({**EVA, "name": ""}), id="an agent's message by the agent's id"),
]

OTHER_CONTENT = [
    pytest.param(visited(), viewed_page(), id="type"),
    pytest.param(joined(EVA), left(EVA), id="type of two that hold the same"),
    pytest.param(typed(), typed(conversation_id="c"), id="conversation as given"),
    pytest.param(sent(BOT), sent({**BOT, "kind": "trigger"}), id="automation kind"),
    pytest.param(sent(BOT), sent({**BOT, "id": "x"}), id="automation id"),
    pytest.param(sent(BOT), sent(of_run(BOT, "1")), id="automation run"),
    pytest.param(clicked(BOT), clicked(BOT_2), id="a button's automation"),
    pytest.param(clicked(BOT), clicked(None), id="a button's automation, or none"),
    pytest.param(clicked(BOT, "Yes"), clicked(BOT, "No"), id="button"),
    pytest.param(clicked(BOT), clicked(BOT, is_back=True), id="is_back"),
    pytest.param(joined(EVA), joined(ADAM), id="agent who joins"),
    pytest.param(left(EVA), left(ADAM), id="agent who leaves"),
    pytest.param(agent_wrote(EVA), agent_wrote(ADAM), id="agent who writes"),
    pytest.param(agent_wrote(EVA), agent_wrote(None), id="agent who writes, or none"),
    pytest.param(rated(5), rated(3), id="rating"),
    pytest.param(rated(5, "a"), rated(5, "b"), id="feedback text"),
    pytest.param(rated(5, "a"), rated(5, "a "), id="feedback text to the last blank"),
    pytest.param(typed("a"), typed("b"), id="text"),
    pytest.param(typed("a"), typed(None), id="text or none"),
    pytest.param(typed(), typed(online=False), id="online"),
    pytest.param(typed(), typed(in_reply_to="bot"), id="in_reply_to"),
    pytest.param(opened("launcher"), opened("popup"), id="via"),
    pytest.param(
        a("goal_completed", goal={"name": "order"}), a("goal_completed", goal={"name": "visit"}), id="goal name"
    ),
    pytest.param(
        a("goal_completed", goal={"name": "order", "value": 1}),
        a("goal_completed", goal={"name": "order", "value": 2}),
        id="goal value",
    ),
    pytest.param(
        a("goal_completed", goal={"name": "order", "currency": "CZK"}),
        a("goal_completed", goal={"name": "order", "currency": "EUR"}),
        id="goal currency",
    ),
]


@pytest.mark.parametrize(("first", "again"), SAME_CONTENT)
def test_2_the_same_content_at_the_same_instant_is_a_duplicate(first, again):
    assert duplicate([{**first, "at": 0}, {**again, "at": 0}]) == "exact_copy"


@pytest.mark.parametrize(("first", "other"), OTHER_CONTENT)
def test_2_other_content_at_the_same_instant_is_another_interaction(first, other):
    assert duplicate([{**first, "at": 0}, {**other, "at": 0}]) is None
    assert duplicate([{**other, "at": 0}, {**first, "at": 0}]) is None


@pytest.mark.parametrize(("first", "other"), OTHER_CONTENT)
def test_3_other_content_from_another_tab_is_another_interaction(first, other):
    assert duplicate([{**first, "at": 0, **TABS[0]}, {**other, "at": 1, **TABS[1]}]) is None


@pytest.mark.parametrize(
    "silent", [form(), ended(), visited(), viewed_page(), closed()], ids=lambda record: record["type"]
)
def test_2_of_what_says_nothing_but_its_type_the_instant_decides(silent):
    assert duplicate([{**silent, "at": 0}, {**silent, "at": 0}]) == "exact_copy"
    assert duplicate([{**silent, "at": 0}, {**silent, "at": 0.000001}]) is None


def test_2_the_same_instant_in_every_spelling_is_the_same():
    spellings = ["2024-01-01T12:00:00Z", "2024-01-01t13:00:00.0000009+01:00", 1_704_110_400_000]
    assert [decision.duplicate for decision in decisions([typed(timestamp=spelled) for spelled in spellings])] == [
        None,
        "exact_copy",
        "exact_copy",
    ]


def test_2_not_only_the_last_one_counts():
    assert duplicate([typed("a", at=0), typed("a", at=1), typed("b", at=2), typed("a", at=0)]) == "exact_copy"


def test_2_both_are_without_an_interaction_id():
    assert duplicate([typed(interaction_id="i", at=0), typed(at=0)]) is None
    assert duplicate([typed(at=0), typed(interaction_id="i", at=0)]) is None


def test_1_and_2_the_last_1000_identities_applied_are_remembered():
    assert MAX_IDENTITIES == 1_000
    others = [closed(interaction_id=f"o{n}") for n in range(500)] + [closed(at=10_000 + n) for n in range(499)]
    for first, check in ((typed(interaction_id="i", at=0), "same_id"), (typed(at=0), "exact_copy")):
        assert duplicate([first, *others, first]) == check
        assert duplicate([first, *others, closed(interaction_id="one more"), first]) is None


def test_1_and_2_a_duplicate_is_not_applied_so_it_keeps_nothing_in_memory():
    first = typed(interaction_id="i", at=0)
    others = [closed(interaction_id=f"o{n}") for n in range(999)]
    assert duplicate([first, *others, first, closed(interaction_id="one more"), first]) is None


# -- 3: a copy from another tab ---------------------------------------------------


@pytest.mark.parametrize(
    ("apart", "check"),
    [
        pytest.param(0.000001, "tab_copy", id="a microsecond later"),
        pytest.param(5, "tab_copy", id="exactly the window later"),
        pytest.param(5.000001, None, id="a microsecond past the window"),
        pytest.param(-5, "tab_copy", id="exactly the window before"),
        pytest.param(-5.000001, None, id="a microsecond further before"),
    ],
)
def test_3_another_tabs_copy_at_most_5_s_away_before_or_after(apart, check):
    assert duplicate([typed(at=100, **TABS[0]), typed(at=100 + apart, **TABS[1])]) == check


def test_3_tab_window_s_is_an_option():
    pair = [typed(at=0, **TABS[0]), typed(at=2.000001, **TABS[1])]
    assert duplicate(pair, rules({"tab_window_s": 2})) is None
    assert duplicate(pair, rules({"tab_window_s": 2.000001})) == "tab_copy"
    assert duplicate([pair[0], typed(at=0, **TABS[1])], rules({"tab_window_s": 0})) == "exact_copy"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({}, TABS[1], id="the first names none"),
        pytest.param(TABS[0], {}, id="the second names none"),
        pytest.param({}, {}, id="neither names one"),
    ],
)
def test_3_both_name_a_tab(first, second):
    assert duplicate([typed(at=0, **first), typed(at=1, **second)]) is None


def test_3_the_same_tab_repeating_itself_is_a_new_interaction():
    assert duplicate([typed(at=0, **TABS[0]), typed(at=1, **TABS[0])]) is None


def test_3_it_is_the_last_one_applied_that_counts():
    history = [typed(at=0, **TABS[0]), typed(at=1, **TABS[0])]
    assert duplicate([*history, typed(at=6, **TABS[1])]) == "tab_copy"
    assert duplicate([*history, typed(at=6.000001, **TABS[1])]) is None
    assert duplicate([typed(at=10, **TABS[0]), typed(at=1, **TABS[0]), typed(at=12, **TABS[1])]) is None
    assert duplicate([typed(at=0, **TABS[0]), typed(at=20, **TABS[1]), typed(at=1, **TABS[1])]) is None


def test_3_one_without_a_tab_is_the_last_one_too():
    assert duplicate([typed(at=0, **TABS[0]), typed(at=1), typed(at=2, **TABS[1])]) is None


def test_3_a_copy_is_not_applied_so_the_tabs_do_not_hand_the_window_on():
    copies = [typed(at=at, tab_id=f"t{at}") for at in (0, 4, 8)]
    assert [decision.duplicate for decision in decisions(copies)] == [None, "tab_copy", None]


def test_3_one_with_an_interaction_id_is_not_the_last_one():
    history = [typed(at=0, **TABS[0]), typed(at=1, interaction_id="i", **TABS[1]), typed(at=2, **TABS[1])]
    assert duplicate(history) == "tab_copy"


def test_3_the_context_is_no_part_of_it():
    assert (
        duplicate([typed(at=0, page={"url": "/a"}, **TABS[0]), typed(at=1, page={"url": "/b"}, **TABS[1])])
        == "tab_copy"
    )


def test_3_the_64_contents_applied_last_are_remembered():
    assert MAX_CONTENTS == 64
    first, copy = typed("first", at=0, **TABS[0]), typed("first", at=1, **TABS[1])
    others = [typed(f"other {n}", at=2) for n in range(64)]
    assert duplicate([first, *others[:63], copy]) == "tab_copy"
    assert duplicate([first, *others, copy]) is None


def test_3_contents_are_remembered_by_when_they_were_applied_last():
    first, again = typed("first", at=0, **TABS[0]), typed("first", at=1, **TABS[0])
    others = [typed(f"other {n}", at=2) for n in range(63)]
    history = [first, *others, again, typed("one more", at=2), typed("first", at=3, **TABS[1])]
    assert duplicate(history) == "tab_copy"


# -- what a duplicate changes: nothing --------------------------------------------

LOUD: Final[dict[str, Any]] = {
    "page": {"url": "/new", "measurement_ids": ["G-NEW"]},
    "user_id": "new",
    "consent": {"analytics": False},
    "ga": {"client_id": "9.9", "cookies": {"_ga": "GA1.1.8.8"}},
    "conversation_id": "c",
}


@pytest.mark.parametrize(
    ("first", "copy"),
    [
        pytest.param(typed(interaction_id="i", at=0), typed(interaction_id="i", at=900, **LOUD), id="same_id"),
        pytest.param(typed(at=0, conversation_id="c"), typed(at=0, **LOUD), id="exact_copy"),
        pytest.param(typed(at=0, conversation_id="c", **TABS[0]), typed(at=5, **LOUD, **TABS[1]), id="tab_copy"),
    ],
)
def test_a_duplicate_changes_no_context_no_conversation_and_no_latest_event_time(first, copy):
    assert duplicate([first, copy]) is not None
    assert encode_session(session_after([first, copy])) == encode_session(session_after([first]))


def test_a_duplicate_does_not_hold_its_session_open():
    history = [typed(interaction_id="i", at=0), typed(interaction_id="i", at=80_000), typed(at=86_401)]
    assert names(history) == ["Visitor_started_conversation"]


def test_the_session_is_looked_at_first_so_past_the_gap_nothing_is_a_duplicate():
    assert duplicate([typed(at=0, **TABS[0]), typed(at=86_401, interaction_id="i"), typed(at=0, **TABS[0])]) is None


def test_an_interactions_identity_is_its_interaction_id():
    assert all_events([typed(interaction_id="i")])[0].caused_by == ("i",)


def test_else_a_hash_of_content_and_instant():
    def identity(record):
        return all_events([record])[0].caused_by[0]

    assert identity(typed("a", at=0)) == identity(typed("a", at=0, tab_id="x", page={"url": "/"}, visitor_id="v"))
    assert len({identity(typed("a", at=0)), identity(typed("b", at=0)), identity(typed("a", at=1))}) == 3


# -- Order ------------------------------------------------------------------------


def test_interactions_are_applied_in_the_order_in_which_they_arrive():
    early, late = sent(BOT, at=100), sent(PROMO, at=0)
    assert names([early, late, typed(at=200)]) == ["Auto_message_visitor_reaction"]
    assert names([late, early, typed(at=200)]) == ["Chatbot_interaction", "Chatbot_visitor_reaction"]


def test_a_late_one_changes_nothing_already_sent():
    first = [typed(at=100)]
    events = all_events([*first, sent(HELLO, at=0)])
    assert events[: len(all_events(first))] == all_events(first)
    assert [event.name for event in events] == ["Visitor_started_conversation", "Trigger_message_sent"]


def test_a_digest_is_found_whole_and_not_across_two_that_lie_one_behind_the_other():
    digest, half = given_digest("i"), b"\x00" * (DIGEST_BYTES // 2)
    (known,) = decisions([closed()])
    across = replace(known.session, identities=half + digest + half)
    again = interactions([typed(interaction_id="i", at=1)])
    assert decisions_on(again, session=across)[0].duplicate is None
    assert decisions_on(again, session=replace(across, identities=across.identities + digest))[0].duplicate == "same_id"
