"""Reading a topic to the end that it has now, for the command line.

Without a consumer group, so that looking moves no offset; committed records alone.
Nothing is kept: memory does not grow with the topic.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.errors import Chat2gaError, Fault
from streams.settings import Settings
from streams.worker.broker import BrokerUnreachable, client_options
from streams.worker.refusal import why_unreachable

__all__ = ["NoTopic", "Progress", "Span", "between", "partition_numbers", "reaching", "spans", "to_the_end", "untold"]

ANSWER_S: Final = 5.0
"""A broker that has not answered by then is not reachable, as far as a person waits for it."""
_SILENCE_S: Final = 20.0
_POLL_MS: Final = 500

Progress = Callable[[int, int], None]
"""Told after each fetch: how many offsets lie behind, of how many."""


def untold(_read: int, _of: int) -> None:
    """Nobody asked how far it is."""


class NoTopic(Chat2gaError):
    """A topic to be read that is not there."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, topic: str, broker: str) -> None:
        super().__init__(topic, broker)
        self.topic, self.broker = topic, broker

    def __str__(self) -> str:
        return (
            f"there is no topic {self.topic} at {self.broker}. The worker creates it when it starts; "
            "check CHAT2GA_TOPIC_PREFIX and CHAT2GA_BROKER."
        )


@asynccontextmanager
async def reaching(settings: Settings, client: Any) -> AsyncIterator[None]:  # noqa: ANN401 - aiokafka's are Any
    """The client, started within a few seconds and stopped in any case. Raises BrokerUnreachable, BrokerRefuses."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it would say is said once, below
    try:
        try:
            async with asyncio.timeout(ANSWER_S):
                await client.start()
        except TimeoutError:
            raise BrokerUnreachable(settings.broker, f"no answer within {ANSWER_S:g} s") from None
        except (KafkaError, OSError) as error:
            raise await why_unreachable(settings, type(error).__name__) from None
        yield
    finally:
        await (client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())


Span = tuple[int, int]
"""Offsets of a partition: the first, and the one after the last."""


async def to_the_end(
    settings: Settings,
    topic: str,
    *,
    since_ms: int | None = None,
    at: tuple[int, int] | None = None,
    only: Collection[int] | None = None,
    progress: Progress = untold,
) -> AsyncGenerator[ConsumerRecord[bytes, bytes]]:
    """The records there are now, each partition in its order; or the one at (partition, offset).

    `since_ms`: of record time, epoch milliseconds. `only`: these partitions.
    Raises BrokerUnreachable, BrokerRefuses and NoTopic.
    """
    found = await spans(settings, topic, since_ms=since_ms)
    if only is not None:
        found = {number: span for number, span in found.items() if number in only}
    if at is not None:
        partition, offset = at
        first, end = found.get(partition, (0, 0))
        found = {partition: (offset, offset + 1)} if first <= offset < end else {}
    async with aclosing(between(settings, topic, found, progress)) as records:
        async for record in records:
            yield record


async def spans(
    settings: Settings, topic: str, *, since_ms: int | None = None, until_ms: int | None = None
) -> dict[int, Span]:
    """What each partition of the topic holds now, of records from then and before then (record time)."""
    numbers = await partition_numbers(settings, topic)
    # To what is committed: what a transaction still has open is not there to be read.
    consumer = AIOKafkaConsumer(**client_options(settings), isolation_level="read_committed")
    async with reaching(settings, consumer):
        partitions = [TopicPartition(topic, number) for number in numbers]
        ends = dict(await consumer.end_offsets(partitions))
        starts = dict(await consumer.beginning_offsets(partitions))
        for part, offset in (await _from_times(consumer, partitions, since_ms)).items():
            starts[part] = ends[part] if offset is None else offset
        for part, offset in (await _from_times(consumer, partitions, until_ms)).items():
            ends[part] = ends[part] if offset is None else offset
    return {part.partition: (starts[part], max(starts[part], ends[part])) for part in partitions}


async def between(
    settings: Settings, topic: str, wanted: Mapping[int, Span], progress: Progress = untold
) -> AsyncGenerator[ConsumerRecord[bytes, bytes]]:
    """The records of the topic at these offsets, each partition in its order."""
    found = {TopicPartition(topic, number): span for number, span in wanted.items() if span[0] < span[1]}
    if not found:
        return
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    async with reaching(settings, consumer):
        consumer.assign(list(found))
        for part, (start, _) in found.items():
            consumer.seek(part, start)
        starts, ends = ({part: span[which] for part, span in found.items()} for which in (0, 1))
        async with aclosing(_until(settings, consumer, starts, ends, progress)) as records:
            async for record in records:
                yield record


async def partition_numbers(settings: Settings, topic: str) -> list[int]:
    """The partitions of a topic. An admin's question: a consumer without a subscription knows of none.

    Raises BrokerUnreachable, BrokerRefuses and NoTopic.
    """
    admin = AIOKafkaAdminClient(**client_options(settings))
    async with reaching(settings, admin):
        if topic not in await admin.list_topics():
            raise NoTopic(topic, settings.broker)
        described = await admin.describe_topics([topic])
    return sorted(part["partition"] for part in described[0]["partitions"])


async def _from_times(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], since_ms: int | None
) -> dict[TopicPartition, int | None]:
    """The first offsets of records from then on; None: nothing is that new."""
    if since_ms is None:
        return {}
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
    return {part: None if at is None else at.offset for part, at in found.items()}


async def _until(
    settings: Settings,
    consumer: AIOKafkaConsumer,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    progress: Progress,
) -> AsyncGenerator[ConsumerRecord[bytes, bytes]]:
    """Records up to the ends, as positions tell: of a transaction's marker nothing is delivered."""
    left = set(ends)
    loop = asyncio.get_running_loop()
    heard = loop.time()
    of = sum(ends[part] - start for part, start in starts.items())
    while left:
        batches = await consumer.getmany(*left, timeout_ms=_POLL_MS)
        for part, records in batches.items():
            for record in records:
                if record.offset < ends[part]:
                    yield record
        at = {part: await consumer.position(part) for part in ends}
        progress(sum(min(at[part], ends[part]) - start for part, start in starts.items()), of)
        before, left = left, {part for part in left if at[part] < ends[part]}
        if batches or left != before:
            heard = loop.time()
        elif loop.time() - heard > _SILENCE_S:
            raise BrokerUnreachable(settings.broker, f"it stopped answering: nothing for {_SILENCE_S:g} s")
