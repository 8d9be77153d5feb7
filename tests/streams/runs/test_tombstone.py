"""Tombstones say what the entry that they remove had seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.runs.entry import pack
from streams.runs.tombstone import UNKNOWN, seen_by, tombstone


@given(st.integers(0, 2**63))
def test_what_an_entry_has_seen_its_tombstone_has_seen(last_offset):
    stored = pack(last_offset, 0, 0, b"state")
    removal = tombstone(b"k", stored)
    assert (removal.key, removal.value) == (b"k", None)
    assert seen_by(removal.value, removal.headers) == seen_by(stored, ()) == last_offset


@pytest.mark.parametrize("headers", [(), (("last_offset", b"many"),), (("other", b"7"),)])
def test_a_tombstone_of_another_program_does_not_say(headers):
    assert seen_by(None, headers) == UNKNOWN


def test_a_value_that_is_no_entry_is_refused():
    with pytest.raises(ValueError, match="no entry"):
        seen_by(b"nothing of ours", ())
