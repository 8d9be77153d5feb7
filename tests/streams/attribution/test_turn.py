"""CONTRACT §2: what an event carries."""

import re

import pytest

from schemas.account import Account
from schemas.options import RULES_VERSION
from streams.attribution import RuleBook, Rules
from tests.streams.attribution.builders import (
    BOT,
    BOT_2,
    EVA,
    HELLO,
    PROMO,
    START_MICROS,
    all_events,
    clicked,
    decisions,
    ended,
    form,
    joined,
    last,
    of_run,
    opened,
    rated,
    rules,
    sent,
    typed,
    visited,
)

START_S = str(START_MICROS // 1_000_000)
EVERYTHING = [sent(BOT), sent(PROMO), opened(), clicked(BOT), typed(online=False), joined(), form(), rated(5, "Fine")]


def listing(*ids, **ga):
    return form(page={"measurement_ids": list(ids)}, ga=ga or None)


def trackers(history, by=rules()):  # noqa: B008 - a value, never changed
    return [(tracker.id, tracker.session_id) for tracker in last(history, by)[0].trackers]


# -- event_id ---------------------------------------------------------------------


def test_event_id_is_the_same_however_often_it_is_computed():
    assert all_events(EVERYTHING) == all_events(EVERYTHING)


def test_event_ids_of_a_session_differ():
    ids = [event.event_id for event in all_events(EVERYTHING)]
    assert len(set(ids)) == len(ids)


def test_event_id_is_of_account_session_name_subject_and_the_interaction_that_fired_the_rule():
    def first(**changed):
        return all_events([sent(of_run(BOT, "1"), interaction_id="i", **changed)])[0].event_id

    base = first()
    assert base != first(account_id="beta")
    assert base != first(session_id="t")
    assert base != all_events([sent(of_run(BOT, "1"), interaction_id="j")])[0].event_id
    assert base != all_events([sent(of_run(BOT, "2"), interaction_id="i")])[0].event_id
    assert base != all_events([sent(of_run(PROMO, "1"), interaction_id="i")])[0].event_id
    assert base == first(at=7, page={"url": "/"}, tab_id="t", user_id="u", consent={"analytics": True})


def test_event_ids_of_runs_viewed_at_once_differ_though_the_runs_look_alike():
    history = [sent(BOT, conversation_id="a"), sent(BOT, conversation_id="b"), opened(interaction_id="o")]
    one, two = last(history)
    assert one.automation == two.automation
    assert one.event_id != two.event_id


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(joined(EVA, interaction_id="i"), joined({**EVA, "id": "x"}, interaction_id="i"), id="agent"),
        pytest.param(clicked(BOT, "A", interaction_id="i"), clicked(BOT, "B", interaction_id="i"), id="button"),
        pytest.param(
            typed(conversation_id="a", interaction_id="i"),
            typed(conversation_id="b", interaction_id="i"),
            id="conversation",
        ),
    ],
)
def test_event_id_is_of_its_subject(one, two):
    assert last([one])[0].event_id != last([two])[0].event_id


# -- timestamp and caused_by ------------------------------------------------------


def test_timestamp_is_the_time_of_the_interaction_that_fired():
    history = [sent(BOT, at=0), opened(at=1.000001), typed(at=-3.5)]
    times = [(event.name, event.timestamp_micros - START_MICROS) for event in all_events(history)]
    assert times == [
        ("Chatbot_sent", 0),
        ("Chatbot_viewed", 1_000_001),
        ("Chatbot_interaction", -3_500_000),
        ("Chatbot_visitor_reaction", -3_500_000),
    ]


RECEIVED = [sent(of_run(BOT, "1"), interaction_id="first"), sent(of_run(BOT, "1"), interaction_id="second")]


@pytest.mark.parametrize(
    ("history", "caused_by"),
    [
        pytest.param(RECEIVED[:1], [("first",)], id="sent: its receipt is the interaction itself"),
        pytest.param([*RECEIVED, opened(interaction_id="o")], [("o", "first")], id="viewed"),
        pytest.param(
            [*RECEIVED, typed(interaction_id="t")],
            [("t", "first")] * 2,
            id="interaction and reaction: the first receipt",
        ),
        pytest.param([*RECEIVED, clicked(BOT, interaction_id="c")], [("c", "first")] * 2, id="button and interaction"),
        pytest.param(
            [*RECEIVED, clicked(None, interaction_id="c")], [("c", "first")] * 2, id="button that names no chatbot"
        ),
        pytest.param([clicked(BOT, interaction_id="c")], [("c",)] * 2, id="button of one never received"),
        pytest.param([typed(interaction_id="t")], [("t",)], id="started"),
        pytest.param([*RECEIVED, joined(interaction_id="j")], [("j",)], id="agent"),
        pytest.param([*RECEIVED, rated(5, "a", interaction_id="f")], [("f",)] * 2, id="feedback"),
    ],
)
def test_caused_by_is_the_interaction_then_the_runs_first_receipt(history, caused_by):
    assert [event.caused_by for event in last(history)] == caused_by


