"""From a bucket's lines to its sessions: in memory and on disk they are the same."""

from pathlib import Path

import pytest

from schemas.interaction import Fault, session_key
from streams.attribution import RuleBook
from streams.replay.engine import Engine
from streams.replay.plan import Limits, Plan
from streams.replay.segments import SegmentWriter, merged
from streams.replay.sessions import Reader, in_memory, sorted_on_disk
from streams.replay.spill import blocks
from tests.streams.replay.replays import AS_OF_MS, LINES, store

BOOK = RuleBook()


@pytest.fixture
def bucket(tmp_path):
    for first in range(0, len(LINES), 500):
        store([(first + n, line) for n, line in enumerate(LINES[first : first + 500])], tmp_path / "bucket")
    return tmp_path / "bucket"


def plan(bucket_bytes, *, by_time=True):
    limits = Limits(bucket_bytes=bucket_bytes)
    return Plan(BOOK, AS_OF_MS, by_time, ("in.jsonl",), Path(), keep_dead_letters=True, limits=limits)


@pytest.mark.parametrize("by_time", [True, False])
@pytest.mark.parametrize("bucket_bytes", [1, 300_000, 10_000_000])
def test_sorted_on_disk_is_what_in_memory_is(bucket, tmp_path, by_time, bucket_bytes):
    def sessions(read):
        with SegmentWriter(tmp_path / "dead") as letters:
            found = read(Reader(plan(bucket_bytes), Engine(BOOK, AS_OF_MS), letters))
            whole = {seq: [*said] for seq, said in found}
        return whole, list(merged([tmp_path / "dead"]))

    in_order, dead = sessions(lambda reader: in_memory(blocks(bucket), reader, by_time=by_time))
    on_disk, dead_on_disk = sessions(
        lambda reader: sorted_on_disk(blocks(bucket), reader, plan(bucket_bytes, by_time=by_time), bucket.parent)
    )
    assert list(in_order) == sorted(in_order)
    assert on_disk == in_order
    assert dead_on_disk == dead
    assert len(dead) == 100
    runs = list(bucket.parent.glob("run-*"))
    assert len(runs) == {1: 13, 300_000: 4, 10_000_000: 1}[bucket_bytes]


def test_a_session_is_one_key_from_its_first_interaction_on(bucket):
    found = list(in_memory(blocks(bucket), Reader(plan(1), Engine(BOOK, AS_OF_MS), None), by_time=False))
    firsts = {}
    for place, line in enumerate(LINES):
        decoded = BOOK.decode(line, AS_OF_MS)
        if not isinstance(decoded, Fault) and hasattr(decoded, "timestamp"):
            firsts.setdefault(session_key(decoded), place)
    assert [seq for seq, _ in found] == list(firsts.values())
    assert all(len({session_key(one) for one in said}) == 1 for _, said in found)
