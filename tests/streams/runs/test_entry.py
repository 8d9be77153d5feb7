"""An entry: the header a table reads without knowing the payload."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.runs.entry import ENTRY_VERSION, expires_of, pack, unpack

NUMBERS = st.integers(0, 2**63)


@given(NUMBERS, NUMBERS, NUMBERS, st.binary(max_size=64))
def test_an_entry_survives_being_stored(last_offset, touched_ms, expires_micros, payload):
    stored = pack(last_offset, touched_ms, expires_micros, payload)
    entry = unpack(stored)
    assert (entry.last_offset, entry.touched_ms, entry.expires_micros) == (last_offset, touched_ms, expires_micros)
    assert bytes(entry.payload) == payload
    assert expires_of(stored) == expires_micros


def test_a_time_before_the_epoch_counts_as_the_epoch():
    entry = unpack(pack(0, -5, -1, b""))
    assert (entry.touched_ms, entry.expires_micros) == (0, 0)


def test_an_entry_of_a_newer_version_is_refused_by_its_number():
    stored = bytes([ENTRY_VERSION + 1]) + pack(1, 2, 3, b"x")[1:]
    with pytest.raises(ValueError, match=f"entry version {ENTRY_VERSION + 1}; this version reads {ENTRY_VERSION}"):
        unpack(stored)


def test_what_is_too_short_is_no_entry():
    with pytest.raises(ValueError, match="3 bytes are no entry"):
        unpack(b"abc")


def test_an_entry_of_the_first_version_still_reads():
    golden = bytes.fromhex("010700000000000000e80300000000000040420f000000000068656c6c6f")
    entry = unpack(golden)
    assert (entry.last_offset, entry.touched_ms, entry.expires_micros, bytes(entry.payload)) == (
        7,
        1000,
        1_000_000,
        b"hello",
    )
