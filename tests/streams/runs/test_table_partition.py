"""The entries of one partition in memory."""

from hypothesis import given
from hypothesis import strategies as st

from streams.runs.entry import pack
from streams.runs.table_partition import TablePartition
from streams.runs.tombstone import seen_by

MINUTE_MS, MINUTE_MICROS = 60_000, 60_000_000
keys = st.sampled_from([b"a", b"b", b"c"])
puts = st.tuples(st.just("put"), keys, st.integers(0, 50))
removals = st.tuples(st.just("remove"), keys, st.just(0))


@given(st.lists(puts | removals))
def test_it_holds_what_was_put_last_and_knows_the_last_offset_that_any_entry_has_seen(operations):
    held, due = TablePartition(0, idle_ms=0), {}
    for operation, key, offset in operations:
        if operation == "put":
            held.put(key, pack(offset, 0, 0, b""))
            due[key] = offset
        else:
            held.remove(key)
            due.pop(key, None)
    assert {key: seen_by(stored, ()) for key, stored in held.entries.items()} == due
    assert {key for key in (b"a", b"b", b"c") if held.get(key) is not None} == due.keys()
    assert held.last_input_offset() == max(due.values(), default=-1)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1))
def test_time_never_goes_back(times):
    held = TablePartition(0, idle_ms=0)
    for watermark_micros, record_ms in times:
        held.advance(watermark_micros, record_ms)
    assert held.watermark_micros == max(each for each, _ in times)
    assert held.record_ms == max(each for _, each in times)


def test_what_has_expired_is_removed_with_a_tombstone_that_tells_what_it_had_seen():
    held = TablePartition(0, idle_ms=10 * MINUTE_MS)
    held.put(b"old", pack(7, 0, 30 * MINUTE_MICROS, b""))
    held.put(b"new", pack(8, 0, 90 * MINUTE_MICROS, b""))
    held.advance(60 * MINUTE_MICROS, 60 * MINUTE_MS)
    (gone,) = held.sweep(committed_next_offset=9)
    assert (gone.key, gone.value, seen_by(None, gone.headers)) == (b"old", None, 7)
    assert held.entries.keys() == {b"new"}
    assert held.sweep(committed_next_offset=9) == []