def test_caused_by_of_one_viewed_as_it_arrives_is_that_one_interaction():
    by = rules({"viewed_when_already_open": True})
    assert [event.caused_by for event in last([opened(), sent(BOT, interaction_id="i")], by)] == [("i",), ("i",)]


def test_caused_by_of_an_offline_answer_tells_the_message_alone_from_the_reaction():
    events = last([sent(BOT, interaction_id="r"), typed(interaction_id="t", online=False)])
    assert [(event.name, event.caused_by) for event in events] == [
        ("Chatbot_interaction", ("t", "r")),
        ("Chatbot_visitor_reaction", ("t", "r")),
        ("Offline_message_sent", ("t",)),
    ]


# -- automation -------------------------------------------------------------------


def test_automation_is_on_sent_viewed_button_interaction_and_reaction_events_null_on_the_others():
    history = [*EVERYTHING, ended(), typed(), sent(HELLO), opened(), typed()]
    having = {event.name for event in all_events(history) if event.automation is not None}
    without = {event.name for event in all_events(history) if event.automation is None}
    assert not having & without
    assert without == {
        "Visitor_started_conversation",
        "Agent_served_conversation",
        "Auth_form_filled",
        "Offline_message_sent",
        "Feedback_sent",
        "Feedback_text_sent",
    }


def test_automation_is_the_one_credited():
    event = last([sent(of_run(BOT, "r")), typed()])[0].automation
    assert (event.kind, event.id, event.name, event.run_id) == ("chatbot", "bot", "Bot", "r")
    assert last([sent(BOT)])[0].automation.run_id is None


@pytest.mark.parametrize(
    ("history", "labels"),
    [
        pytest.param([sent({**BOT, "name": ""})], [None], id="automation"),
        pytest.param([joined({**EVA, "name": ""})], [None], id="agent"),
        pytest.param([sent(BOT), clicked(BOT, "")], [None, "Bot"], id="button"),
    ],
)
def test_an_empty_label_is_null(history, labels):
    assert [event.label for event in last(history)] == labels


def test_a_name_of_white_space_is_a_label():
    assert last([sent({**BOT, "name": " "})])[0].label == " "


# -- conversation_id --------------------------------------------------------------


def test_conversation_id_is_that_of_the_interaction_that_fired_also_where_the_run_came_in_another_one():
    history = [sent(BOT, conversation_id="a"), typed(conversation_id="b"), opened(conversation_id="a"), opened()]
    assert [event.conversation_id for event in all_events(history)] == ["a", "b", "a"]
    answered = last([sent(BOT, conversation_id="a"), typed(conversation_id="b", in_reply_to="bot")])
    assert [event.conversation_id for event in answered] == ["b", "b"]


def test_conversation_id_is_null_while_the_conversation_is_nameless():
    assert [
        event.conversation_id for event in all_events([sent(BOT), opened(), typed(conversation_id="c"), form()])
    ] == [
        None,
        None,
        "c",
        "c",
        "c",
    ]


# -- client_id --------------------------------------------------------------------


def client_ids(history):
    return [event.client_id for event in all_events(history)]


def test_client_id_is_that_of_ga_else_the_cookies_else_derived():
    cookie = form(ga={"cookies": {"_ga": "GA1.1.3.4"}})
    told = form(ga={"client_id": "any text"})
    derived, *others = client_ids([form(), cookie, told, form(ga={"cookies": {"_ga": "GA1.1.5.6"}})])
    assert others == ["3.4", "any text", "any text"]
    assert re.fullmatch(r"[0-9]+\.[0-9]+", derived)


def test_the_derived_client_id_is_two_numbers_below_2_to_the_31():
    halves = [int(half) for n in range(200) for half in client_ids([form(visitor_id=f"v{n}")])[0].split(".")]
    assert all(0 <= half < 1 << 31 for half in halves)
    assert max(halves) > 1 << 30, "all 31 bits are used"


def test_the_derived_client_id_is_of_account_and_visitor_not_of_the_session():
    def derived(**of):
        return client_ids([form(**of)])[0]

    assert derived(visitor_id="v", session_id="s") == derived(visitor_id="v", session_id="t")
    assert derived(visitor_id="v", session_id="s") == derived(visitor_id="v", session_id=None)
    assert derived(visitor_id="v", at=0) == derived(visitor_id="v", at=1)
    assert derived(visitor_id="v") != derived(visitor_id="w")
    assert derived(visitor_id="v") != derived(visitor_id="v", account_id="beta")


def test_the_derived_client_id_is_of_the_session_id_where_the_first_interaction_has_no_visitor():
    assert client_ids([form(session_id="s")]) != client_ids([form(session_id="t")])
    assert client_ids([form(session_id="s")]) != client_ids([form(session_id="s", visitor_id="v")])


def test_the_derived_client_id_is_the_same_for_the_whole_session():
    assert len(set(client_ids([form(visitor_id="v"), form(), form(visitor_id="w"), form(at=-50, visitor_id="x")]))) == 1
    assert len(set(client_ids([form(), form(visitor_id="w")]))) == 1


def test_the_derived_client_id_is_of_the_sessions_first_interaction_whatever_its_time():
    assert (
        client_ids([form(visitor_id="v", at=10), form(visitor_id="w", at=0)]) == client_ids([form(visitor_id="v")]) * 2
    )


