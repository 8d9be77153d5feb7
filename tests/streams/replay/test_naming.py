"""Names of sessions: of their own, and by what they hold."""

import pytest

from streams.attribution import RuleBook
from streams.replay import Holding, Named, Sent, Tally
from streams.replay.naming import Keys, decode_key, visitor_of
from tests.streams.attribution.builders import BOT, all_events, interactions, joined, sent, typed


@pytest.mark.parametrize(
    ("name", "ids", "may_be"),
    [
        pytest.param("s", ("acme", "s", "v"), True, id="its session id"),
        pytest.param("acme/s/s", ("acme", "s", None), True, id="its key"),
        pytest.param("beta/s/s", ("acme", "s", None), False, id="another account's key"),
        pytest.param("v", ("acme", "s", "v"), False, id="the visitor of one with an id"),
        pytest.param("v", ("acme", None, "v"), True, id="its visitor"),
        pytest.param("acme/v/v", ("acme", None, "v"), True, id="its visitor's key"),
        pytest.param("v@5", ("acme", None, "v"), True, id="a visitor's, perhaps"),
        pytest.param("v@x", ("acme", None, "v"), False, id="no beginning"),
        pytest.param("v@5", ("acme", None, "v@5"), True, id="a visitor named like that"),
        pytest.param("None", ("acme", None, None), False, id="nobody"),
    ],
)
def test_a_session_goes_by_these_names(name, ids, may_be):
    assert Named(name).may_be(*ids) is may_be
    assert Named(name, "acme").may_be(*ids) is may_be
    assert Named(name, "other").may_be(*ids) is False


def test_the_visitor_of_a_session_stands_before_its_beginning():
    assert [visitor_of(name) for name in ("v@5", "a@b@5", "v", "v@", "@5")] == ["v", "a@b", None, None, ""]


SAID = interactions([joined(visitor_id="v"), joined(conversation_id="c"), typed(visitor_id="v", conversation_id="c")])


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        (Holding(visitor="v"), [True, False, True]),
        (Holding(conversation="c"), [False, True, True]),
        (Holding(conversation="c", account="acme"), [False, True, True]),
        (Holding(conversation="c", account="beta"), [False, False, False]),
        (Holding(), [False, False, False]),
    ],
    ids=str,
)
def test_an_interaction_holds_what_it_names(asked, held):
    assert [asked.held_by(said) for said in SAID] == held
    keys = list(Keys(asked, RuleBook()).lines(iter(SAID), Tally()))
    assert keys == ([b'"acme/s/s"'] if any(held) else []), "once"


def test_the_key_of_an_event_is_that_of_the_session_that_sends_it():
    history = [sent(BOT, session_id="a\nb"), typed(session_id="a\nb")]
    for event in all_events(history):
        lines = list(Keys(Sent(event.event_id), RuleBook()).lines(iter(interactions(history)), Tally()))
        assert [decode_key(line) for line in lines] == ["acme/s/a\nb"]
        assert b"\n" not in lines[0]
        assert list(Keys(Sent(event.event_id, "beta"), RuleBook()).lines(iter(interactions(history)), Tally())) == []
    assert list(Keys(Sent("x"), RuleBook()).lines(iter(interactions(history)), Tally())) == []


def test_what_was_asked_for_is_told_in_words():
    assert [str(each) for each in (Named("s"), Holding(visitor="v"), Holding(conversation="c"), Sent("e", "acme"))] == [
        "session 's'",
        "visitor 'v'",
        "conversation 'c'",
        "event 'e' of account 'acme'",
    ]
