"""The 17 events of CONTRACT §3, row by row, and the order of the events of one interaction."""

from copy import deepcopy
from typing import Final, get_args

import pytest

from schemas.ga_event import CATEGORY, LEGACY_NAMES, EventName
from schemas.session import encode_session
from streams.attribution import step
from tests.streams.attribution.builders import (
    ADAM,
    BOT,
    BOT_2,
    DEFAULTS,
    EVA,
    HELLO,
    PROMO,
    agent_wrote,
    all_events,
    all_names,
    clicked,
    closed,
    decisions,
    ended,
    form,
    interaction,
    joined,
    last,
    left,
    names,
    of_run,
    opened,
    rated,
    reached_goal,
    rules,
    sent,
    session_after,
    typed,
    viewed_page,
    visited,
)

NAMES: Final = get_args(EventName)
BOT_1: Final = of_run(BOT, "1")

# name, what came before, what brings it, its label, its value
ROWS: Final = [
    pytest.param("Chatbot_sent", [], sent(BOT), "Bot", None, id="Chatbot_sent: chatbot received"),
    pytest.param(
        "Chatbot_interaction", [sent(BOT)], typed(), "Bot", None, id="Chatbot_interaction: answers a chatbot by message"
    ),
    pytest.param(
        "Chatbot_interaction",
        [sent(BOT)],
        clicked(BOT),
        "Bot",
        None,
        id="Chatbot_interaction: answers a chatbot by button",
    ),
    pytest.param(
        "Chatbot_button_interaction",
        [sent(BOT)],
        clicked(BOT, "Prices"),
        "Prices",
        None,
        id="Chatbot_button_interaction: reply button clicked",
    ),
    pytest.param("Chatbot_viewed", [sent(BOT)], opened(), "Bot", None, id="Chatbot_viewed: opens the box"),
    pytest.param("Chatbot_viewed", [sent(BOT)], opened("popup"), "Bot", None, id="Chatbot_viewed: clicks Let's chat"),
    pytest.param(
        "Chatbot_visitor_reaction",
        [sent(BOT)],
        typed(),
        "Bot",
        None,
        id="Chatbot_visitor_reaction: answers with a typed message",
    ),
    pytest.param("Auto_message_sent", [], sent(PROMO), "Promo", None, id="Auto_message_sent: received"),
    pytest.param(
        "Auto_message_viewed", [sent(PROMO)], opened(), "Promo", None, id="Auto_message_viewed: opens the box"
    ),
    pytest.param(
        "Auto_message_viewed",
        [sent(PROMO)],
        opened("popup"),
        "Promo",
        None,
        id="Auto_message_viewed: clicks Let's chat",
    ),
    pytest.param(
        "Auto_message_visitor_reaction",
        [sent(PROMO)],
        typed(),
        "Promo",
        None,
        id="Auto_message_visitor_reaction: typed answer",
    ),
    pytest.param(
        "Auto_message_visitor_reaction",
        [sent({**PROMO, "id": "first", "name": "First"}), sent(BOT), sent(PROMO)],
        typed(),
        "Promo",
        None,
        id="Auto_message_visitor_reaction: with several automations, to the last",
    ),
    pytest.param(
        "Visitor_started_conversation",
        [],
        typed(),
        None,
        None,
        id="Visitor_started_conversation: writes and nothing came before",
    ),
    pytest.param(
        "Agent_served_conversation", [typed()], joined(EVA), "Eva", None, id="Agent_served_conversation: joins"
    ),
    pytest.param("Auth_form_filled", [], form(), None, None, id="Auth_form_filled: contact form sent"),
    pytest.param(
        "Offline_message_sent", [], typed(online=False), None, None, id="Offline_message_sent: to an offline box"
    ),
    pytest.param("Feedback_sent", [], rated(5), "Good", 5, id="Feedback_sent: 5 is Good"),
    pytest.param("Feedback_sent", [], rated(3), "Normal", 3, id="Feedback_sent: 3 is Normal"),
    pytest.param("Feedback_sent", [], rated(1), "Bad", 1, id="Feedback_sent: 1 is Bad"),
    pytest.param(
        "Feedback_text_sent", [], rated(text="Fine"), "Fine", None, id="Feedback_text_sent: text filled in and sent"
    ),
    pytest.param("Trigger_message_sent", [], sent(HELLO), "Hello", None, id="Trigger_message_sent: received"),
    pytest.param(
        "Trigger_message_viewed", [sent(HELLO)], opened(), "Hello", None, id="Trigger_message_viewed: opens the box"
    ),
    pytest.param(
        "Trigger_message_viewed",
        [sent(HELLO)],
        opened("popup"),
        "Hello",
        None,
        id="Trigger_message_viewed: clicks Let's chat",
    ),
    pytest.param(
        "Trigger_visitor_reaction", [sent(HELLO)], typed(), "Hello", None, id="Trigger_visitor_reaction: typed answer"
    ),
]

