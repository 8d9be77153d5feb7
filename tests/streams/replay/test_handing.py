"""A piece of the input goes to another process by a file, and nothing of it stays."""

import pickle
from array import array

import pytest

from streams.replay.handing import handed
from streams.replay.places import Chunk, Records, line_at

CHUNK = Chunk(line_at(2, 7), b'{"a":1}\n\n  \n{"b":2}\n')


def test_what_was_handed_over_has_the_same_records_and_its_file_is_gone(tmp_path):
    path = tmp_path / "7.handed"
    there = pickle.loads(pickle.dumps(handed(CHUNK, path)))
    assert path.exists()
    assert (there.first_seq, there.size) == (CHUNK.first_seq, CHUNK.size)
    assert list(there.records(5)) == list(CHUNK.records(5)) != []
    assert list(tmp_path.iterdir()) == []


def test_its_bytes_do_not_go_through_a_pipe(tmp_path):
    large = Chunk(line_at(0, 1), b"x" * 100_000)
    assert len(pickle.dumps(handed(large, tmp_path / "0.handed"))) < 1_000


def test_what_a_killed_replay_has_left_is_replaced(tmp_path):
    path = tmp_path / "7.handed"
    path.write_bytes(b"older, and longer than what comes in its place" * 9)
    assert list(handed(CHUNK, path).records(5)) == list(CHUNK.records(5))


def test_what_is_not_all_there_is_dealt_by_nobody(tmp_path):
    path = tmp_path / "7.handed"
    there = handed(CHUNK, path)
    path.write_bytes(CHUNK.data[:-1])
    with pytest.raises(EOFError, match=r"7\.handed: 19 bytes where 20 were handed over"):
        there.records(5)


def test_records_of_columns_or_topics_go_as_they_are(tmp_path):
    records = Records(array("Q", [line_at(0, 1)]), None, [b"{}"])
    assert handed(records, tmp_path / "0.handed") is records
    assert list(tmp_path.iterdir()) == []
