"""The engine: what is read, decided and counted."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.interaction import Fault
from streams.attribution import RuleBook
from streams.replay.engine import MAX_NAMES, Engine, Tally, decisions, sort_by_time
from tests.streams.attribution.builders import interaction, interactions, sent, typed

ANY_TIME_MS = -1


def engine():
    return Engine(RuleBook())


def test_each_decision_comes_with_the_session_that_it_met():
    pairs = list(decisions(interactions([sent(), typed(), typed()]), RuleBook()))
    assert pairs[0][0] is None
    assert [before for before, _ in pairs[1:]] == [decision.session for _, decision in pairs[:-1]]


@pytest.mark.parametrize(
    ("raw", "counted"),
    [
        (b"{", Tally(records=1, dead_letters=Counter({"$": 1}))),
        (b'{"type":"new"}', Tally(records=1, unknown=Counter({"new": 1}))),
        (b'{"type":"box_closed"}', Tally(records=1, dead_letters=Counter({"account_id": 1}))),
    ],
)
def test_what_is_no_interaction_is_counted_by_its_fault(raw, counted):
    ours = engine()
    assert not hasattr(ours.read(raw, ANY_TIME_MS), "timestamp")
    assert ours.tally == counted
    assert ours.tally.interactions == 0


def test_of_many_names_the_first_are_counted_one_by_one():
    ours = engine()
    for number in range(2 * MAX_NAMES):
        ours.read(b'{"type":"%d"}' % number, ANY_TIME_MS)
    assert len(ours.tally.unknown) == MAX_NAMES + 1
    assert ours.tally.unknown["others"] == MAX_NAMES


def test_a_line_too_large_is_a_record_and_a_dead_letter():
    ours = engine()
    ours.leave(Fault("$", "too large", "too_large"))
    assert ours.tally == Tally(records=1, dead_letters=Counter({"$": 1}))


@given(st.lists(st.integers(0, 3), max_size=20))
def test_sorting_by_time_keeps_the_order_of_one_instant(seconds):
    said = [interaction(typed(text=str(place), at=at)) for place, at in enumerate(seconds)]
    expected = [place for _, place in sorted((at, place) for place, at in enumerate(seconds))]
    sort_by_time(said)
    assert [int(one.text) for one in said] == expected


names = st.dictionaries(st.text(max_size=90), st.integers(1, 5), max_size=130).map(Counter)


@given(st.lists(names, max_size=4))
def test_tallies_add_up_and_stay_small(counters):
    total = Tally()
    for counter in counters:
        total.add(Tally(records=counter.total(), unknown=counter, dead_letters=counter, events=counter))
    assert total.records == total.unknown.total() == total.dead_letters.total() == total.events.total()
    assert len(total.unknown) <= MAX_NAMES + 1
    assert all(len(name) <= 80 for name in total.unknown)
