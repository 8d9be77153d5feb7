"""Sessions that stay decoded between runs: only what the table holds, and no more than there is room for."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.session import Session, encode_session
from streams.runs import TablePartition, pack
from streams.worker.live import LiveSessions

KEYS = (b"acme/s/1", b"acme/s/2", b"acme/s/3")


def session(last_micros):
    return Session("s", of_visitor=False, first_micros=0, last_micros=last_micros, derived_client_id="1.2")


def stored(last_micros, last_offset=0):
    return pack(last_offset, 0, 0, encode_session(session(last_micros)))


def sessions_of(entries, **options):
    held = TablePartition(0, idle_ms=0)
    for key, value in entries.items():
        held.put(key, value)
    return LiveSessions("changelog", held, **options), held


def test_a_busy_session_is_decoded_once():
    sessions, _ = sessions_of({KEYS[0]: stored(1)})
    first = sessions.take(KEYS[0])
    sessions.give_back(KEYS[0], first)
    assert sessions.take(KEYS[0]) is first


def test_what_another_wrote_into_the_table_meanwhile_is_what_a_run_takes():
    sessions, held = sessions_of({KEYS[0]: stored(1, last_offset=5)})
    sessions.give_back(KEYS[0], sessions.take(KEYS[0]))
    held.put(KEYS[0], stored(2, last_offset=9))  # taken over from another worker's changelog records
    taken = sessions.take(KEYS[0])
    assert (taken.session, taken.last_offset) == (session(2), 9)


def test_what_was_removed_from_the_table_meanwhile_is_gone():
    sessions, held = sessions_of({KEYS[0]: stored(1)})
    sessions.give_back(KEYS[0], sessions.take(KEYS[0]))
    held.remove(KEYS[0])
    assert sessions.take(KEYS[0]).session is None


def test_of_a_run_that_fails_nothing_is_kept():
    sessions, _ = sessions_of({KEYS[0]: stored(1)})
    sessions.give_back(KEYS[0], sessions.take(KEYS[0]))
    half_done = sessions.take(KEYS[0])
    half_done.session = session(99)
    assert sessions.take(KEYS[0]).session == session(1)


def test_no_more_is_kept_than_there_is_room_for_and_the_latest_stay():
    entries = {key: stored(n) for n, key in enumerate(KEYS)}
    sessions, _ = sessions_of(entries, kept_bytes=2 * max(map(len, entries.values())))
    taken = {key: sessions.take(key) for key in KEYS}
    for key in KEYS:
        sessions.give_back(key, taken[key])
    assert len(sessions) == 2
    assert sessions.take(KEYS[2]) is taken[KEYS[2]]
    assert sessions.take(KEYS[0]) is not taken[KEYS[0]]


@given(
    st.lists(
        st.tuples(st.sampled_from(["run", "fails", "put", "remove"]), st.sampled_from(KEYS), st.integers(1, 1_000)),
        max_size=40,
    )
)
def test_a_run_takes_what_the_table_holds_whatever_happened_before(history):
    sessions, held = sessions_of({}, kept_bytes=2 * len(stored(1)))
    for what, key, moment in history:
        if what == "put":
            held.put(key, stored(moment))
        elif what == "remove":
            held.remove(key)
        else:
            live = sessions.take(key)
            assert live.session == LiveSessions("changelog", held).take(key).session  # who knows nothing of before
            live.session = session(moment)
            if what == "run":
                live.stored = stored(moment)
                held.put(key, live.stored)
                sessions.give_back(key, live)
