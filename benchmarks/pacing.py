"""Records written at a pace, by a process of its own: whoever reads beside it must not wait for it."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from streams.runs import Record
from streams.worker.keying import partition_of

__all__ = ["sending"]

TICK_S: Final = 0.005
_IN_FLIGHT: Final = 500
"""Batches that may await the broker."""


@contextmanager
def sending(
    bootstrap: str, topic: str, partitions: int, records: Sequence[Record], per_s: float
) -> Iterator[BaseProcess]:
    """So many a second until all are written; the process that does it, which ends then."""
    spawned = multiprocessing.get_context("spawn")
    process = spawned.Process(target=_send, args=(bootstrap, topic, partitions, records, per_s), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _send(bootstrap: str, topic: str, partitions: int, records: Sequence[Record], per_s: float) -> None:
    """What the process does."""
    asyncio.run(_paced(bootstrap, topic, partitions, records, per_s))


async def _paced(bootstrap: str, topic: str, partitions: int, records: Sequence[Record], per_s: float) -> None:
    places = [partition_of(record.key or b"", partitions) for record in records]
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        sent: set[Any] = set()
        done, began = 0, time.monotonic()
        while done < len(records):
            due = min(int((time.monotonic() - began) * per_s), len(records))
            by_partition: dict[int, list[Record]] = {}
            for place, record in zip(places[done:due], records[done:due], strict=True):
                by_partition.setdefault(place, []).append(record)
            for partition, each in by_partition.items():
                sent |= await _handed_over(producer, topic, partition, each)
            done = due
            sent = {delivery for delivery in sent if not delivery.done() or delivery.exception() is not None}
            if len(sent) > _IN_FLIGHT:
                await asyncio.gather(*sent)
            await asyncio.sleep(TICK_S)
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def _handed_over(producer: AIOKafkaProducer, topic: str, partition: int, records: list[Record]) -> set[Any]:
    """Given to the client in batches as they fill."""
    given = set()
    batch = producer.create_batch()
    for record in records:
        if batch.append(key=record.key, value=record.value, timestamp=None) is None:
            given.add(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=record.key, value=record.value, timestamp=None)
    given.add(await producer.send_batch(batch, topic, partition=partition))
    return given
