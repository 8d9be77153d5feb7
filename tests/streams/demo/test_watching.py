"""Watching the worker: done is when everything sent is committed by both groups and read here, and not before."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from schemas.dead_letter import DeadLetter, encode_dead_letter
from schemas.receipt import Receipt, encode_receipt
from streams.demo.broker import BROKER_SETTINGS, embedded_broker
from streams.demo.watching import watching
from streams.settings import Settings
from streams.worker.topics import ensure_topics

LETTER = DeadLetter(
    topic="t",
    partition=0,
    offset=0,
    timestamp_ms=0,
    stage="attribute",
    field="$",
    code="empty",
    reason="The record has no value",
    key=None,
    value=None,
)
RECEIPT = Receipt(
    event_id="e", tracker_id="G-A", account_id="a", session_id="s", name="Chatbot_sent", outcome="delivered"
)


@pytest.fixture
async def settings(tmp_path):
    async with embedded_broker(tmp_path) as url:
        yield Settings(broker=url, partitions=2, **BROKER_SETTINGS)


class Worker:
    """Writes and commits as a worker does, one thing at a time."""

    def __init__(self, settings: Settings) -> None:
        self.server = settings.broker.removeprefix("kafka://")
        self.group = settings.group

    async def write(self, topic: str, value: bytes, *, times: int = 1, partition: int = 0) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.server)
        await producer.start()
        for _ in range(times):
            await producer.send(topic, value, key=b"a/s/s", partition=partition)
        await producer.stop()

    async def commit(self, group: str, topic: str, **offsets: int) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.server, group_id=group, enable_auto_commit=False)
        await consumer.start()
        at = {TopicPartition(topic, int(name[1:])): OffsetAndMetadata(offset, "") for name, offset in offsets.items()}
        consumer.assign(list(at))
        await consumer.commit(at)
        await consumer.stop()


async def test_it_is_done_when_both_groups_have_committed_and_not_before(settings, expected):
    event = next(iter(expected.events.values()))[0]
    topics = await ensure_topics(settings)
    worker = Worker(settings)
    async with watching(settings, topics) as watch:
        assert not await watch.done({0: 3})
        await worker.write(topics.events, event, times=5)
        await worker.write(topics.dead_letters, encode_dead_letter(LETTER))
        await worker.commit(settings.group, topics.input, p0=2)
        assert not await watch.done({0: 3})
        await worker.commit(settings.group, topics.input, p0=3)
        assert not await watch.done({0: 3})
        await worker.commit(f"{settings.group}-deliver", topics.events, p0=4)
        assert not await watch.done({0: 3})
        await worker.write(topics.receipts, encode_receipt(RECEIPT), times=5)
        await worker.commit(f"{settings.group}-deliver", topics.events, p0=5)
        assert await watch.done({0: 3})
        assert not await watch.done({0: 3, 1: 1})
    assert watch.events == {b"a/s/s": [event] * 5}
    assert watch.names.total() == 5
    assert watch.receipts == {"delivered": 5}
    assert watch.dead_letters == {("$", "empty"): 1}
    assert watch.dead_reasons == {("$", "empty"): "The record has no value"}
    assert (watch.attributed, watch.delivered) == (3, 5)


async def test_nothing_sent_is_done_at_once(settings):
    topics = await ensure_topics(settings)
    async with watching(settings, topics) as watch:
        assert await watch.done({})
    assert (watch.attributed, watch.delivered, watch.events) == (0, 0, {})
