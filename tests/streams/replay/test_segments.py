"""Files of segments: merged they are in order, and a large session is whole in them."""

import resource
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.replay.segments import FLUSH_BYTES, SegmentWriter, joined, merged

places = st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=30)


def write(path, segments):
    with SegmentWriter(path, durable=False) as writer:
        for seq, data in segments:
            writer.write(seq, data)
    return path


@given(places, st.integers(1, 5))
def test_many_files_are_merged_in_the_order_of_their_places(seqs, files):
    segments = [(seq, b"%d" % seq) for seq in sorted(seqs)]
    with tempfile.TemporaryDirectory() as directory:
        paths = [write(Path(directory) / f"{n}", segments[n::files]) for n in range(files)]
        assert list(merged(paths)) == segments


def test_a_large_session_is_several_segments_that_no_other_comes_between(tmp_path):
    parts = [b"%06d" % n + b"x" * 10_000 for n in range(100)]
    with SegmentWriter(tmp_path / "a", durable=False) as writer:
        writer.write_all(5, parts)
    write(tmp_path / "b", [(4, b"before\n"), (6, b"after\n")])
    found = list(merged([tmp_path / "a", tmp_path / "b"]))
    assert max(len(data) for _, data in found) < FLUSH_BYTES + 20_000
    assert len(found) > 4
    assert b"".join(data for _, data in found) == b"\n".join([b"before", *parts, b"after", b""])


def test_a_session_without_events_leaves_nothing(tmp_path):
    with SegmentWriter(tmp_path / "a", durable=False) as writer:
        writer.write_all(5, [])
    assert (tmp_path / "a").stat().st_size == 0


def test_a_file_that_was_cut_off_is_not_taken_for_whole(tmp_path):
    path = write(tmp_path / "a", [(1, b"one"), (2, b"two")])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EOFError, match="cut off"):
        list(merged([path]))


def test_files_in_order_are_one(tmp_path):
    first, second = write(tmp_path / "a", [(1, b"one")]), write(tmp_path / "b", [(2, b"two")])
    assert list(merged([joined([first, second], tmp_path / "whole")])) == [(1, b"one"), (2, b"two")]


def test_more_files_are_merged_than_a_process_may_have_open_at_first(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    paths = [write(tmp_path / f"{n}", [(n, b"x")]) for n in range(150)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        assert len(list(merged(paths))) == 150
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
