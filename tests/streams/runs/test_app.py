"""Runs of records on a real Kafka: an app that counts, killed, joined, left and misled."""

import asyncio
from collections import defaultdict

import pytest

from streams.runs import pack
from tests.kafka import Written, create_topics, delete_topics, produce
from tests.streams.runs.counted import PARTITIONS, Counting, exact


@pytest.fixture
async def counting(kafka, prefix, tmp_path):
    app = Counting(kafka, prefix, tmp_path)
    await app.topics()
    yield app
    for process in app.processes.values():
        process.kill()


async def test_a_killed_app_loses_nothing_miscounts_nothing_and_keeps_the_order_of_each_key(counting):
    total = 60_000
    await counting.feed(total)
    counting.start(0)
    counting.start(1)
    for kill in range(4):
        await counting.written((kill + 1) * total // 8)
        counting.processes[kill % 2].kill()
        counting.start(kill % 2)
    await counting.complete(total)
    for process in counting.processes.values():
        assert process.terminate() == 0
    out, (due, last) = await counting.out(), exact(total)
    assert set(out) == due
    assert await counting.state() == last
    by_key = defaultdict(list)
    for key, count in dict.fromkeys(out):
        by_key[key].append(count)
    assert [key for key, counts in by_key.items() if counts != sorted(counts)] == []


async def test_an_app_that_joins_or_leaves_in_order_repeats_nothing(counting):
    total = 60_000
    await counting.feed(total)
    counting.start(0)
    await counting.written(total // 6)
    counting.start(1)
    await counting.written(total // 3)
    counting.start(2)
    await counting.written(total // 2)
    assert counting.processes[0].terminate() == 0
    await counting.complete(total)
    assert [counting.processes[number].terminate() for number in (1, 2)] == [0, 0]
    out, (due, last) = await counting.out(), exact(total)
    assert len(out) == total
    assert set(out) == due
    assert await counting.state() == last


async def test_an_output_topic_that_is_missing_stops_the_app_and_commits_nothing(counting):
    await delete_topics(counting.kafka.bootstrap, f"{counting.prefix}out")
    await counting.feed(1_000)
    process = counting.start(0)
    await asyncio.sleep(3)
    assert await counting.state() == {}
    process.kill()
    await create_topics(counting.kafka.bootstrap, f"{counting.prefix}out", partitions=PARTITIONS)
    counting.start(0)
    await counting.complete(1_000)
    assert set(await counting.out()) == exact(1_000)[0]


async def test_a_recreated_input_is_noticed_and_named(counting):
    await counting.feed(4_000)
    counting.start(0)
    await counting.complete(4_000)
    assert counting.processes[0].terminate() == 0
    await delete_topics(counting.kafka.bootstrap, f"{counting.prefix}in")
    await asyncio.sleep(1)
    await create_topics(counting.kafka.bootstrap, f"{counting.prefix}in", partitions=PARTITIONS)
    await counting.feed(400)
    process = counting.start(0)
    assert await asyncio.to_thread(process.wait, 40) == 1
    assert "TopicRecreated" in process.text()
    assert f"{counting.prefix}in[" in process.text()


async def test_a_changelog_record_that_cannot_be_read_stops_the_app_and_is_named(counting):
    await produce(counting.kafka.bootstrap, f"{counting.prefix}changelog", [Written(b"key 2", b"not an entry", 2)])
    process = counting.start(0)
    assert await asyncio.to_thread(process.wait, 40) == 1
    assert "ChangelogDamaged" in process.text()
    assert f"{counting.prefix}changelog[2] offset 0" in process.text()


async def test_a_write_of_a_worker_taken_for_dead_does_not_turn_the_state_back(counting):
    await counting.feed(4_000)
    counting.start(0)
    await counting.complete(4_000)
    assert counting.processes[0].terminate() == 0
    behind = Written(b"key 1", pack(0, 0, 1 << 60, b"1"), 1)
    await produce(counting.kafka.bootstrap, f"{counting.prefix}changelog", [behind])
    await counting.feed(400)
    counting.start(1)  # another disk: it reads the whole changelog
    await counting.complete(4_400)
    assert (b"key 1", 11) in set(await counting.out())


@pytest.mark.parametrize(
    ("at_work", "from_then_on"),
    [
        pytest.param(True, (), id="while it is at work"),
        pytest.param(False, (), id="and found at its start"),
        pytest.param(False, ("exactly_once",), id="and found at its start by one that writes in transactions"),
    ],
)
async def test_the_owner_writes_again_what_one_taken_for_dead_has_turned_back(counting, at_work, from_then_on):
    """Compaction keeps the last record of a key: it must not be that of a worker that has seen less."""
    await counting.feed(4_000)
    counting.start(0)
    await counting.complete(4_000)
    if not at_work:
        assert counting.processes[0].terminate() == 0
    behind = [Written(b"key 1", pack(0, 0, 1 << 60, b"1"), 1), Written(b"key 5", pack(1, 0, 1 << 60, b"2"), 1)]
    if at_work:  # of a removal only who is at work can tell that it comes too late
        behind.append(Written(b"key 5", None, 1))
    await produce(counting.kafka.bootstrap, f"{counting.prefix}changelog", behind)
    if not at_work:
        counting.guarantee = from_then_on
        counting.start(1)  # another disk: it reads the whole changelog
    for more in range(1, 4):  # keys of the same partition, and not those
        await produce(counting.kafka.bootstrap, f"{counting.prefix}in", [Written(b"key %d" % (5 + 4 * more), b"x", 1)])
        await counting.complete(4_000 + more)
    for process in counting.processes.values():
        process.terminate()
    state = await counting.state()
    assert (state[b"key 1"], state[b"key 5"]) == (10, 10)
    assert state[b"key 9"] == 11
