"""A producer that is let go of: at once, and what it had not sent is never sent."""

import asyncio
import importlib
import time

import pytest
from aiokafka.errors import KafkaError

from streams.ingest.producer import LEANS_ON, Producer
from tests.kafka import create_topics, end_offsets, read_topic


@pytest.mark.parametrize(("place", "names"), LEANS_ON.items())
def test_what_it_leans_on_is_there(place, names):
    module, _, name = place.partition(":")
    found = getattr(importlib.import_module(module), name)
    source = importlib.import_module(found.__module__).__file__
    with open(source, encoding="utf-8") as text:  # noqa: PTH123 - what is set on an object stands in no class
        written = text.read()
    assert [each for each in names if f"{each}" not in written] == []


async def producing(kafka, topic, within_s=2):
    producer = Producer(
        bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=within_s * 1_000
    )
    await producer.start()
    await producer.partitions_for(topic)
    return producer


async def test_it_writes_as_any_producer(kafka, prefix):
    topic = f"{prefix}t"
    await create_topics(kafka.bootstrap, topic, partitions=1)
    producer = await producing(kafka, topic)
    await producer.send_and_wait(topic, b"1", partition=0)
    await producer.stop()
    assert [record.value for record in await read_topic(kafka.bootstrap, topic)] == [b"1"]


@pytest.mark.parametrize("abandoned", [True, False], ids=["let go of", "left to itself"])
async def test_what_waits_for_a_broker_that_is_away_is_sent_when_it_is_back_unless_it_was_let_go_of(
    kafka_alone, prefix, abandoned
):
    topic = f"{prefix}t"
    await create_topics(kafka_alone.bootstrap, topic, partitions=1)
    producer = await producing(kafka_alone, topic)
    await producer.send_and_wait(topic, b"0", partition=0)
    await asyncio.to_thread(kafka_alone.kill, 1)
    waiting = await producer.send(topic, b"1", partition=0)
    await asyncio.sleep(1.0)
    assert not waiting.done()
    if abandoned:
        await producer.abandon()
    await asyncio.to_thread(kafka_alone.restart, 1)
    if not abandoned:
        await waiting
    await asyncio.sleep(3.0)
    values = [record.value for record in await read_topic(kafka_alone.bootstrap, topic)]
    assert values == ([b"0"] if abandoned else [b"0", b"1"])
    await producer.stop()


async def test_it_does_not_wait_for_a_broker_that_does_not_answer(kafka_alone, prefix):
    topic = f"{prefix}t"
    await create_topics(kafka_alone.bootstrap, topic, partitions=1)
    producer = await producing(kafka_alone, topic, within_s=60)
    kafka_alone.freeze(1)
    waiting = [await producer.send(topic, b"x" * 1_000, partition=0) for _ in range(10)]
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await producer.abandon()
    assert time.monotonic() - began < 10.0
    kafka_alone.wake(1)
    for each in waiting:
        each.cancel()
    assert sum((await end_offsets(kafka_alone.bootstrap, topic)).values()) <= len(waiting)


async def test_let_go_of_before_it_began_and_twice_is_no_harm():
    producer = Producer(bootstrap_servers="127.0.0.1:1", acks="all", enable_idempotence=True)
    with pytest.raises(KafkaError):
        await producer.start()
    await producer.abandon()
    await producer.abandon()
