"""CONTRACT §3, Session, and §2, Context: where a session ends, and what it remembers of the visitor."""

import re

import pytest

from schemas.session import MAX_COOKIES, MAX_MEASUREMENT_IDS, MAX_READ, MAX_TEXT
from tests.streams.attribution.builders import (
    BOT,
    DEFAULTS,
    START_MICROS,
    all_events,
    all_names,
    closed,
    decisions,
    interaction,
    joined,
    last,
    names,
    opened,
    rules,
    sent,
    session_after,
    typed,
    viewed_page,
)

DAY_S = 86_400
HALF_HOUR_S = 1_800
START_MS = START_MICROS // 1_000


def of_visitor(record):
    return {**record, "session_id": None, "visitor_id": "v"}


# -- where a session ends ---------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "gap_s"), [pytest.param(dict, DAY_S, id="session"), pytest.param(of_visitor, HALF_HOUR_S, id="visitor")]
)
def test_a_gap_over_the_length_ends_the_session_exactly_the_length_does_not(made, gap_s):
    first = made(typed(at=0))
    assert names([first, made(typed(at=gap_s))]) == []
    assert names([first, made(typed(at=gap_s + 0.000001))]) == ["Visitor_started_conversation"]


@pytest.mark.parametrize(
    ("made", "option"),
    [pytest.param(dict, "session_gap_s", id="session"), pytest.param(of_visitor, "visitor_gap_s", id="visitor")],
)
def test_both_gaps_are_options(made, option):
    pair = [made(typed(at=0)), made(typed(at=60.5))]
    assert names(pair, rules({option: 60})) == ["Visitor_started_conversation"]
    assert names(pair, rules({option: 60.5})) == []


def test_a_visitor_id_beside_a_session_id_does_not_shorten_the_gap():
    assert names([typed(at=0, visitor_id="v"), typed(at=HALF_HOUR_S + 1, visitor_id="v")]) == []


def test_a_gap_is_from_the_latest_event_time_applied():
    assert names([typed(at=0), typed(at=1_000), typed(at=500), typed(at=DAY_S + 1_000)]) == []
    assert names([typed(at=1_000), typed(at=0), typed(at=DAY_S + 1_000)]) == []


def test_an_earlier_time_is_no_gap():
    assert names([typed(at=0), typed(at=-10 * DAY_S)]) == []
    assert names([of_visitor(typed(at=0)), of_visitor(typed(at=-DAY_S))]) == []


def test_everything_is_forgotten_and_the_interaction_meets_an_empty_state():
    said = {"page": {"url": "/", "measurement_ids": ["G-A"]}, "user_id": "u", "user_agent": "x", "language": "cs"}
    before = [
        sent(
            BOT,
            at=0,
            visitor_id="v",
            consent={"analytics": True},
            ga={"client_id": "1.2", "cookies": {"_ga": "GA1.1.3.4"}},
            **said,
        ),
        opened(at=1),
        typed(at=2, conversation_id="c"),
        joined(at=3),
    ]
    now = typed(at=DAY_S + 4)
    assert session_after([*before, now]) == session_after([now])
    assert last([*before, now]) == last([now])


def test_consent_too_is_forgotten():
    required = rules(consent="required")
    first = typed(at=0, consent={"analytics": True})
    assert names([first, form_like({"at": DAY_S})], required) == ["Auth_form_filled"]
    assert names([first, form_like({"at": DAY_S + 1})], required) == []
    refused = typed(at=0, consent={"analytics": False})
    assert names([refused, typed(at=DAY_S + 1)]) == ["Visitor_started_conversation"]


def test_the_open_box_is_forgotten_and_the_runs_waiting_to_be_viewed():
    by = rules({"viewed_when_already_open": True})
    assert names([opened(at=0), sent(BOT, at=DAY_S)], by) == ["Chatbot_sent", "Chatbot_viewed"]
    assert names([opened(at=0), sent(BOT, at=DAY_S + 1)], by) == ["Chatbot_sent"]
    assert names([sent(BOT, at=0), opened(at=DAY_S + 1)]) == []


# -- its name ---------------------------------------------------------------------


