"""A session as a run takes it from the table: what is stored, or an empty one."""

import pytest

from schemas.session import Session, encode_session
from streams.runs import TablePartition, pack
from streams.worker.live import SessionUnreadable, take

KEY = b"acme/s/1"
SESSION = Session("s", of_visitor=False, first_micros=0, last_micros=7, derived_client_id="1.2")


def test_what_the_table_holds_is_what_a_run_takes():
    held = TablePartition(0, idle_ms=0)
    held.put(KEY, pack(5, 1_000, 2_000, encode_session(SESSION)))
    live = take("changelog", held, KEY)
    assert (live.session, live.last_offset, live.touched_ms) == (SESSION, 5, 1_000)


def test_a_key_of_which_nothing_is_held_is_an_empty_session_that_has_seen_no_record():
    live = take("changelog", TablePartition(0, idle_ms=0), KEY)
    assert live.session is None
    assert live.last_offset < 0


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x93", b"\xa1x"], ids=["nothing", "no msgpack", "cut", "a text"])
def test_what_no_version_has_written_is_told_with_its_place(payload):
    held = TablePartition(3, idle_ms=0)
    held.put(KEY, pack(5, 1_000, 2_000, payload))
    with pytest.raises(SessionUnreadable, match=r"changelog\[3\] key b'acme/s/1'"):
        take("changelog", held, KEY)
