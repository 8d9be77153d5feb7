"""Whole batches: every record that is given to write, once and in order, in batches no larger than the client's."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import RecordMetadata
from hypothesis import given
from hypothesis import strategies as st

from streams.runs.errors import PublishFailed
from streams.runs.producer import Publisher, Record

BATCH_BYTES = 2_048
NOW_MS = 1_704_110_400_000

records = st.builds(
    Record,
    st.none() | st.binary(max_size=20),
    # Some as large as a batch, or larger: the broker is to say whether it takes them.
    st.none() | st.binary(max_size=300) | st.just(b"x" * BATCH_BYTES) | st.just(b"y" * 5_000),
    st.none() | st.integers(0, NOW_MS),
    st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=9)), max_size=2).map(tuple),
)


class Client:
    """aiokafka's producer as far as batches go: they are its own, and what they hold is what a broker would read."""

    create_batch = AIOKafkaProducer.create_batch

    def __init__(self, error=None):
        self.error = error
        self.batches: list[tuple[int, list[Any]]] = []  # of each its bytes, and the records that a broker reads in it
        self._key_serializer = self._value_serializer = None
        self._message_accumulator = self

    def create_builder(self, **_given):
        return BatchBuilder(BATCH_BYTES, 0)

    async def send_batch(self, batch, topic, *, partition):
        base = sum(len(held) for _, held in self.batches)
        data = bytes(batch._build())
        held = [record for whole in _whole(data) for record in whole]
        assert batch.record_count() == len(held)
        self.batches.append((len(data), held))
        sent = asyncio.get_running_loop().create_future()
        if self.error is None:
            sent.set_result(RecordMetadata(topic, partition, None, base, None, 0, 0))
        else:
            sent.set_exception(self.error)
        return sent


def _whole(data):
    read = MemoryRecords(data)
    while read.has_next():
        yield list(read.next_batch())


@given(st.lists(records, max_size=60))
async def test_every_record_is_written_once_in_its_order_with_all_that_it_has(given_records):
    client = Client()
    last_offset = await Publisher(lambda: client).publish("out", 0, given_records)
    written = [record for _, held in client.batches for record in held]
    assert last_offset == (len(given_records) - 1 if given_records else None)
    assert [(each.key, each.value, tuple(each.headers)) for each in written] == [
        (each.key, each.value, each.headers) for each in given_records
    ]
    for told, each in zip(written, given_records, strict=True):
        # Of no time of its own it carries that of the writing.
        assert told.timestamp == each.timestamp_ms if each.timestamp_ms is not None else told.timestamp > NOW_MS
    for size, held in client.batches:
        assert size <= BATCH_BYTES or len(held) == 1


async def test_a_batch_is_filled_before_the_next_one_begins():
    client = Client()
    await Publisher(lambda: client).publish("out", 0, [Record(b"key", b"x" * 100)] * 200)
    *full, _ = client.batches
    assert len(full) > 5
    assert {size for size, _ in full if size < BATCH_BYTES - 150} == set()


async def test_what_the_broker_refuses_is_told_with_its_place():
    client = Client(error=MessageSizeTooLargeError())
    with pytest.raises(PublishFailed, match=r"out\[3\]") as told:
        await Publisher(lambda: client).publish("out", 3, [Record(b"key", b"value")])
    assert isinstance(told.value.__cause__, KafkaError)
