"""One bucket, however often it is dealt anew: what it gives, and that it is gone afterwards."""

import gc

import pytest

from streams.attribution import RuleBook
from streams.replay.bucket import process
from streams.replay.plan import Limits, Plan
from streams.replay.segments import merged
from tests.streams.replay.replays import AS_OF_MS, LINES, reference, store


@pytest.mark.parametrize(
    ("bucket_bytes", "level"),
    [
        pytest.param(10_000_000, 1, id="it fits"),
        pytest.param(50_000, 1, id="dealt anew"),
        pytest.param(1, 1, id="dealt anew, and its parts sorted on disk"),
        pytest.param(1, 2, id="sorted on disk"),
    ],
)
def test_a_bucket_gives_the_same_however_it_is_processed(tmp_path, bucket_bytes, level):
    store(enumerate(LINES), tmp_path / "b")
    limits = Limits(bucket_bytes=bucket_bytes)
    plan = Plan(RuleBook(), AS_OF_MS, True, ("in.jsonl",), tmp_path, keep_dead_letters=True, limits=limits)
    done = process(plan, "b", level)
    found = list(merged([done.events]))
    assert b"".join(data for _, data in found).splitlines() == reference(LINES)
    assert [seq for seq, _ in found] == sorted(seq for seq, _ in found)
    assert done.tally.records == len(LINES)
    assert {path.name for path in tmp_path.iterdir()} == {"b.events", "b.dead"}
    assert gc.isenabled()


def test_dead_letters_that_nobody_asked_for_are_counted_only(tmp_path):
    store([(1, b"{")], tmp_path / "b")
    plan = Plan(RuleBook(), AS_OF_MS, True, ("in.jsonl",), tmp_path, keep_dead_letters=False, limits=Limits())
    done = process(plan, "b")
    assert done.dead_letters is None
    assert done.tally.dead_letters == {"$": 1}
    assert {path.name for path in tmp_path.iterdir()} == {"b.events"}
