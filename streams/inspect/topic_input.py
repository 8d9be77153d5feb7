"""Topics as inputs of a replay: `kafka:TOPIC`, of which each partition is an input of its own.

What is read is fixed when the replay begins, since a topic grows meanwhile. A
record arrived when Kafka says, as for the worker.
"""

import asyncio
import re
from array import array
from collections.abc import AsyncGenerator, Iterator
from typing import Final

from aiokafka import ConsumerRecord

from streams.errors import Chat2gaError, Fault
from streams.inspect.reading import Span, between, spans
from streams.replay import Input, Records, line_at
from streams.replay.places import RECORD_BYTES
from streams.settings import Settings

__all__ = ["BadTopic", "is_topic", "topic_inputs"]

PREFIX: Final = "kafka:"
_NAME: Final = re.compile(r"kafka:(?P<topic>[\w.-]+)(/(?P<partition>\d+)(:(?P<first>\d*)-(?P<end>\d*))?)?", re.ASCII)
_BATCH: Final = 5_000


class BadTopic(Chat2gaError):
    """An input that names a topic in another way."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, given: str, reason: str) -> None:
        super().__init__(given, reason)
        self.given, self.reason = given, reason

    def __str__(self) -> str:
        return f"INPUT {self.given!r}: {self.reason}"


def is_topic(name: str) -> bool:
    """Whether an input's name is that of a topic."""
    return name.startswith(PREFIX)


def topic_inputs(
    settings: Settings,
    name: str,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    asked: tuple[str | None, ...] = (),
) -> tuple[Input, ...]:
    """The partitions that a name stands for: `kafka:TOPIC`, `kafka:TOPIC/PARTITION`, `kafka:TOPIC/PARTITION:FIRST-END`.

    `END` is the offset after the last one; either may be left out. Times are those of the
    records, epoch milliseconds; `asked` is what they were made of, `7d` say. Raises BadTopic,
    BrokerUnreachable, BrokerRefuses and NoTopic.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise BadTopic(name, "expected kafka:TOPIC, kafka:TOPIC/PARTITION or kafka:TOPIC/PARTITION:FIRST-END.")
    topic = match["topic"]
    found = asyncio.run(spans(settings, topic, since_ms=since_ms, until_ms=until_ms))
    if match["partition"] is None:
        return tuple(_TopicInput(settings, topic, number, span, (name, *asked)) for number, span in found.items())
    number = int(match["partition"])
    if number not in found:
        raise BadTopic(name, f"topic {topic} has no partition {number}: it has 0 to {max(found)}.")
    first, end = found[number]
    first = max(first, int(match["first"] or 0))
    end = min(end, int(match["end"] or end))
    return (_TopicInput(settings, topic, number, (first, max(first, end)), (name, *asked)),)


class _TopicInput:
    """A partition, from an offset to another."""

    def __init__(
        self, settings: Settings, topic: str, partition: int, span: Span, asked: tuple[str | None, ...]
    ) -> None:
        self._settings: Final = settings
        self._topic: Final = topic
        self._partition: Final = partition
        self._span: Final = span
        self._asked: Final = asked

    size: Final = None
    unpacked: Final = None

    @property
    def name(self) -> str:
        return f"{PREFIX}{self._topic}/{self._partition}"

    @property
    def identity(self) -> tuple[object, ...]:
        return self._settings.broker, self.name, *self._asked

    @property
    def position(self) -> Span:
        return self._span

    def at(self, position: object) -> "_TopicInput":
        assert isinstance(position, (list, tuple))
        first, end = position
        return _TopicInput(self._settings, self._topic, self._partition, (first, end), self._asked)

    def pieces(self, index: int, chunk_bytes: int, read: object) -> Iterator[Records]:
        """Its records. A place's line is the offset and one, as lines are counted from one."""
        del read  # how many bytes lie there nobody knows
        with asyncio.Runner() as runner:
            runner.run(self._check_there())
            records = between(self._settings, self._topic, {self._partition: self._span})
            try:
                yield from self._in_pieces(runner, records, index, chunk_bytes)
            finally:
                runner.run(records.aclose())

    async def _check_there(self) -> None:
        """Raises BadTopic where retention has removed what was to be read: the rest would look like all of it."""
        first, end = self._span
        begins, _ = (await spans(self._settings, self._topic))[self._partition]
        if first < end and begins > first:
            raise BadTopic(
                self.name,
                f"its records from offset {first} on are gone: it begins at {begins} now. Begin anew, without --work.",
            )

    @staticmethod
    def _in_pieces(
        runner: asyncio.Runner, records: AsyncGenerator[ConsumerRecord[bytes, bytes]], index: int, chunk_bytes: int
    ) -> Iterator[Records]:
        held = _Held()
        while batch := runner.run(_some(records)):
            for record in batch:
                held.add(line_at(index, record.offset + 1), record.timestamp, record.value or b"")
                if held.size >= chunk_bytes:
                    yield held.taken()
                    held = _Held()
        if held.values:
            yield held.taken()


class _Held:
    """Records until they are as large as a chunk."""

    def __init__(self) -> None:
        self.seqs, self.arrivals, self.size = array("Q"), array("q"), 0
        self.values: list[bytes] = []

    def add(self, seq: int, arrival_ms: int, value: bytes) -> None:
        self.seqs.append(seq)
        self.arrivals.append(arrival_ms)
        self.values.append(value)
        self.size += len(value) + RECORD_BYTES

    def taken(self) -> Records:
        return Records(self.seqs, self.arrivals, self.values)


async def _some(records: AsyncGenerator[ConsumerRecord[bytes, bytes]]) -> list[ConsumerRecord[bytes, bytes]]:
    """The next records, none at the end."""
    found = []
    async for record in records:
        found.append(record)
        if len(found) >= _BATCH:
            break
    return found
