"""The writer on a real Kafka: acknowledged is on the topic, refused is not, and it goes on by itself."""

import asyncio
import time

import pytest

from streams.ingest import Unwritten
from streams.ingest.writer import Writer
from streams.runs import Record
from streams.worker.keying import partition_of
from tests.kafka import create_topics, read_topic

PATIENCE_S = 1.5


class Writing:
    """A writer to a topic of four partitions."""

    def __init__(self, kafka, topic, *, patience_s=PATIENCE_S, copies=1):
        self.kafka, self.topic, self.copies = kafka, topic, copies
        options = {"bootstrap_servers": kafka.bootstrap, "client_id": "test"}
        self.writer = Writer(topic, options, patience_s=patience_s, idempotence=True)

    async def __aenter__(self):
        await create_topics(self.kafka.bootstrap, self.topic, replication=self.copies)
        await self.writer.open()
        return self

    async def __aexit__(self, *_):
        await self.writer.close()

    async def refused(self, *values):
        """Write, and be refused; how long that took, and whether anything was sent."""
        began = time.monotonic()
        with pytest.raises(Unwritten) as told:
            await self.writer.write([record(value) for value in values])
        return time.monotonic() - began, told.value.begun

    async def until_it_answers(self):
        end = time.monotonic() + 30
        while not await self.writer.answers():
            assert time.monotonic() < end
            await asyncio.sleep(0.1)

    async def values(self):
        return sorted(each.value for each in await read_topic(self.kafka.bootstrap, self.topic))


def record(value, key=b"k"):
    return Record(key, value, 1_769_860_800_000)


async def test_what_is_acknowledged_is_there_under_its_key_in_order_at_the_time_of_its_arrival(kafka, prefix):
    keys = [b"acme/s/%d" % n for n in range(8)]
    async with Writing(kafka, f"{prefix}t") as writing:
        await asyncio.gather(
            *[writing.writer.write([record(b"%s %d" % (key, n), key) for n in range(200)]) for key in keys]
        )
        found = await read_topic(kafka.bootstrap, writing.topic)
    for key in keys:
        ours = [each for each in found if each.key == key]
        assert [each.value for each in ours] == [b"%s %d" % (key, n) for n in range(200)]
        assert {each.partition for each in ours} == {partition_of(key, 4)}
        assert {each.timestamp_ms for each in ours} == {1_769_860_800_000}


async def test_a_request_larger_than_a_batch_is_written_whole(kafka, prefix):
    large = [b"%d " % n + b"x" * 900_000 for n in range(5)]
    async with Writing(kafka, f"{prefix}t") as writing:
        await writing.writer.write([record(value) for value in large])
        assert await writing.values() == large


async def test_with_the_broker_away_it_refuses_within_its_patience_and_then_at_once(kafka_alone, prefix):
    async with Writing(kafka_alone, f"{prefix}t") as writing:
        await writing.writer.write([record(b"0")])
        assert await writing.writer.answers()
        await asyncio.to_thread(kafka_alone.kill, 1)
        took_s, begun = await writing.refused(b"1")
        assert begun
        assert took_s < PATIENCE_S + 5.0
        assert not await writing.writer.answers()
        took_s, begun = await writing.refused(b"2")
        assert not begun
        assert took_s < PATIENCE_S
        await asyncio.to_thread(kafka_alone.restart, 1)
        await writing.until_it_answers()
        await writing.writer.write([record(b"3")])
        await asyncio.sleep(2.0)
        assert await writing.values() == [b"0", b"3"]


async def test_a_short_absence_is_waited_out(kafka_cluster, prefix):
    """Of three brokers one hands its partitions over: nobody is refused."""
    async with Writing(kafka_cluster, f"{prefix}t", patience_s=20.0, copies=3) as writing:
        written = 0
        stopping = asyncio.create_task(asyncio.to_thread(kafka_cluster.stop, 1))
        while not stopping.done() or written < 20:
            await writing.writer.write([record(b"%06d" % written, b"%d" % written)])
            written += 1
        assert await writing.values() == [b"%06d" % n for n in range(written)]


async def test_all_who_wait_are_refused_together_and_what_was_on_its_way_is_the_most_that_may_be_there(
    kafka_alone, prefix
):
    async with Writing(kafka_alone, f"{prefix}t", patience_s=4.0) as writing:
        await writing.writer.write([record(b"0")])
        kafka_alone.freeze(1)
        began = time.monotonic()
        first = asyncio.create_task(writing.refused(b"1"))
        await asyncio.sleep(2.0)
        later = [asyncio.create_task(writing.refused(b"%d" % n)) for n in range(2, 10)]
        await asyncio.gather(first, *later)
        assert time.monotonic() - began < 4.0 + 1.5, "they waited for their own time"
        kafka_alone.wake(1)
        await writing.until_it_answers()
        await writing.writer.write([record(b"last")])
        await asyncio.sleep(1.0)
        found = await writing.values()
    assert {b"0", b"last"} <= set(found)
    assert set(found) <= {b"0", b"1", b"last"}, "what waited behind the one on its way was sent after all"


async def test_whoever_waits_at_the_end_is_refused(kafka_alone, prefix):
    async with Writing(kafka_alone, f"{prefix}t", patience_s=30.0) as writing:
        kafka_alone.freeze(1)
        waiting = asyncio.create_task(writing.refused(b"1"))
        await asyncio.sleep(0.2)
        await writing.writer.close()
        took_s, _ = await waiting
        assert took_s < 15.0
        kafka_alone.wake(1)
