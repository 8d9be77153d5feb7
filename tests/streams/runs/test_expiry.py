"""Expiry: an entry goes when nothing needs it, and never before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.runs.entry import pack, unpack
from streams.runs.expiry import MAX_LOOKS, Expiry

MINUTE_MS = 60_000
MINUTE_MICROS = 60_000_000
IDLE_MS = 10 * MINUTE_MS
FAR = 1_000


def expired(entries, *, watermark_min, record_min, committed=FAR, expiry=None):
    if expiry is None:
        expiry = Expiry(IDLE_MS)
        for key, stored in entries.items():
            expiry.added(key, stored)
    return expiry.expired(
        entries,
        watermark_micros=watermark_min * MINUTE_MICROS,
        record_ms=record_min * MINUTE_MS,
        committed_next_offset=committed,
    )


def entry(*, offset=0, touched_min=0, expires_min=0):
    return pack(offset, touched_min * MINUTE_MS, expires_min * MINUTE_MICROS, b"")


@pytest.mark.parametrize(
    ("stored", "at", "goes"),
    [
        pytest.param(
            entry(touched_min=0, expires_min=30), {"watermark_min": 60, "record_min": 60}, True, id="past both"
        ),
        pytest.param(
            entry(touched_min=0, expires_min=30),
            {"watermark_min": 29, "record_min": 60},
            False,
            id="the stream has not come so far",
        ),
        pytest.param(
            entry(touched_min=55, expires_min=30),
            {"watermark_min": 60, "record_min": 60},
            False,
            id="touched a moment ago: a backfill among live traffic",
        ),
        pytest.param(
            entry(touched_min=0, expires_min=900),
            {"watermark_min": 60, "record_min": 60},
            False,
            id="quiet, but not past its expiry",
        ),
        pytest.param(
            entry(offset=7, expires_min=30),
            {"watermark_min": 60, "record_min": 60, "committed": 7},
            False,
            id="its last record is not committed: a crash would read it again",
        ),
        pytest.param(
            entry(offset=7, expires_min=30),
            {"watermark_min": 60, "record_min": 60, "committed": 8},
            True,
            id="its last record is committed",
        ),
    ],
)
def test_an_entry_goes_when_its_time_has_passed_and_nothing_touched_it(stored, at, goes):
    assert expired({b"k": stored}, **at) == ([b"k"] if goes else [])


def test_an_entry_that_was_touched_meanwhile_is_looked_at_again_when_it_is_due():
    expiry = Expiry(IDLE_MS)
    entries = {b"k": entry(touched_min=0, expires_min=30)}
    expiry.added(b"k", entries[b"k"])
    entries[b"k"] = entry(touched_min=20, expires_min=50)
    assert expired(entries, watermark_min=40, record_min=40, expiry=expiry) == []
    assert expired(entries, watermark_min=60, record_min=60, expiry=expiry) == [b"k"]


def test_one_sweep_looks_at_no_more_than_it_may():
    entries = {b"%d" % n: entry() for n in range(2 * MAX_LOOKS + 5)}
    expiry = Expiry(IDLE_MS)
    for key, stored in entries.items():
        expiry.added(key, stored)
    gone = []
    while batch := expired(entries, watermark_min=100, record_min=100, expiry=expiry):
        assert len(batch) <= MAX_LOOKS
        gone += batch
        for key in batch:
            del entries[key]
    assert len(gone) == 2 * MAX_LOOKS + 5
    assert len(expiry) == 0


@pytest.mark.parametrize("first_sweep_min", [None, 45], ids=["at once", "while the second one lives"])
def test_an_entry_that_was_removed_and_made_again_goes_once(first_sweep_min):
    expiry = Expiry(IDLE_MS)
    expiry.added(b"k", entry(expires_min=30))
    entries = {b"k": entry(expires_min=60)}
    expiry.added(b"k", entries[b"k"])
    if first_sweep_min:
        assert expired(entries, watermark_min=first_sweep_min, record_min=first_sweep_min, expiry=expiry) == []
    assert expired(entries, watermark_min=100, record_min=100, expiry=expiry) == [b"k"]


class Sweeping(RuleBasedStateMachine):
    """Against the definition: entries come and are touched, time goes on, sweeps happen at any moment."""

    def __init__(self):
        super().__init__()
        self.entries: dict[bytes, bytes] = {}
        self.expiry = Expiry(IDLE_MS)
        self.now_min = self.record_min = self.offset = self.committed = 0

    def swept(self):
        return self.expiry.expired(
            self.entries,
            watermark_micros=self.now_min * MINUTE_MICROS,
            record_ms=self.record_min * MINUTE_MS,
            committed_next_offset=self.committed,
        )

    def may_go(self, stored):
        known = unpack(stored)
        return (
            known.expires_micros < self.now_min * MINUTE_MICROS
            and known.touched_ms + IDLE_MS < self.record_min * MINUTE_MS
            and known.last_offset < self.committed
        )

    @rule(key=st.binary(min_size=1, max_size=1), event_min=st.integers(0, 200))
    def touch(self, key, event_min):
        self.offset += 1
        stored = entry(offset=self.offset, touched_min=self.record_min, expires_min=event_min + 30)
        if key not in self.entries:
            self.expiry.added(key, stored)
        self.entries[key] = stored

    @rule(key=st.binary(min_size=1, max_size=1))
    def remove(self, key):
        self.entries.pop(key, None)  # as a tombstone of the changelog does; it may be made again

    @rule(minutes=st.integers(0, 90), record_minutes=st.integers(0, 30))
    def time_goes_on(self, minutes, record_minutes):
        self.now_min += minutes
        self.record_min += record_minutes

    @rule()
    def commit(self):
        self.committed = self.offset + 1

    @rule()
    def sweep(self):
        for key in self.swept():
            assert self.may_go(self.entries[key])
            del self.entries[key]

    @precondition(lambda self: self.entries)
    @rule()
    def in_the_end_all_of_them_go(self):
        self.now_min += 10_000
        self.record_min += 10_000
        self.committed = self.offset + 1
        for _ in range(3):  # by expiry, then by touch; a bucket just begun waits for its end
            self.sweep()
            self.now_min += 2
            self.record_min += 2
        assert self.entries == {}

    @invariant()
    def each_entry_waits_somewhere(self):
        assert len(self.expiry) >= len(self.entries)


TestSweeping = Sweeping.TestCase


@given(st.lists(st.integers(0, 100), max_size=30))
def test_nothing_goes_while_nothing_is_committed(expiries):
    entries = {b"%d" % n: entry(offset=n, expires_min=at) for n, at in enumerate(expiries)}
    assert expired(entries, watermark_min=10_000, record_min=10_000, committed=0) == []
