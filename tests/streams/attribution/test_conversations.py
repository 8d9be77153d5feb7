"""CONTRACT §3, Conversation and Agent: which conversation an interaction is of, and who has joined it."""

import pytest

from schemas.session import MAX_AGENTS, MAX_CONVERSATIONS, NONE
from tests.streams.attribution.builders import (
    ADAM,
    BOT,
    EVA,
    PROMO,
    agent_wrote,
    all_names,
    clicked,
    closed,
    ended,
    form,
    joined,
    last,
    left,
    names,
    opened,
    rated,
    reached_goal,
    sent,
    session_after,
    typed,
    viewed_page,
    visited,
)

STARTED = ["Visitor_started_conversation"]
TOUCHING = [
    pytest.param(sent(BOT), id="automation"),
    pytest.param(typed(), id="visitor's message"),
    pytest.param(clicked(BOT), id="button"),
    pytest.param(joined(), id="agent joins"),
    pytest.param(left(), id="agent leaves"),
    pytest.param(agent_wrote(), id="agent writes"),
    pytest.param(form(), id="contact form"),
    pytest.param(rated(5), id="feedback"),
]
STANDING_BY = [
    pytest.param(opened(), id="box_opened"),
    pytest.param(closed(), id="box_closed"),
    pytest.param(visited(), id="visit_started"),
    pytest.param(viewed_page(), id="page_viewed"),
    pytest.param(reached_goal(), id="goal_completed"),
]


def of(conversation, record):
    return {**record, "conversation_id": conversation}


def current(history):
    """The id of the conversation that the history's last record leaves as the current one."""
    session = session_after(history)
    if session.current == NONE:
        return "none is current"
    return next(known.id for known in session.conversations if known.serial == session.current)


def conversation_of(history):
    """The conversation of the event that a contact form naming none gives now."""
    return last([*history, form()])[0].conversation_id


# -- whose it is ------------------------------------------------------------------


@pytest.mark.parametrize("record", TOUCHING)
def test_what_is_of_the_conversation_touches_it_so_that_it_becomes_the_current_one(record):
    history = [of("a", typed()), of("b", typed()), of("a", record)]
    assert current(history) == "a"
    assert conversation_of(history) == "a"


@pytest.mark.parametrize("record", TOUCHING)
def test_what_is_of_the_conversation_begins_one_where_its_id_is_not_known(record):
    assert current([of("a", typed()), of("new", record)]) == "new"


@pytest.mark.parametrize("record", TOUCHING)
def test_no_id_is_the_current_conversation(record):
    assert current([of("a", typed()), of("b", typed()), record]) == "b"


@pytest.mark.parametrize("record", TOUCHING)
def test_no_id_and_none_current_begins_a_nameless_one(record):
    assert current([record]) is None
    assert current([of("a", typed()), of("a", ended()), record]) is None


@pytest.mark.parametrize("record", TOUCHING)
def test_a_nameless_current_conversation_takes_an_id_not_known(record):
    history = [typed(), of("a", record)]
    assert current(history) == "a"
    assert len(session_after(history).conversations) == 1


@pytest.mark.parametrize("record", TOUCHING)
def test_a_nameless_current_conversation_does_not_take_an_id_that_is_known(record):
    # a, closed b, a nameless one; a again: both stay.
    history = [of("a", typed()), of("b", typed()), of("b", ended()), typed(), of("a", record)]
    assert current(history) == "a"
    assert [known.id for known in session_after(history).conversations] == [None, "a"]


def test_a_nameless_conversation_that_is_not_current_takes_no_id():
    history = [of("a", typed()), of("b", typed()), of("b", ended()), typed(), of("a", typed()), of("new", typed())]
    assert [known.id for known in session_after(history).conversations] == [None, "a", "new"]


def test_a_conversation_that_took_an_id_is_the_same_conversation():
    assert names([typed(), of("a", typed())]) == []
    assert names([sent(BOT), of("a", sent(BOT)), typed()]) == ["Chatbot_interaction", "Chatbot_visitor_reaction"]
    assert all_names([sent(BOT), of("a", sent(BOT))]) == ["Chatbot_sent"]
    assert names([joined(), of("a", joined())]) == []