# -- trackers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "ids"),
    [
        pytest.param(rules(), ["G-PAGE1", "UA-1-2"], id="the page's ids"),
        pytest.param(rules(measurement_ids=["G-OWN"]), ["G-PAGE1", "UA-1-2"], id="the account's ids only under manual"),
        pytest.param(
            rules(measurement="manual", measurement_ids=["G-OWN", "UA-9-9"]), ["G-OWN", "UA-9-9"], id="manual"
        ),
        pytest.param(rules(measurement="manual"), [], id="manual without ids"),
        pytest.param(
            rules(measurement="manual", measurement_ids=["G-OWN"], api_tracker="UA-7-7"),
            ["UA-7-7"],
            id="api_tracker wins over manual",
        ),
        pytest.param(rules(api_tracker="G-API"), ["G-API"], id="api_tracker wins over auto"),
    ],
)
def test_trackers_are_an_exclusive_choice(by, ids):
    assert [known for known, _ in trackers([listing("G-PAGE1", "UA-1-2")], by)] == ids


@pytest.mark.parametrize(
    ("listed", "ids"),
    [
        pytest.param(["UA-1-2", "G-B", "G-A"], ["UA-1-2", "G-B", "G-A"], id="as listed"),
        pytest.param(["G-B", "G-A", "G-B"], ["G-B", "G-A"], id="without repeats"),
        pytest.param(["G-", "G-a", "G-A B", "G-Á", "G-A\n", "XG-A", "g-A", "GT-A", "AW-1"], [], id="G- and A-Z0-9"),
        pytest.param(
            ["UA-1", "UA--1", "UA-1-", "UA-a-1", "UA-1-2-3", "UA-1-2\n", "UA-\u0661-\u0662"],
            [],
            id="UA- digits - digits",
        ),
        pytest.param(["nonsense", "G-0"], ["G-0"], id="the others stand"),
        pytest.param([], [], id="none"),
    ],
)
def test_a_pages_ids_of_the_forms_that_ga_knows(listed, ids):
    assert [known for known, _ in trackers([listing(*listed)])] == ids


def test_the_accounts_ids_as_listed_and_without_repeats():
    by = rules(measurement="manual", measurement_ids=["UA-1-1", "G-B", "G-A", "G-B"])
    assert [known for known, _ in trackers([form()], by)] == ["UA-1-1", "G-B", "G-A"]


def test_an_account_that_is_not_listed_gets_its_events_and_no_trackers():
    by = RuleBook().of("nobody")
    assert [event.trackers for event in all_events([listing("G-A")], by)] == [()]
    assert [event.name for event in all_events(EVERYTHING, by)] == [event.name for event in all_events(EVERYTHING)]


TOLD = form(
    page={"measurement_ids": ["G-A", "G-B", "UA-1-1"]},
    ga={"session_id": "77", "cookies": {"_ga_A": "GS1.1.5.1", "_ga_1": "GS1.1.6.1", "_ga_-1-1": "GS1.1.6.1"}},
)


def test_a_trackers_session_id_is_from_its_own_cookie_else_ga_session_id():
    assert trackers([TOLD]) == [("G-A", "5"), ("G-B", "77"), ("UA-1-1", "77")]


def test_else_the_epoch_seconds_of_the_sessions_first_applied_interaction():
    assert trackers([typed(at=0.999999), typed(at=-5), listing("G-A", "UA-1-1")]) == [
        ("G-A", START_S),
        ("UA-1-1", START_S),
    ]
    again = [typed(at=0), listing("G-A") | {"at": 86_401}]
    assert trackers(again) == [("G-A", str(int(START_S) + 86_401))]


def test_a_session_id_is_a_string():
    assert all(type(tracker.session_id) is str for event in all_events([TOLD]) for tracker in event.trackers)


# -- what does not change the event -----------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{"plan": "free"}, {"plan": "standard"}, {"naming": "legacy"}, {"region": "eu"}, {"api_secrets": {"G-A": "env:A"}}],
    ids=str,
)
def test_plan_secrets_and_naming_do_not_change_the_event(settings):
    assert all_events(EVERYTHING, rules(**settings)) == all_events(EVERYTHING)


def test_every_event_carries_the_version_of_the_rule_set():
    assert {event.rules_version for event in all_events(EVERYTHING)} == {RULES_VERSION}
    by = rules({"widget_open_counts": True})
    assert {event.rules_version for event in all_events(EVERYTHING, by)} == {by.version} != {RULES_VERSION}


def test_account_and_session_are_the_interactions():
    events = all_events([sent(BOT_2, account_id="beta", session_id="t")], Rules.of(account=Account()))
    assert [(event.account_id, event.session_id) for event in events] == [("beta", "t")]


def test_events_of_a_closed_conversation_keep_its_id_and_the_next_has_none():
    history = [typed(conversation_id="c"), ended(), form()]
    assert [event.conversation_id for event in all_events(history)] == ["c", None]
    assert [decision.events for decision in decisions([ended(), visited()])] == [(), ()]
