from itertools import islice

from msgspec.structs import replace

from benchmarks.held import INTERACTIONS, clicks_in, live_sessions
from benchmarks.inputs import Growing, clicks, expected, interactions, whole_sessions
from benchmarks.peers.jobs import JOBS

FULL, COUNTING = JOBS["full"], JOBS["counting"]


def test_what_is_shorter_is_the_beginning_of_what_is_longer():
    growing = Growing(COUNTING, clicks())
    short, long = growing.first(50), growing.first(200)
    assert long.records[:50] == short.records
    assert long.due[:50] == short.due
    assert growing.first(50) == short
    assert len(growing) == 200


def test_what_is_due_for_each_record_adds_up_to_what_is_expected():
    for job, records in ((FULL, interactions()), (COUNTING, clicks(keys=20))):
        given = Growing(job, records).first(400)
        assert sum(given.due) == sum(map(len, expected(job, given.records).values())) > 50


def test_every_second_click_is_told_with_its_count():
    out = expected(COUNTING, [replace(record, key=b"k") for record in islice(clicks(keys=1), 4)])
    assert [COUNTING.decode(each)["count"] for each in out[b"k"]] == [1, 3]
    assert [COUNTING.decode(each)["n"] for each in out[b"k"]] == [0, 2]


def test_sessions_come_whole_and_as_long_as_was_asked():
    lengths = {}
    for record in islice(whole_sessions(60), 10_000):
        lengths[record.key] = lengths.get(record.key, 0) + 1
    assert 40 < sum(lengths.values()) / len(lengths) < 120  # other tabs' copies and redeliveries are not counted


def test_live_sessions_give_what_is_due_whatever_their_id():
    held = {}
    for part in live_sessions(900, 700):
        for record, due in zip(part.records, part.due, strict=True):
            held[record.key], given = FULL.apply(held.get(record.key), record.value, record.timestamp_ms)
            assert len(given) == due
    assert len(held) == 900
    assert sum(len(part.records) for part in live_sessions(900, 700)) == 900 * INTERACTIONS
    for record in clicks_in(500, 900).records:
        held[record.key], given = FULL.apply(held[record.key], record.value, record.timestamp_ms)
        assert len(given) == 1