def test_an_id_that_is_known_is_that_conversation():
    assert names([of("a", typed()), of("b", typed()), of("a", typed())]) == []


@pytest.mark.parametrize("record", STANDING_BY)
def test_box_visit_page_and_goal_touch_none_and_begin_none(record):
    assert current([record]) == "none is current"
    assert current([of("new", record)]) == "none is current"
    assert current([of("a", typed()), of("b", typed()), of("a", record)]) == "b"
    assert current([of("a", typed()), of("new", record)]) == "a"


@pytest.mark.parametrize("record", STANDING_BY)
def test_a_nameless_one_takes_no_id_from_them(record):
    assert current([typed(), of("a", record)]) is None


@pytest.mark.parametrize(
    ("history", "theirs"),
    [
        pytest.param([of("b", opened())], "b", id="the one they name, though it is not known"),
        pytest.param([of("c", typed()), of("a", opened())], "a", id="the one they name, though another is current"),
        pytest.param([of("c", typed()), opened()], "c", id="naming none, the current one"),
        pytest.param([of("c", typed()), of("c", ended()), opened()], None, id="none, where none is current"),
        pytest.param([typed(), opened()], None, id="none, where the current one is nameless"),
    ],
)
def test_box_visit_page_and_goal_are_of_the_one_they_name_or_the_current_one(history, theirs):
    viewed = last([of("first", sent(BOT)), of("first", ended()), *history])
    assert [event.conversation_id for event in viewed] == [theirs]


# -- closed -----------------------------------------------------------------------


def test_conversation_closed_forgets_the_one_it_names():
    history = [of("a", typed()), of("b", typed()), of("a", ended())]
    assert names([*history, of("a", typed())]) == STARTED
    assert names([*history, of("b", typed())]) == []


def test_conversation_closed_naming_none_forgets_the_current_one():
    history = [of("a", typed()), of("b", typed()), ended()]
    assert names([*history, of("b", typed())]) == STARTED
    assert names([*history, of("a", typed())]) == []


def test_if_that_was_the_current_one_none_is_current():
    assert current([of("a", typed()), of("b", typed()), ended()]) == "none is current"
    assert current([of("a", typed()), of("b", typed()), of("b", ended())]) == "none is current"
    assert conversation_of([of("a", typed()), of("b", typed()), ended()]) is None


def test_if_it_was_not_the_current_one_the_current_one_stays():
    assert current([of("a", typed()), of("b", typed()), of("a", ended())]) == "b"


def test_closing_does_not_touch():
    # a is closed while b is current: nothing becomes current.
    assert conversation_of([of("a", typed()), of("b", typed()), of("a", ended())]) == "b"


def test_closing_an_unknown_id_takes_and_forgets_a_nameless_current_one():
    history = [typed(), of("a", ended())]
    assert current(history) == "none is current"
    assert names([*history, typed()]) == STARTED
    assert session_after(history).conversations == ()


def test_closing_an_unknown_id_otherwise_does_nothing():
    history = [of("b", typed())]
    assert current([*history, of("a", ended())]) == "b"
    assert names([*history, of("a", ended()), typed()]) == []
    assert current([of("a", ended())]) == "none is current"
    # A nameless one that is not current is not the one meant.
    aside = [of("a", typed()), of("b", typed()), of("b", ended()), typed(), of("a", typed())]
    assert [known.id for known in session_after([*aside, of("x", ended())]).conversations] == [None, "a"]


def test_closing_where_none_is_current_does_nothing():
    history = [of("a", typed()), of("b", typed()), ended(), ended()]
    assert names([*history, of("a", typed())]) == []


def test_its_agents_joins_are_forgotten_too():
    assert names([of("a", joined()), of("a", ended()), of("a", joined())]) == ["Agent_served_conversation"]


def test_runs_stay_the_sessions():
    history = [of("a", sent(BOT)), of("a", ended())]
    assert names([*history, opened()]) == ["Chatbot_viewed"]
    assert "Chatbot_visitor_reaction" in names([*history, typed(in_reply_to="bot")])
    assert names([*history, clicked()]) == ["Chatbot_button_interaction", "Chatbot_interaction"]


