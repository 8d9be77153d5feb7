"""Exactly once on a real Kafka: an app that counts in transactions, killed, joined, left, fenced and misled."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from faust.types.tuples import TP

from streams.runs import pack
from streams.runs.transactions import transactional_id
from tests.kafka import end_offsets, read_topic
from tests.streams.runs.counted import PARTITIONS, Counting, exact

TRANSACTION_S = 60.0
"""How long a transaction lasts that nobody ends: a standstill of this length is what must never be."""


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
