"""CONTRACT §3, Consent: without it nothing is sent; state moves on all the same."""

import pytest

from tests.streams.attribution.builders import (
    BOT,
    all_names,
    decisions,
    form,
    names,
    opened,
    rules,
    sent,
    session_after,
    typed,
    viewed_page,
)

IMPLIED, REQUIRED = rules(consent="implied"), rules(consent="required")
YES, NO = {"analytics": True}, {"analytics": False}


@pytest.mark.parametrize(
    ("consent", "implied", "required"),
    [
        pytest.param(None, True, False, id="nothing is known"),
        pytest.param({}, True, False, id="nothing is said"),
        pytest.param({"analytics": None}, True, False, id="null is as absent"),
        pytest.param({"marketing": True}, True, False, id="marketing is another matter"),
        pytest.param({"marketing": False}, True, False, id="refused marketing is another matter"),
        pytest.param(YES, True, True, id="given"),
        pytest.param(NO, False, False, id="refused"),
        pytest.param({**NO, "marketing": True}, False, False, id="refused, though marketing is given"),
    ],
)
def test_analytics_false_drops_the_events_required_also_while_it_is_unknown(consent, implied, required):
    assert bool(names([form(consent=consent)], IMPLIED)) is implied
    assert bool(names([form(consent=consent)], REQUIRED)) is required


def test_the_interaction_that_gives_or_refuses_it_is_the_first_it_holds_for():
    assert [
        len(decision.events)
        for decision in decisions([form(), form(consent=YES), form(), form(consent=NO), form()], REQUIRED)
    ] == [
        0,
        1,
        1,
        0,
        0,
    ]


def test_all_events_of_an_interaction_are_dropped():
    assert names([sent(BOT), typed(online=False, consent=NO)]) == []


def test_nothing_is_queued():
    assert names([sent(BOT, consent=NO), viewed_page(consent=YES)]) == []


def test_state_moves_on_all_the_same():
    assert names([sent(BOT, consent=NO), opened(consent=YES)]) == ["Chatbot_viewed"]
    assert names([sent(BOT, consent=NO), sent(BOT, consent=YES)]) == []
    assert names([sent(BOT), opened(consent=NO), opened(consent=YES)]) == []
    assert names([sent(BOT), typed(consent=NO), typed(consent=YES)]) == []
    refused, given = (session_after([sent(BOT, consent=said), typed(), opened()], REQUIRED) for said in (NO, YES))
    assert (refused.runs, refused.answered, refused.conversations) == (given.runs, given.answered, given.conversations)


def test_a_dropped_first_interaction_was_the_first():
    history = [sent(BOT), typed(consent=NO), sent({**BOT, "run_id": "2"}, consent=YES), typed()]
    assert all_names(history) == ["Chatbot_sent", "Chatbot_sent", "Chatbot_visitor_reaction"]


def test_a_dropped_start_was_the_start():
    assert names([typed(consent=NO), typed(consent=YES)]) == []
