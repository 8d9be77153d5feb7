"""Watches the topics while the worker is at work: what it wrote, and how far it has come.

Progress is read where the guarantees are: the groups' committed offsets and the
records in the topics. Nothing is waited for by the clock.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.dead_letter import decode_dead_letter
from schemas.ga_event import decode_event
from schemas.receipt import Outcome, decode_receipt
from streams.settings import Settings
from streams.worker.broker import client_options
from streams.worker.topics import Topics

__all__ = ["Watch", "watching"]

_POLL_MS: Final = 150
_POLL_RECORDS: Final = 5_000


class Watch:
    """What the worker has written so far, and what it has committed."""

    def __init__(
        self,
        topics: Topics,
        written: AIOKafkaConsumer,
        attribute: AIOKafkaConsumer,
        deliver: AIOKafkaConsumer,
    ) -> None:
        self._topics: Final = topics
        self._written: Final = written
        self._attribute: Final = attribute
        self._deliver: Final = deliver
        self.attributed = 0
        """Input records behind the committed offsets of `attribute`."""
        self.delivered = 0
        """Events behind the committed offsets of `deliver`."""
        self.events: Final[defaultdict[bytes, list[bytes]]] = defaultdict(list)
        """The events of each session key, as they lie in the topic."""
        self.names: Final[Counter[str]] = Counter()
        self.dead_letters: Final[Counter[tuple[str, str]]] = Counter()
        """By field and code."""
        self.dead_reasons: Final[dict[tuple[str, str], str]] = {}
        """The first reason given with them."""
        self.receipts: Final[Counter[Outcome]] = Counter()

    async def look(self) -> bool:
        """Read what was written since; whether there was anything."""
        new = await self._written.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
        for partition, records in new.items():
            for record in records:
                self._take(partition.topic, record)
        self.attributed = sum((await _committed(self._attribute)).values())
        self.delivered = sum((await _committed(self._deliver)).values())
        return bool(new)

    def _take(self, topic: str, record: ConsumerRecord) -> None:
        if topic == self._topics.events:
            self.events[record.key].append(record.value)
            self.names[decode_event(record.value).name] += 1
        elif topic == self._topics.receipts:
            self.receipts[decode_receipt(record.value).outcome] += 1
        else:
            letter = decode_dead_letter(record.value)
            self.dead_letters[letter.field, letter.code] += 1
            self.dead_reasons.setdefault((letter.field, letter.code), letter.reason)

    async def done(self, next_offsets: Mapping[int, int]) -> bool:
        """Whether everything before these input offsets is attributed, delivered and read here."""
        committed = await _committed(self._attribute)
        if any(committed[partition] < offset for partition, offset in next_offsets.items()):
            return False
        # What `attribute` wrote for these records was acknowledged before it committed: it is in the topic.
        while await self.look() or not await self._at_the_end():
            pass
        delivered = await _committed(self._deliver)
        ends = {at.partition: await self._written.position(at) for at in self._of(self._topics.events)}
        if any(delivered[partition] < end for partition, end in ends.items()):
            return False
        while await self.look() or not await self._at_the_end():
            pass
        return True

    async def _at_the_end(self) -> bool:
        """Whether the end of every topic was read.

        Where the end is asked for, the embedded broker answers what follows the
        *first* record of the last batch. A batch is handed on whole, and whoever asks
        here has just found nothing more to read: so behind that is the end.
        """
        ends = await self._written.end_offsets(list(self._written.assignment()))
        return all([await self._written.position(at) >= end for at, end in ends.items()])

    def _of(self, topic: str) -> list[TopicPartition]:
        return [at for at in self._written.assignment() if at.topic == topic]


async def _committed(of_group: AIOKafkaConsumer) -> dict[int, int]:
    """The group's committed next offset of each partition; 0 where there is none yet."""
    return {at.partition: await of_group.committed(at) or 0 for at in of_group.assignment()}


@asynccontextmanager
async def watching(settings: Settings, topics: Topics) -> AsyncIterator[Watch]:
    """Watch from the beginning of the topics."""
    options = {**client_options(settings), "enable_auto_commit": False, "auto_offset_reset": "earliest"}
    written = AIOKafkaConsumer(**options)
    # Of the groups and not in them: partitions assigned by hand make no member, and nobody is rebalanced.
    attribute = AIOKafkaConsumer(**options, group_id=settings.group)
    deliver = AIOKafkaConsumer(**options, group_id=f"{settings.group}-deliver")
    async with AsyncExitStack() as stack:
        for consumer, read in (
            (written, (topics.events, topics.receipts, topics.dead_letters)),
            (attribute, (topics.input,)),
            (deliver, (topics.events,)),
        ):
            await consumer.start()
            stack.push_async_callback(consumer.stop)
            consumer.assign(
                [TopicPartition(topic, number) for topic in read for number in consumer.partitions_for_topic(topic)]
            )
        yield Watch(topics, written, attribute, deliver)
