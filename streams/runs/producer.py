"""The producer: whole runs of outputs as record batches, acknowledged or an error.

Faust's buffered producer gives up a flush after a tenth of a second and never
tells of a batch that the broker refused. Here a write returns when the broker
has it, and raises when it has not.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import aiokafka
import msgspec
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from faust.transport.drivers.aiokafka import Producer

from streams.runs.errors import PublishFailed

__all__ = ["TRANSACTION_S", "Publisher", "Record", "RunProducer"]


TRANSACTION_S: Final = 120.0
"""How long a transaction may last before the broker aborts it: longer than a minute in which no broker answers, which
is waited out like any other, and far shorter than the quarter of an hour that brokers grant."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record to write: bytes as they are, and the time it carries; None: the time of writing."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class RunProducer(Producer):
    """Faust's producer with the settings of the app that owns it."""

    def _settings_extra(self) -> Mapping[str, Any]:
        ours = {"transaction_timeout_ms": round(TRANSACTION_S * 1000)}
        return {**super()._settings_extra(), **ours, **self.app.producer_settings}  # type: ignore[attr-defined]


class Publisher:
    """Writes runs of records; those of one partition reach the broker in the order in which they were given."""

    def __init__(self, producer: Callable[[], aiokafka.AIOKafkaProducer]) -> None:
        self._producer = producer  # asked for at each write: it is there only once the app has started
        # A run of many batches waits between them: without the lock the next run's would come in between.
        self._handing_over: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def publish(self, topic: str, partition: int, records: Sequence[Record]) -> int | None:
        """Write records to a partition, in order, and wait until the broker has them.

        Returns the offset of the last one, None where there is none. Raises
        PublishFailed where the broker did not take them all.
        """
        if not records:
            return None
        try:
            async with self._handing_over[topic, partition]:
                deliveries = await self._hand_over(topic, partition, records)
            acknowledged = await asyncio.gather(*[delivery for delivery, _ in deliveries])
        except KafkaError as error:
            raise PublishFailed(topic, partition, len(records), f"{type(error).__name__}: {error}") from error
        return int(acknowledged[-1].offset) + deliveries[-1][1] - 1

    async def _hand_over(
        self, topic: str, partition: int, records: Sequence[Record]
    ) -> list[tuple[asyncio.Future[Any], int]]:
        """Fill batches and hand them to the client; each with the number of its records."""
        producer = self._producer()
        deliveries: list[tuple[asyncio.Future[Any], int]] = []
        done = 0
        while done < len(records):
            batch = producer.create_batch()
            done = _fill(batch, records, done)
            deliveries.append((await producer.send_batch(batch, topic, partition=partition), batch.record_count()))
        return deliveries


def _fill(batch: BatchBuilder, records: Sequence[Record], first: int) -> int:
    """Put records into an empty batch, from the first one on until it is full; where to go on.

    Straight into what lies under the client's batch: its own `append` takes as long again
    for each record, to find out that the client has no serializers. Ours never has any.
    """
    append = batch._builder.append
    count = 0
    for record in records[first:] if first else records:
        # The first fits, whatever its size.
        if append(count, record.timestamp_ms, record.key, record.value, list(record.headers)) is None:
            break
        count += 1
    batch._relative_offset = count
    batch.close()
    return first + count