# name, a history, how often the event comes of it
CARDINALITIES: Final = [
    pytest.param("Chatbot_sent", [sent(BOT_1)] * 3, 1, id="Chatbot_sent: once per run"),
    pytest.param("Chatbot_sent", [sent(BOT_1), sent(of_run(BOT, "2"))], 2, id="Chatbot_sent: another run, another one"),
    pytest.param(
        "Chatbot_interaction",
        [sent(BOT), typed(), clicked(BOT), sent(BOT_2), typed(), clicked(BOT_2)],
        1,
        id="Chatbot_interaction: first one only, once per session",
    ),
    pytest.param(
        "Chatbot_interaction",
        [sent(BOT), clicked(BOT), ended(), sent(BOT), typed()],
        1,
        id="Chatbot_interaction: not once per conversation",
    ),
    pytest.param("Chatbot_button_interaction", [clicked(BOT)] * 3, 3, id="Chatbot_button_interaction: every click"),
    pytest.param(
        "Chatbot_button_interaction",
        [clicked(BOT, is_back=True)],
        0,
        id='Chatbot_button_interaction: not a "back" button',
    ),
    pytest.param(
        "Chatbot_viewed", [sent(BOT_1), opened(), sent(BOT_1), opened()], 1, id="Chatbot_viewed: once per run"
    ),
    pytest.param(
        "Chatbot_visitor_reaction",
        [sent(BOT_1), typed(), sent(BOT_1), typed()],
        1,
        id="Chatbot_visitor_reaction: once per run",
    ),
    pytest.param("Auto_message_sent", [sent(PROMO)] * 3, 1, id="Auto_message_sent: once per run"),
    pytest.param(
        "Auto_message_viewed", [sent(PROMO), opened(), closed(), opened()], 1, id="Auto_message_viewed: once per run"
    ),
    pytest.param(
        "Auto_message_visitor_reaction",
        [sent(PROMO), typed(), typed()],
        1,
        id="Auto_message_visitor_reaction: once per run",
    ),
    pytest.param(
        "Visitor_started_conversation",
        [typed(), typed(), agent_wrote(), typed()],
        1,
        id="Visitor_started_conversation: once per conversation",
    ),
    pytest.param(
        "Visitor_started_conversation",
        [typed(conversation_id="a"), typed(conversation_id="b"), typed(conversation_id="a")],
        2,
        id="Visitor_started_conversation: another conversation, another one",
    ),
    pytest.param(
        "Agent_served_conversation",
        [joined(EVA), left(EVA), joined(EVA), joined(ADAM)],
        3,
        id="Agent_served_conversation: per join",
    ),
    pytest.param("Auth_form_filled", [form()] * 3, 3, id="Auth_form_filled: each"),
    pytest.param("Offline_message_sent", [typed(online=False)] * 3, 3, id="Offline_message_sent: each"),
    pytest.param("Feedback_sent", [rated(5)] * 3, 3, id="Feedback_sent: each"),
    pytest.param("Feedback_text_sent", [rated(text="Fine")] * 3, 3, id="Feedback_text_sent: each"),
    pytest.param("Trigger_message_sent", [sent(HELLO)] * 3, 1, id="Trigger_message_sent: once per run"),
    pytest.param(
        "Trigger_message_viewed", [sent(HELLO), opened(), opened()], 1, id="Trigger_message_viewed: once per run"
    ),
    pytest.param(
        "Trigger_visitor_reaction", [sent(HELLO), typed(), typed()], 1, id="Trigger_visitor_reaction: once per run"
    ),
]

LEGACY: Final = [
    ("Chatbot_sent", "Chatbot sent"),
    ("Chatbot_interaction", "Chatbot interaction"),
    ("Chatbot_button_interaction", "Chatbot button interaction"),
    ("Chatbot_viewed", "Chatbot message viewed"),
    ("Chatbot_visitor_reaction", "Chatbot started conversation"),
    ("Auto_message_sent", "Chatbot sent"),
    ("Auto_message_viewed", "Chatbot message viewed"),
    ("Auto_message_visitor_reaction", "Auto message started a conversation"),
    ("Visitor_started_conversation", "Visitor started conversation"),
    ("Agent_served_conversation", "Conversation served"),
    ("Auth_form_filled", "Auth form filled"),
    ("Offline_message_sent", "Offline message sent"),
    ("Feedback_sent", "Feedback sent"),
    ("Feedback_text_sent", "Feedback sent"),
    ("Trigger_message_sent", "Triggered message sent"),
    ("Trigger_message_viewed", "Triggered message viewed"),
    ("Trigger_visitor_reaction", "Trigger started conversation"),
]


@pytest.mark.parametrize(("name", "history", "now", "label", "value"), ROWS)
def test_sent_when(name, history, now, label, value):
    found = [event for event in last([*history, now]) if event.name == name]
    assert [(event.label, event.value) for event in found] == [(label, value)]