def test_its_last_message_is_forgotten():
    assert names([of("a", sent(BOT)), of("a", ended()), of("a", typed())]) == STARTED


def test_a_forgotten_id_is_unknown_again():
    # So a nameless current conversation takes it.
    history = [of("a", typed()), of("a", ended()), typed(), of("a", typed())]
    assert names(history) == []
    assert [known.id for known in session_after(history).conversations] == ["a"]


# -- how many are remembered ------------------------------------------------------


def many(count, first=0):
    return [of(f"c{n}", typed()) for n in range(first, first + count)]


def test_the_16_touched_last_are_remembered():
    assert MAX_CONVERSATIONS == 16
    assert names([*many(16), of("c0", typed())]) == []
    assert names([*many(17), of("c0", typed())]) == STARTED
    assert names([*many(17), of("c1", typed())]) == []


def test_a_conversation_touched_again_is_remembered_longer():
    assert names([*many(16), of("c0", form()), *many(1, 16), of("c0", typed())]) == []
    assert names([*many(16), of("c0", form()), *many(1, 16), of("c1", typed())]) == STARTED


def test_one_that_is_only_named_is_not_touched():
    assert names([*many(16), of("c0", opened()), *many(1, 16), of("c0", typed())]) == STARTED


def test_a_nameless_one_is_one_of_the_16():
    history = [of("x", typed()), of("x", ended()), typed(), *many(16)]
    assert len(session_after(history).conversations) == 16


# -- Agent ------------------------------------------------------------------------

SERVED = ["Agent_served_conversation"]


@pytest.mark.parametrize(
    ("history", "then"),
    [
        pytest.param([joined(EVA)], SERVED, id="a join"),
        pytest.param([joined(EVA), joined(EVA)], [], id="repeated without a leave: the same join"),
        pytest.param([joined(EVA), joined({**EVA, "name": "E. N."})], [], id="under another name: the same agent"),
        pytest.param([joined(EVA), left(EVA), joined(EVA)], SERVED, id="after a leave: another join"),
        pytest.param([joined(EVA), joined(ADAM)], SERVED, id="another agent"),
        pytest.param([joined(EVA), left(ADAM), joined(EVA)], [], id="another agent's leave is not theirs"),
        pytest.param([joined(EVA), joined(ADAM), left(ADAM), joined(EVA)], [], id="the first has not left"),
        pytest.param([of("a", joined(EVA)), of("b", joined(EVA))], SERVED, id="another conversation"),
        pytest.param(
            [of("a", joined(EVA)), of("b", joined(EVA)), of("a", joined(EVA))], [], id="each conversation by itself"
        ),
        pytest.param(
            [of("a", joined(EVA)), of("b", left(EVA)), of("a", joined(EVA))], [], id="a leave in another conversation"
        ),
        pytest.param([left(EVA), joined(EVA)], SERVED, id="a leave before any join"),
        pytest.param([joined(EVA), agent_wrote(EVA), typed(), joined(EVA)], [], id="whatever is said meanwhile"),
    ],
)
def test_a_join_repeated_without_a_leave_by_the_same_agent_in_the_same_conversation_is_the_same_join(history, then):
    assert names(history) == then


def test_a_leave_leaves_the_others_joined():
    history = [joined(EVA), joined(ADAM), left(EVA)]
    assert names([*history, joined(ADAM)]) == []
    assert names([*history, joined(EVA)]) == SERVED


def test_the_agents_of_a_conversation_are_bounded_the_one_who_joined_first_goes():
    many_agents = [joined({"id": f"a{n}", "name": "A"}) for n in range(MAX_AGENTS)]
    assert names([*many_agents, many_agents[0]]) == []
    one_more = joined({"id": "one more", "name": "A"})
    assert names([*many_agents, one_more, many_agents[0]]) == SERVED
    assert names([*many_agents, one_more, many_agents[1]]) == []


def test_joins_and_leaves_are_no_messages():
    assert names([sent(PROMO), joined(), left(), typed()]) == ["Auto_message_visitor_reaction"]
    assert names([joined(), left(), typed()]) == STARTED
