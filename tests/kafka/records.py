"""Records in and out of topics: made, written quickly, read to the end."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

__all__ = [
    "Record",
    "Written",
    "create_topics",
    "delete_topics",
    "each_record",
    "end_offsets",
    "produce",
    "read_topic",
    "until_read",
]

Isolation = Literal["read_uncommitted", "read_committed"]
READ_S: Final = 60.0
_CONFIG: Final = {"retention.ms": "-1"}  # sample records are from the past, and would be deleted
_IN_FLIGHT: Final = 20_000
_FETCH_BYTES: Final = 16 * 1024 * 1024


class Written(NamedTuple):
    """A record to write. Without a partition, its key says which; without a time, it is now."""

    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp_ms: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Record(NamedTuple):
    """A record read."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


async def create_topics(
    bootstrap: str,
    *names: str,
    partitions: int = 4,
    replication: int = 1,
    config: Mapping[str, str] | None = None,
) -> None:
    """Make topics; each is ready to be written when this returns. Raises RuntimeError with Kafka's reason."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        topics = [
            NewTopic(name, partitions, replication, topic_configs={**_CONFIG, **(config or {})}) for name in names
        ]
        answer = await client.create_topics(topics)
        for name, code, reason in answer.topic_errors:
            if code:
                raise RuntimeError(f"topic {name}: error {code}: {reason}")
        end = time.monotonic() + READ_S
        while time.monotonic() < end:
            made = await client.describe_topics(list(names))
            if all(
                not topic["error_code"] and all(part["leader"] >= 0 for part in topic["partitions"]) for topic in made
            ):
                return
            await asyncio.sleep(0.02)
        raise TimeoutError(f"topics {', '.join(names)} have no leaders after {READ_S:g} s")
    finally:
        await client.close()


async def delete_topics(bootstrap: str, prefix: str) -> None:
    """Delete every topic whose name begins so."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        names = [name for name in await client.list_topics() if name.startswith(prefix)]
        if names:
            await client.delete_topics(names)
    finally:
        await client.close()


async def produce(bootstrap: str, topic: str, records: Iterable[Written]) -> int:
    """Write records in their order, acknowledged by all copies and never doubled; how many."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=256 * 1024,
        max_request_size=16 * 1024 * 1024,
    )
    await producer.start()
    count = 0
    try:
        sent = []
        for record in records:
            sent.append(await _send(producer, topic, record))
            count += 1
            if len(sent) >= _IN_FLIGHT:
                await asyncio.gather(*sent)
                sent.clear()
        await asyncio.gather(*sent)  # each raises what became of it: aiokafka's flush raises nothing
    finally:
        await producer.stop()
    return count


async def _send(producer: AIOKafkaProducer, topic: str, record: Written) -> Any:  # a future: aiokafka has no types
    headers = list(record.headers)
    if record.key is None and record.value is None:  # which aiokafka's `send` refuses, and Kafka takes
        batch = producer.create_batch()
        batch.append(key=None, value=None, timestamp=record.timestamp_ms, headers=headers)
        return await producer.send_batch(batch, topic, partition=record.partition or 0)
    return await producer.send(
        topic,
        record.value,
        key=record.key,
        partition=record.partition,
        timestamp_ms=record.timestamp_ms,
        headers=headers,
    )


async def read_topic(
    bootstrap: str, topic: str, *, isolation: Isolation = "read_uncommitted", timeout_s: float = READ_S
) -> list[Record]:
    """Every record of a topic up to its end as it is now: by partition, in order of offset. Raises TimeoutError.

    Under `read_committed` the end is the last stable offset. What counts is the
    consumer's position: a transaction's marker takes an offset and is delivered to nobody.
    """
    partitions = await _partitions(bootstrap, topic)
    consumer = _reader(bootstrap, isolation)
    await consumer.start()
    found: list[Record] = []
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning()
        end = time.monotonic() + timeout_s
        while True:
            behind = [at for at in partitions if await consumer.position(at) < ends[at]]
            if not behind:
                break
            if time.monotonic() > end:
                raise TimeoutError(f"{topic}: {len(behind)} partitions not read to their end after {timeout_s:g} s")
            for at, records in (await consumer.getmany(*behind, timeout_ms=200)).items():
                found += [_record(record) for record in records if record.offset < ends[at]]
    finally:
        await consumer.stop()
    found.sort(key=lambda record: (record.partition, record.offset))
    return found


async def each_record(
    bootstrap: str, topic: str, *, isolation: Isolation = "read_uncommitted", silence_s: float = READ_S
) -> AsyncGenerator[Record]:
    """As `read_topic`, and nothing is kept. Raises TimeoutError where nothing comes for so long."""
    partitions = await _partitions(bootstrap, topic)
    consumer = _reader(bootstrap, isolation)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
        for at in partitions:
            consumer.assign([at])
            await consumer.seek_to_beginning(at)
            heard = time.monotonic()
            while await consumer.position(at) < ends[at]:
                batch = (await consumer.getmany(at, timeout_ms=200)).get(at, [])
                for record in batch:
                    if record.offset < ends[at]:
                        yield _record(record)
                if batch:
                    heard = time.monotonic()
                elif time.monotonic() - heard > silence_s:
                    raise TimeoutError(f"{topic}: nothing of partition {at.partition} for {silence_s:g} s")
    finally:
        await consumer.stop()


async def until_read(
    bootstrap: str, topic: str, count: int, *, isolation: Isolation = "read_uncommitted", timeout_s: float = READ_S
) -> list[Record]:
    """The records of a topic once it holds `count` of them or more; then as `read_topic`. Raises TimeoutError."""
    end = time.monotonic() + timeout_s
    while True:
        found = await read_topic(bootstrap, topic, isolation=isolation, timeout_s=max(end - time.monotonic(), 1))
        if len(found) >= count:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{topic}: {len(found)} records after {timeout_s:g} s, {count} expected")
        await asyncio.sleep(0.1)


async def end_offsets(bootstrap: str, topic: str, *, isolation: Isolation = "read_uncommitted") -> dict[int, int]:
    """The end offset of each partition: the offset that the next record gets."""
    partitions = await _partitions(bootstrap, topic)
    consumer = _reader(bootstrap, isolation)
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        return {at.partition: offset for at, offset in ends.items()}
    finally:
        await consumer.stop()


def _reader(bootstrap: str, isolation: Isolation) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=isolation,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_bytes=4 * _FETCH_BYTES,
    )


async def _partitions(bootstrap: str, topic: str) -> list[TopicPartition]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        (described,) = await client.describe_topics([topic])
    finally:
        await client.close()
    if described["error_code"]:
        raise RuntimeError(f"topic {topic}: error {described['error_code']}")
    return [TopicPartition(topic, number) for number in sorted(part["partition"] for part in described["partitions"])]


def _record(record: object) -> Record:
    partition, offset, timestamp = record.partition, record.offset, record.timestamp  # type: ignore[attr-defined]
    return Record(partition, offset, timestamp, record.key, record.value, tuple(record.headers))  # type: ignore[attr-defined]