def test_a_session_has_the_session_id_given():
    assert {event.session_id for event in all_events([typed(), sent(BOT), opened()])} == {"s"}
    assert last([typed(at=0), typed(at=2 * DAY_S)])[0].session_id == "s"


def test_a_visitors_session_is_named_by_visitor_and_epoch_milliseconds_of_its_first_applied_interaction():
    history = [of_visitor(record) for record in (sent(BOT, at=0.0019), typed(at=-5), sent(BOT, at=HALF_HOUR_S + 1))]
    assert [event.session_id for event in all_events(history)] == [
        f"v@{START_MS + 1}",
        f"v@{START_MS + 1}",
        f"v@{START_MS + 1}",
        f"v@{START_MS + (HALF_HOUR_S + 1) * 1000}",
    ]


# -- context ----------------------------------------------------------------------

PAGE = {"url": "/a", "title": "A", "referrer": "/r"}


def field(name):
    return lambda event: getattr(event, name)


@pytest.mark.parametrize(
    ("first", "second", "read", "one", "two"),
    [
        pytest.param({"user_id": "u"}, {"user_id": "w"}, field("user_id"), "u", "w", id="user_id"),
        pytest.param({"user_agent": "x"}, {"user_agent": "y"}, field("user_agent"), "x", "y", id="user_agent"),
        pytest.param({"user_agent": "x"}, {"user_agent": ""}, field("user_agent"), "x", "", id="an empty user_agent"),
        pytest.param({"language": "cs"}, {"language": "en"}, field("language"), "cs", "en", id="language"),
        pytest.param({"language": "cs"}, {"language": ""}, field("language"), "cs", "", id="an empty language"),
        pytest.param(
            {"ga": {"client_id": "1.1"}},
            {"ga": {"client_id": "2.2"}},
            field("client_id"),
            "1.1",
            "2.2",
            id="ga.client_id",
        ),
        pytest.param(
            {"consent": {"marketing": True}},
            {"consent": {"marketing": False}},
            lambda event: event.consent.marketing,
            True,
            False,
            id="consent.marketing",
        ),
        pytest.param(
            {"page": {"measurement_ids": ["G-A"]}, "ga": {"session_id": "1"}},
            {"ga": {"session_id": "2"}},
            lambda event: event.trackers[0].session_id,
            "1",
            "2",
            id="ga.session_id",
        ),
        pytest.param(
            {"page": {"measurement_ids": ["G-A"]}, "ga": {"cookies": {"_ga_A": "GS1.1.7.1"}}},
            {"ga": {"cookies": {"_ga_A": "GS1.1.8.1"}}},
            lambda event: event.trackers[0].session_id,
            "7",
            "8",
            id="a cookie",
        ),
        pytest.param(
            {"page": {"url": "/a"}}, {"page": {"url": "/b"}}, lambda event: event.page.url, "/a", "/b", id="page"
        ),
        pytest.param(
            {"page": {"measurement_ids": ["G-A"]}},
            {"page": {"measurement_ids": ["G-B"]}},
            lambda event: [tracker.id for tracker in event.trackers],
            ["G-A"],
            ["G-B"],
            id="measurement_ids",
        ),
    ],
)
def test_what_an_interaction_leaves_out_is_what_was_last_said(first, second, read, one, two):
    history = [sent(BOT), form_like(first), form_like(), form_like(second), form_like()]
    assert [read(event) for event in all_events(history)[1:]] == [one, one, two, two]


def form_like(said=None):
    return {"type": "contact_form_sent", **(said or {})}


def test_consent_analytics_is_remembered_by_itself():
    history = [form_like({"consent": {"analytics": True}}), form_like({"consent": {"marketing": False}}), form_like()]
    assert [(event.consent.analytics, event.consent.marketing) for event in all_events(history)] == [
        (True, None),
        (True, False),
        (True, False),
    ]
    assert all_names([form_like({"consent": {"analytics": False}}), form_like({"consent": {"marketing": True}})]) == []


def test_each_is_remembered_by_itself():
    history = [
        form_like({"user_id": "u", "ga": {"client_id": "1.2"}}),
        form_like({"language": "cs", "ga": {"session_id": "9"}}),
        form_like({"user_agent": "x"}),
    ]
    event = last(history)[0]
    assert (event.user_id, event.client_id, event.language, event.user_agent) == ("u", "1.2", "cs", "x")


