"""From a bucket's records to its sessions: in memory and on disk they are the same."""

from array import array

import pytest

from schemas.decoding import session_key
from schemas.interaction import Fault
from streams.attribution import RuleBook
from streams.replay.engine import Engine
from streams.replay.places import Records, line_at
from streams.replay.segments import SegmentWriter, merged
from streams.replay.sessions import Reader, in_memory, sorted_on_disk
from streams.replay.spill import blocks
from tests.streams.replay.replays import AS_OF_MS, LINES, plan, store

BOOK = RuleBook()


@pytest.mark.parametrize("by_time", [True, False])
def test_sorted_on_disk_is_what_in_memory_is_in_the_same_order(tmp_path, by_time):
    ours = plan(tmp_path, by_time=by_time)
    store(LINES, ours)
    found = blocks(ours.dealt(), 0)

    def sessions(read):
        with SegmentWriter(tmp_path / "dead", durable=False) as letters:
            whole = [(seq, [*said]) for seq, said in read(Reader(ours, Engine(BOOK), letters))]
        return whole, list(merged([tmp_path / "dead"]))

    in_order, dead = sessions(lambda reader: in_memory(found, reader, ours))
    on_disk, dead_on_disk = sessions(lambda reader: sorted_on_disk(found, reader, ours, tmp_path / "sorting"))
    assert [seq for seq, _ in in_order] == sorted(seq for seq, _ in in_order)
    assert on_disk == in_order
    assert dead_on_disk == dead
    assert len(dead) == 100


def test_a_session_is_one_key_from_its_first_interaction_on(tmp_path):
    ours = plan(tmp_path, by_time=False)
    store(LINES, ours)
    found = list(in_memory(blocks(ours.dealt(), 0), Reader(ours, Engine(BOOK), None), ours))
    firsts = {}
    for number, line in enumerate(LINES):
        decoded = BOOK.decode(line, AS_OF_MS)
        if not isinstance(decoded, Fault) and hasattr(decoded, "timestamp"):
            firsts.setdefault(session_key(decoded), line_at(0, number))
    assert [seq for seq, _ in found] == list(firsts.values())
    assert all(len({session_key(one) for one in said}) == 1 for _, said in found)


@pytest.mark.parametrize("directory", [None, "sorting"])
def test_each_record_is_as_old_as_its_arrival_says(tmp_path, directory):
    line = b'{"type":"contact_form_sent","account_id":"a","session_id":"s","timestamp":1700000000000}'
    ours = plan(tmp_path)
    arrivals = array("q", [1_700_000_000_000 - 3_600_001, 1_700_000_000_000 - 3_600_000])
    given = [Records(array("Q", [1, 2]), arrivals, [line, line])]

    reader = Reader(ours, Engine(BOOK), None)
    found = (
        in_memory(given, reader, ours)
        if directory is None
        else sorted_on_disk(given, reader, ours, tmp_path / directory)
    )
    assert [(seq, len([*said])) for seq, said in found] == [(2, 1)]