@pytest.mark.parametrize(("name", "history", "times"), CARDINALITIES)
def test_cardinality(name, history, times):
    assert all_names(history).count(name) == times


@pytest.mark.parametrize(("name", "legacy"), LEGACY, ids=NAMES)
def test_legacy_name(name, legacy):
    assert LEGACY_NAMES[name] == legacy


def test_the_tables_above_have_every_one_of_the_17_events():
    assert len(NAMES) == 17
    assert {row.values[0] for row in ROWS} == {row.values[0] for row in CARDINALITIES} == set(NAMES)
    assert tuple(name for name, _ in LEGACY) == tuple(LEGACY_NAMES) == NAMES


def test_the_category_is_smartsupp_v3():
    everything = all_events([sent(BOT), opened(), typed(online=False), joined(), form(), rated(5, "Fine")])
    assert {event.category for event in everything} == {CATEGORY} == {"Smartsupp_v3"}


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(closed(), id="box_closed"),
        pytest.param(left(), id="agent_left"),
        pytest.param(agent_wrote(), id="agent_message"),
        pytest.param(ended(), id="conversation_closed"),
        pytest.param(visited(), id="visit_started"),
        pytest.param(viewed_page(), id="page_viewed"),
        pytest.param(reached_goal(), id="goal_completed"),
    ],
)
def test_what_sends_no_event_whatever_came_before(silent):
    assert names([sent(BOT), opened("widget"), joined(), typed(), silent]) == []


@pytest.mark.parametrize(
    ("history", "then", "by"),
    [
        pytest.param(
            [opened(), sent(BOT)],
            ["Chatbot_sent", "Chatbot_viewed"],
            rules({"viewed_when_already_open": True}),
            id="sent, viewed",
        ),
        pytest.param(
            [sent(BOT), clicked(BOT)],
            ["Chatbot_button_interaction", "Chatbot_interaction"],
            DEFAULTS,
            id="button, interaction",
        ),
        pytest.param(
            [sent(BOT), typed(online=False)],
            ["Chatbot_interaction", "Chatbot_visitor_reaction", "Offline_message_sent"],
            DEFAULTS,
            id="interaction, reaction, offline",
        ),
        pytest.param(
            [typed(online=False)],
            ["Visitor_started_conversation", "Offline_message_sent"],
            DEFAULTS,
            id="started, offline",
        ),
        pytest.param([rated(5, "Fine")], ["Feedback_sent", "Feedback_text_sent"], DEFAULTS, id="rating, rating text"),
    ],
)
def test_order_of_events_of_one_interaction(history, then, by):
    assert names(history, by) == then


# -- the call itself --------------------------------------------------------------


def test_step_leaves_its_arguments_as_they_were():
    before = session_after([sent(BOT), joined(), typed(ga={"cookies": {"_ga": "GA1.1.1.2"}})])
    bytes_before = encode_session(before)
    record = interaction(typed("more", ga={"cookies": {"_ga": "GA1.1.3.4"}}), 7)
    said = deepcopy(record)
    after = step(before, record, DEFAULTS).session
    assert encode_session(after) != bytes_before
    assert encode_session(before) == bytes_before
    assert record == said


def test_a_duplicate_gives_back_the_same_session_and_no_event():
    before, after = decisions([typed(interaction_id="i"), typed(interaction_id="i")])
    assert after.session is before.session
    assert after.events == ()
    assert before.duplicate is None
    assert after.duplicate == "same_id"


def test_a_decision_tells_events_dropped_for_consent_from_none():
    refused = {"analytics": False}
    dropped, nothing, sent_on = decisions(
        [sent(BOT, consent=refused), closed(), sent(PROMO, consent={"analytics": True})]
    )
    assert (dropped.dropped_for_consent, dropped.events) == (True, ())
    assert (nothing.dropped_for_consent, nothing.events) == (False, ())
    assert not sent_on.dropped_for_consent
    assert sent_on.events


@pytest.mark.parametrize(
    ("history", "now", "then"),
    [
        pytest.param(
            [sent(BOT)], typed(), ["Chatbot_interaction", "Chatbot_visitor_reaction"], id="text answers the chatbot"
        ),
        pytest.param([sent(BOT), typed()], typed(), [], id="once per run"),
        pytest.param(
            [sent(BOT), sent(PROMO)], typed(), ["Auto_message_visitor_reaction"], id="the last one is the target"
        ),
        pytest.param([sent(BOT), agent_wrote()], typed(), [], id="after an agent, the agent is"),
    ],
)
def test_typed_text_answers_the_last_automation(history, now, then):
    """The heart of it; every reading of the target is in test_automations.py."""
    decision = step(session_after(history), interaction(now, len(history)), DEFAULTS)
    assert [event.name for event in decision.events] == then
