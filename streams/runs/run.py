"""A run: consecutive records of one partition, handled as one Faust event.

Faust carries it where it would carry a message: the run is the event's value,
and the event's message knows the offsets at both ends. An offset here is always
named for what it means: `first_offset` and `last_offset` are of records in the
run, `next_offset` is the one to go on with, which is what Kafka commits.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from faust.serializers.schemas import Schema
from faust.types import EventT, Message
from faust.types.tuples import TP, ConsumerMessage

__all__ = ["Received", "Run", "RunMessage", "RunSchema"]


class Received(Protocol):
    """A record of a run. Its topic and partition are the run's."""

    @property
    def offset(self) -> int:
        """In its partition."""

    @property
    def timestamp(self) -> int:
        """Record time, epoch milliseconds."""

    @property
    def timestamp_type(self) -> int:
        """0: the time is the sender's; 1: the broker's."""

    @property
    def key(self) -> bytes | None:
        """None: it has none."""

    @property
    def value(self) -> bytes | None:
        """None: a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and values, in the order in which they were sent."""


Records = Sequence[Received]


class Run:
    """Consecutive records of one partition, in their order.

    Never empty for an agent. In recovery a run without records tells how far a
    changelog was read where nothing was delivered.
    """

    __slots__ = ("next_offset", "partition", "records", "topic")

    def __init__(self, topic: str, partition: int, records: Records, next_offset: int) -> None:
        self.topic = topic
        self.partition = partition
        self.records = records
        self.next_offset = next_offset

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        """Offset of the last record. Behind it `next_offset` may skip what is delivered to nobody."""
        return self.records[-1].offset

    def release(self) -> None:
        """Let go of the records, once nothing is left to do but to write: they are the most of a worker's memory."""
        self.records = ()

    def __len__(self) -> int:
        return len(self.records)


class RunMessage(ConsumerMessage):
    """What Faust tracks and acknowledges: one for a whole run."""

    __slots__ = ("next_offset", "run")

    def __init__(self, run: Run, generation_id: int) -> None:
        last = run.records[-1] if run.records else None
        super().__init__(
            run.topic,
            run.partition,
            run.next_offset - 1,
            last.timestamp / 1000.0 if last is not None else 0.0,
            last.timestamp_type if last is not None else 0,
            None,
            None,
            run,  # type: ignore[arg-type]  # the run travels where a message's bytes would
            None,
            0,
            0,
            TP(run.topic, run.partition),
            generation_id=generation_id,
        )
        self.run = run
        self.next_offset = run.next_offset


class RunSchema(Schema):
    """Passes a run through: its records are decoded by whom they are for, one by one."""

    def compile(self, app: Any, **_options: Any) -> Callable[..., Awaitable[EventT]]:
        """The decoder of a topic that carries runs."""
        create = app.create_event

        async def decode(message: Message, *, propagate: bool = False) -> EventT:
            del propagate
            event: EventT = create(message.key, message.value, message.headers, message)
            return event

        return decode
