"""Products: what is made of a session key's interactions, and counted."""

from collections import Counter

from schemas.account import Account, Accounts
from schemas.decoding import session_key
from schemas.ga_event import decode_event
from streams.attribution import RuleBook
from streams.replay import Events, Tally
from streams.replay.products import TO_NO_TRACKER, KeyedEvents, keyed
from tests.streams.attribution.builders import a, interactions, rated, sent, typed


def test_what_came_of_a_session_is_counted():
    product, tally = Events(RuleBook(accounts=Accounts(default=Account(consent="required")))), Tally()
    said = interactions(
        [
            sent(interaction_id="1", consent={"analytics": True}),
            sent(interaction_id="1"),
            typed(tab_id="1", at=20),
            typed(tab_id="2", at=21),
            typed(at=30),
            typed(at=30),
            rated("good", "fine", consent={"analytics": False}, at=40),
            a("visit_started", at=90_000),
        ]
    )
    names = [decode_event(event).name for event in product.lines(said, tally)]
    assert names == ["Chatbot_sent", "Chatbot_interaction", "Chatbot_visitor_reaction"]
    assert tally.events == Counter(names)
    assert tally.duplicates == {"same_id": 1, "tab_copy": 1, "exact_copy": 1}
    assert tally.dropped_for_consent == 1
    assert tally.sessions == 2


def test_events_that_nobody_will_receive_are_counted():
    said = interactions([sent(interaction_id="1")])
    for trackers, counted in (("", 1), ("G-TRACKER1", 0)):
        tally = Tally()
        book = RuleBook(accounts=Accounts(default=Account(api_tracker=trackers)))
        assert len(list(Events(book).lines(said, tally))) == 1
        assert tally.counts[TO_NO_TRACKER] == counted


def test_an_event_of_a_topic_comes_after_its_record_key():
    said = interactions([sent(interaction_id="1")])
    (line,) = KeyedEvents(RuleBook()).lines(said, Tally())
    (event,) = Events(RuleBook()).lines(said, Tally())
    assert keyed(line) == (session_key(said[0]).encode(), event)