def test_what_nothing_was_said_of_is_null():
    event = last([form_like()])[0]
    assert (event.page, event.user_id, event.user_agent, event.language) == (None, None, None, None)
    assert (event.consent.analytics, event.consent.marketing) == (None, None)


def test_interactions_that_send_nothing_say_it_too():
    assert last([viewed_page(user_id="u"), closed(language="cs"), form_like()])[0].user_id == "u"


def test_it_is_what_was_last_applied_not_what_is_latest_by_event_time():
    assert (
        last([form_like({"user_id": "new", "at": 100}), form_like({"user_id": "late", "at": 0}), form_like()])[
            0
        ].user_id
        == "late"
    )


def test_a_page_is_remembered_as_a_whole():
    event = last([form_like({"page": PAGE}), form_like({"page": {"url": "/b"}})])[0]
    assert (event.page.url, event.page.title, event.page.referrer) == ("/b", None, None)
    empty = last([form_like({"page": PAGE}), form_like({"page": {}})])[0]
    assert (empty.page.url, empty.page.title, empty.page.referrer) == (None, None, None)


def test_a_page_that_is_null_is_no_page():
    assert last([form_like({"page": PAGE}), form_like({"page": None})])[0].page.url == "/a"


@pytest.mark.parametrize(
    ("page", "ids"),
    [
        pytest.param({"url": "/b"}, ["G-A"], id="a page that lists none leaves the last list standing"),
        pytest.param({"url": "/b", "measurement_ids": None}, ["G-A"], id="null is as absent"),
        pytest.param({"url": "/b", "measurement_ids": []}, [], id="an empty list empties it"),
        pytest.param({"url": "/b", "measurement_ids": ["nonsense"]}, [], id="a list of none that GA knows is empty"),
    ],
)
def test_a_pages_measurement_ids_are_remembered_apart(page, ids):
    history = [form_like({"page": {"measurement_ids": ["G-A"]}}), form_like({"page": page})]
    event = last(history)[0]
    assert event.page.url == "/b"
    assert [tracker.id for tracker in event.trackers] == ids


# -- cookies ----------------------------------------------------------------------


def cookies(**by_name):
    return form_like({"ga": {"cookies": by_name}})


def streams(count, first=0):
    return {f"_ga_N{n}": f"GS1.1.{1000 + n}.1" for n in range(first, first + count)}


def listing(*ids):
    return form_like({"page": {"measurement_ids": list(ids)}})


def session_ids(history):
    return {tracker.id: tracker.session_id for tracker in last(history)[0].trackers}


def test_cookies_are_remembered_by_name():
    history = [
        cookies(_ga_A="GS1.1.1.1"),
        cookies(_ga_B="GS1.1.2.1"),
        cookies(_ga_A="GS1.1.3.1"),
        listing("G-A", "G-B"),
    ]
    assert session_ids(history) == {"G-A": "3", "G-B": "2"}


def test_a_malformed_cookie_counts_as_absent_what_was_known_stands():
    history = [cookies(_ga_A="GS1.1.1.1", _ga="GA1.1.1.2"), cookies(_ga_A="nonsense", _ga="nonsense"), listing("G-A")]
    assert session_ids(history) == {"G-A": "1"}
    assert last(history)[0].client_id == "1.2"


def test_a_cookie_that_is_null_counts_as_absent():
    assert session_ids([cookies(_ga_A="GS1.1.1.1"), cookies(_ga_A=None), listing("G-A")]) == {"G-A": "1"}


