"""Exactly once on a real Kafka: an app that counts in transactions, killed, joined, left, fenced and misled."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from faust.types.tuples import TP

from streams.runs import pack
from streams.runs.producer import TRANSACTION_S
from streams.runs.transactions import transactional_id
from tests.kafka import create_topics, delete_topics, end_offsets
from tests.streams.runs.counted import KEYS, PARTITIONS, Counting, exact

# A standstill of TRANSACTION_S, for which a transaction lasts that nobody ends, is what must never be.


@pytest.fixture
async def counting(kafka, prefix, tmp_path):
    app = Counting(kafka, prefix, tmp_path, "exactly_once")
    await app.topics()
    yield app
    for process in app.processes.values():
        process.kill()


@asynccontextmanager
async def transactions_of(counting, partition):
    """Somebody else under the transactional id of the app's partition."""
    name = transactional_id(f"{counting.prefix}counting", TP(f"{counting.prefix}in", partition))
    async with AIOKafkaProducer(bootstrap_servers=counting.kafka.bootstrap, transactional_id=name) as producer:
        yield producer


async def exactly(counting, records):
    out, (due, last) = await counting.out(), exact(records)
    assert len(out) == records
    assert set(out) == due
    assert await counting.state() == last


async def test_a_killed_app_gives_each_count_once_to_who_reads_committed(counting):
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
        assert process.terminate() == 0, process.tail(30)
    await exactly(counting, total)


async def test_an_app_that_joins_or_leaves_in_order_gives_each_count_once(counting):
    total = 60_000
    await counting.feed(total)
    counting.start(0)
    await counting.written(total // 6)
    counting.start(1)
    await counting.written(total // 3)
    assert counting.processes[0].terminate() == 0
    await counting.complete(total)
    assert counting.processes[1].terminate() == 0
    await exactly(counting, total)


async def test_a_transaction_left_open_is_ended_by_the_next_owner_and_not_waited_for(counting):
    await counting.feed(4_000)
    topics = {name: f"{counting.prefix}{name}" for name in ("in", "out", "changelog")}
    async with transactions_of(counting, 1) as died:  # as a worker that was killed leaves it
        await died.begin_transaction()
        await died.send_and_wait(topics["out"], b"999", key=b"key 1", partition=1)
        await died.send_and_wait(topics["changelog"], pack(900, 0, 1 << 60, b"999"), key=b"key 1", partition=1)
        await died.send_offsets_to_transaction({TopicPartition(topics["in"], 1): 900}, f"{counting.prefix}counting")
    began = time.monotonic()
    counting.start(0)
    await counting.complete(4_000)
    assert time.monotonic() - began < TRANSACTION_S / 2
    assert counting.processes[0].terminate() == 0
    await exactly(counting, 4_000)


@pytest.mark.parametrize("guarantee", [["exactly_once"], []], ids=["exactly once", "at least once"])
async def test_recovery_ends_behind_a_changelog_whose_end_is_delivered_to_nobody(counting, guarantee):
    counting.guarantee = guarantee
    changelog = f"{counting.prefix}changelog"
    async with AIOKafkaProducer(
        bootstrap_servers=counting.kafka.bootstrap, transactional_id=f"{counting.prefix}other"
    ) as producer:
        for partition, ends in enumerate([["abort"], ["commit"], ["commit", "abort"], ["abort", "commit", "abort"]]):
            for end in ends:
                await producer.begin_transaction()
                for key in range(partition, KEYS, PARTITIONS) if end == "abort" else [KEYS + partition]:
                    stored = pack(1 << 40, 0, 1 << 60, b"999") if end == "abort" else pack(0, 0, 1 << 60, b"1")
                    await producer.send(changelog, stored, key=b"key %d" % key, partition=partition)
                await (producer.commit_transaction() if end == "commit" else producer.abort_transaction())
    await counting.feed(400)
    began = time.monotonic()
    counting.start(0)
    await counting.complete(400)
    assert time.monotonic() - began < TRANSACTION_S / 2
    assert counting.processes[0].terminate() == 0
    assert set(await counting.out()) == exact(400)[0]


async def test_input_that_was_aborted_is_not_counted(counting):
    async with AIOKafkaProducer(
        bootstrap_servers=counting.kafka.bootstrap, transactional_id=f"{counting.prefix}other"
    ) as producer:
        await producer.begin_transaction()
        for key in range(KEYS):
            await producer.send(f"{counting.prefix}in", b"x", key=b"key %d" % key, partition=key % PARTITIONS)
        await producer.abort_transaction()
    await counting.feed(400)
    counting.start(0)
    await counting.complete(400)
    assert counting.processes[0].terminate() == 0
    await exactly(counting, 400)


async def test_an_app_that_is_fenced_publishes_nothing_more_and_says_so_in_one_line(counting):
    await counting.feed(400)
    process = counting.start(0)
    await counting.complete(400)
    async with transactions_of(counting, 2):
        await counting.feed(400)
        assert await asyncio.to_thread(process.wait, 40) == 1
        assert f"Fenced: {counting.prefix}in[2]: fenced" in process.text()
        of_partition = [key for key, _ in await counting.out() if int(key[4:]) % PARTITIONS == 2]
        assert len(of_partition) == KEYS // PARTITIONS
    counting.start(0)
    await counting.complete(800)
    assert counting.processes[0].terminate() == 0
    await exactly(counting, 800)


async def test_what_was_aborted_is_in_no_local_store(counting):
    await delete_topics(counting.kafka.bootstrap, f"{counting.prefix}out")
    await counting.feed(1_000)
    process = counting.start(0)
    end = time.monotonic() + 60
    roots = PARTITIONS  # the first record of each: which input the table stems from
    while sum((await end_offsets(counting.kafka.bootstrap, f"{counting.prefix}changelog")).values()) <= roots:
        assert time.monotonic() < end, process.tail()
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    process.kill()
    await create_topics(counting.kafka.bootstrap, f"{counting.prefix}out", partitions=PARTITIONS)
    counting.start(0)
    await counting.complete(1_000)
    assert counting.processes[0].terminate() == 0
    await exactly(counting, 1_000)


def test_a_transactional_id_is_of_group_topic_and_partition():
    ids = [
        transactional_id(group, TP(topic, number))
        for group in ("a", "a-b")
        for topic in ("b", "b-b")
        for number in (1, 11)
    ]
    assert ids[0] == "a.b.1"
    assert len(set(ids)) == len(ids)
