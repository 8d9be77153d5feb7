"""One bucket, in memory or sorted on disk: what it gives, and that it is not processed twice."""

import gc

import pytest

from streams.replay.bucket import process
from streams.replay.plan import Limits
from streams.replay.segments import merged
from tests.streams.replay.replays import LINES, plan, reference, store


@pytest.mark.parametrize("bucket_bytes", [pytest.param(10_000_000, id="it fits"), pytest.param(1, id="sorted on disk")])
def test_a_bucket_gives_the_same_however_it_is_processed(tmp_path, bucket_bytes):
    ours = plan(tmp_path, limits=Limits(bucket_bytes=bucket_bytes))
    store(LINES, ours)
    done = process(ours, 0)
    found = list(merged([tmp_path / done.lines]))
    assert b"".join(data for _, data in found).splitlines() == reference(LINES)
    assert [seq for seq, _ in found] == sorted(seq for seq, _ in found)
    assert done.tally.records == len(LINES)
    beside = {path.name for path in tmp_path.iterdir()} - {path.name for path in ours.dealt()}
    assert beside == {done.lines, done.dead_letters, "0.done"}
    assert gc.isenabled()


def test_what_was_processed_before_is_known_and_not_processed_again(tmp_path):
    ours = plan(tmp_path)
    store(LINES, ours)
    done = process(ours, 0)
    for path in ours.dealt():
        path.write_bytes(b"nobody reads this again")
    assert process(ours, 0) == done


def test_what_an_interrupted_process_left_is_done_anew(tmp_path):
    ours = plan(tmp_path, limits=Limits(bucket_bytes=1))
    store(LINES, ours)
    (tmp_path / "0.sorting").mkdir()
    (tmp_path / "0.sorting" / "lines").write_bytes(b"half")
    done = process(ours, 0)
    assert b"".join(data for _, data in merged([tmp_path / done.lines])).splitlines() == reference(LINES)


def test_dead_letters_that_nobody_asked_for_are_counted_only(tmp_path):
    ours = plan(tmp_path, keep_dead_letters=False)
    store([b"{"], ours)
    done = process(ours, 0)
    assert done.dead_letters is None
    assert done.tally.dead_letters == {"$": 1}
    assert list(tmp_path.glob("*.dead")) == []