def test_the_first_16_names_of_the_session_count_others_do_not():
    assert MAX_COOKIES == 16
    known = session_ids([cookies(**streams(10)), cookies(**streams(10, 10)), listing(*(f"G-N{n}" for n in range(20)))])
    start = str(START_MICROS // 1_000_000)
    assert known == {f"G-N{n}": str(1000 + n) if n < 16 else start for n in range(20)}


def test_a_name_that_counts_goes_on_counting():
    history = [cookies(**streams(16)), cookies(_ga_N3="GS1.1.77.1", _ga_N99="GS1.1.78.1"), listing("G-N3", "G-N99")]
    assert session_ids(history) == {"G-N3": "77", "G-N99": str(START_MICROS // 1_000_000)}


def test_a_malformed_cookie_is_no_name_of_the_16_nor_is_one_that_is_not_gas():
    history = [
        cookies(**{f"_ga_BAD{n}": "nonsense" for n in range(20)}, **{f"_gid{n}": "GA1.1.1.2" for n in range(20)}),
        cookies(**streams(15), _ga="GA1.1.5.6"),
        listing("G-N14"),
    ]
    assert session_ids(history) == {"G-N14": "1014"}
    assert last(history)[0].client_id == "5.6"


def test_ga_itself_is_one_of_the_16_names():
    assert re.fullmatch(r"[0-9]+\.[0-9]+", last([cookies(**streams(16)), cookies(_ga="GA1.1.5.6")])[0].client_id)
    assert last([cookies(**streams(16)), cookies(_ga="GA1.1.5.6")])[0].client_id != "5.6"


def test_only_ga_and_ga_underscore_are_looked_at():
    history = [
        form_like(
            {"ga": {"cookies": {"ga": "GA1.1.1.2", "_gat": "GA1.1.1.2", "_gac_A": "GS1.1.1.1", "_GA": "GA1.1.1.2"}}}
        ),
        listing("G-A"),
    ]
    assert last(history)[0].client_id != "1.2"
    assert session_ids(history) == {"G-A": str(START_MICROS // 1_000_000)}


# -- reasons ----------------------------------------------------------------------


def test_the_session_rule_says_whether_one_begins_goes_on_or_ended():
    said = [decision.reasons[0] for decision in decisions([typed(at=0), typed(at=DAY_S), typed(at=2 * DAY_S + 1)])]
    assert [(reason.rule, reason.outcome) for reason in said] == [
        ("session", "fired"),
        ("session", "held"),
        ("session", "fired"),
    ]
    assert "silence" in said[2].why
    assert said[0].why != said[2].why


def test_a_session_keeps_whether_it_is_a_visitors():
    assert session_after([of_visitor(typed())]).of_visitor
    assert not session_after([typed(visitor_id="v")]).of_visitor
    assert DEFAULTS.gap_micros(of_visitor=True) == HALF_HOUR_S * 1_000_000
    assert interaction(of_visitor(typed())).session_id is None


# -- bounds that the contract does not set and state needs ------------------------


@pytest.mark.parametrize("name", ["user_agent", "language"])
def test_a_remembered_text_is_cut_far_beyond_what_google_takes(name):
    assert getattr(last([form_like({name: "x" * MAX_TEXT})])[0], name) == "x" * MAX_TEXT
    assert getattr(last([form_like({name: "x" * (MAX_TEXT + 1)})])[0], name) == "x" * MAX_TEXT


def test_so_are_a_pages_texts_and_an_automations_name():
    long = "👍" * (MAX_TEXT + 1)
    page = last([form_like({"page": {"url": long, "title": long, "referrer": long}})])[0].page
    assert {page.url, page.title, page.referrer} == {long[:-1]}
    assert last([sent({**BOT, "name": long})])[0].label == long[:-1]


def test_a_pages_measurement_ids_are_bounded():
    ids = [f"G-{n}" for n in range(MAX_MEASUREMENT_IDS + 1)]
    assert [tracker.id for tracker in last([listing("nonsense", *ids[:1], *ids)])[0].trackers] == ids[:-1]


def test_so_are_a_cookies_name_and_what_is_read_from_it():
    stream, start = "A" * (MAX_READ - 4), str(START_MICROS // 1_000_000)
    digits = "1" * MAX_READ
    assert session_ids([cookies(**{f"_ga_{stream}": f"GS1.1.{digits}.1"}), listing(f"G-{stream}")]) == {
        f"G-{stream}": digits
    }
    too_long = [
        cookies(**{f"_ga_{stream}A": "GS1.1.5.1", "_ga_B": f"GS1.1.{digits}1.1"}),
        listing(f"G-{stream}A", "G-B"),
    ]
    assert session_ids(too_long) == {f"G-{stream}A": start, "G-B": start}
