"""The sample traffic: the same from the same seed, and with every ingredient in it."""

import hashlib
import re
from collections import Counter, defaultdict
from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.account import Accounts
from schemas.decoding import decode_interaction, session_key
from schemas.interaction import Fault, Unknown
from streams.demo.expected import Expected
from streams.demo.traffic import EPOCH_MS, Mix, Record, sessions, traffic

HOUR_MICROS = 3_600_000_000


def digest(records: list[Record]) -> str:
    over_all = hashlib.sha256()
    for record in records:
        over_all.update(repr((record.key, record.value, record.arrival_ms, record.note)).encode())
    return over_all.hexdigest()[:16]


# -- a stream of data ---------------------------------------------------------------------


def test_a_seed_gives_the_same_bytes_on_every_machine():
    assert digest(list(sessions(1, 200))) == "2cb18a6b4819a3d8"


def test_another_seed_gives_other_traffic():
    assert digest(list(sessions(1, 20))) != digest(list(sessions(2, 20)))


def test_traffic_without_end_begins_as_the_bounded_one():
    bounded = list(sessions(3, 400))
    # One visit begins in a second: in the first 300 the 401st has not begun.
    common = [record for record in bounded if record.arrival_ms < EPOCH_MS + 300_000]
    assert len(common) > 1_000
    assert list(islice(traffic(3), len(common))) == common


def test_time_is_an_argument_and_moves_everything():
    here = list(sessions(5, 50))
    there = list(sessions(5, 50, start_ms=EPOCH_MS + 86_400_000))
    assert [record.arrival_ms + 86_400_000 for record in here] == [record.arrival_ms for record in there]


@given(seed=st.integers(0, 10**6), n=st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_records_stand_in_the_order_of_their_arrival(seed, n):
    arrivals = [record.arrival_ms for record in sessions(seed, n)]
    assert all(before <= after for before, after in pairwise(arrivals))
    assert all(arrival >= EPOCH_MS for arrival in arrivals)


@pytest.mark.parametrize(("mean", "visits"), [(6, 2_000), (12, 2_000), (40, 500)])
def test_the_mean_number_of_interactions_is_what_was_asked_for(mean, visits):
    mix = Mix(mean_interactions=mean, redelivered=0, bad=0, unknown=0, late=0)
    expected = Expected(Accounts())
    expected.take_all(sessions(11, visits, mix=mix))
    assert expected.applied / visits == pytest.approx(mean, rel=0.15)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1])
def test_the_share_of_bad_records_is_what_was_asked_for(share):
    notes = Counter(record.note for record in sessions(13, 1_000, mix=Mix(bad=share)))
    assert notes["bad"] / (notes[""] + notes["late"]) == pytest.approx(share, rel=0.15)


def test_a_visit_is_over_within_hours():
    arrivals = defaultdict(list)
    for record in sessions(17, 2_000):
        if record.key and record.note != "bad":
            arrivals[record.key].append(record.arrival_ms)
    assert max(max(times) - min(times) for times in arrivals.values()) < 4 * 3_600_000


# -- with every ingredient ------------------------------------------------------------------


def test_every_check_for_duplicates_has_something_to_find(expected):
    assert set(expected.duplicates) == {"same_id", "exact_copy", "tab_copy"}


def test_redeliveries_are_the_same_to_the_byte_and_come_later(records):
    earlier = set()
    redelivered = 0
    late = {(record.key, record.value) for record in records if record.note == "late"}
    for record in records:
        same = (record.key, record.value)
        if record.note == "redelivered" and same not in late:  # the original of a late one may come after it
            assert same in earlier
            redelivered += 1
        earlier.add(same)
    assert redelivered > 100


def test_late_records_come_after_others_of_their_session_that_happened_later(records):
    latest = {}
    overtaken = 0
    for record in records:
        if record.note not in ("", "late"):
            continue
        decoded = decode_interaction(record.value, record.arrival_ms * 1_000 + HOUR_MICROS)
        assert not isinstance(decoded, (Fault, Unknown))
        assert record.key is not None
        if record.note == "late":
            assert record.arrival_ms - int(decoded.timestamp) // 1_000 >= 20_000
            overtaken += latest.get(record.key, 0) > decoded.timestamp
        latest[record.key] = max(latest.get(record.key, 0), int(decoded.timestamp))
    assert overtaken > 20


def test_types_of_tomorrow_are_in_it(expected):
    assert expected.unknown_types > 20


def test_sessions_are_keyed_by_session_and_by_visitor(records):
    keys = {record.key for record in records if record.key and not record.note}
    assert {re.sub(rb"^[^/]+(/[sv]/).*", rb"\1", key) for key in keys} == {b"/s/", b"/v/"}


def test_a_sound_record_has_its_session_s_key(records):
    for record in Random(1).sample([record for record in records if not record.note], 500):
        decoded = decode_interaction(record.value, record.arrival_ms * 1_000)
        assert not isinstance(decoded, (Fault, Unknown))
        assert record.key == session_key(decoded).encode()
