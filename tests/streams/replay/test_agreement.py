"""Whether a table holds of a session what its records explain."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.decoding import decode_interaction
from streams.attribution import RuleBook
from streams.replay import KafkaPlace, Stored, agreement
from streams.replay.explanation import steps
from tests.streams.attribution.builders import BOT, joined, opened, sent, typed

START_MS = 1_700_000_000_000
SAID = (sent(BOT), opened(), typed(), joined(), typed("and more"))
IN_CHANGELOG = KafkaPlace("g-sessions-changelog", 0, 40)


def placed(said, *, visitor=False):
    """Steps of one session, or of a visitor with an hour between each two interactions; each second offset is ours."""
    ids = {"account_id": "acme", **({"visitor_id": "v"} if visitor else {"session_id": "s"})}
    apart_ms = 3_600_000 if visitor else 10_000
    records = [
        json.dumps({"interaction_id": f"i{n}", "timestamp": START_MS + apart_ms * n, **ids, **each}).encode()
        for n, each in enumerate(said)
    ]
    found = [
        (KafkaPlace("chat-interactions", 0, 2 * n), raw, decode_interaction(raw, 1 << 62))
        for n, raw in enumerate(records)
    ]
    return list(steps(found, RuleBook(), by_time=False))


@given(st.integers(0, len(SAID) - 1))
def test_a_table_agrees_up_to_where_the_worker_has_come_wherever_that_is(number):
    made = placed(SAID)
    found = agreement(made, Stored(IN_CHANGELOG, 2 * number, made[number].decision.session))
    assert (found.applied, found.pending) == (number + 1, len(SAID) - number - 1)
    assert (found.differences, found.other_session, found.further) == ((), False, False)


def test_a_worker_that_has_applied_more_than_was_read_holds_no_other_state():
    made = placed(SAID)
    found = agreement(made[:3], Stored(IN_CHANGELOG, 8, made[-1].decision.session))
    assert (found.applied, found.pending, found.further, found.differences) == (3, 0, True, ())


def test_what_a_table_holds_otherwise_is_told():
    made = placed(SAID)
    held = made[-1].decision.session
    stored = Stored(IN_CHANGELOG, 8, replace(held, box_open=not held.box_open))
    assert agreement(made, stored).differences == (("box_open", held.box_open, not held.box_open),)


def test_that_it_knows_duplicates_otherwise_is_told_too():
    made = placed(SAID)
    held = made[-1].decision.session
    identities = bytes(len(held.identities))
    assert identities
    ((what, _, _),) = agreement(made, Stored(IN_CHANGELOG, 8, replace(held, identities=identities))).differences
    assert "duplicates" in what


def test_where_the_worker_has_not_come_to_any_of_them_nothing_is_compared():
    made = placed(SAID)[2:]
    found = agreement(made, Stored(IN_CHANGELOG, 3, made[-1].decision.session))
    assert (found.applied, found.pending, found.differences) == (0, 3, ())


@pytest.mark.parametrize(("shown", "other"), [(0, True), (1, True), (2, False)])
def test_a_visitors_later_session_is_no_difference_of_the_one_before(shown, other):
    made = placed(SAID[:3], visitor=True)
    stored = Stored(IN_CHANGELOG, 4, made[-1].decision.session)
    found = agreement([made[shown]], stored)
    assert (found.other_session, found.differences) == (other, ())
