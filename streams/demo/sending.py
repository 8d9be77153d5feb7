"""Sends sample traffic to Kafka, at a pace or as fast as the broker takes it.

A record that the broker finds too large is counted and passed over, as a real
sender's would be lost: the stream goes on.
"""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.demo.quiet import aiokafka_quiet
from streams.demo.traffic import Mix, Record, traffic
from streams.errors import Chat2gaError
from streams.settings import Settings, load_settings
from streams.worker.broker import BrokerUnreachable, client_options

__all__ = ["Sender", "live_traffic", "paced", "send_traffic", "sending"]

_MAX_REQUEST_BYTES: Final = 8_388_608  # above the largest of the bad records
_UNACKNOWLEDGED: Final = 2_000  # records that may await the broker: bounds the sender's memory
_TICK_S: Final = 0.02
# Traffic begins this far in the past: it is thin until the first visits are under way, and so runs ahead of
# the pace at which it is sent; it must not run ahead of the clock.
_HEAD_START_S: Final = 3_600
_RECORDS_OF_A_SESSION: Final = 16.0  # of the default mix, measured


class Sender:
    """Sends records to one topic and knows what the broker took."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._waiting: set[asyncio.Future[Any]] = set()
        self._failed: KafkaError | None = None
        self.sent = 0
        self.too_large = 0
        self.next_offsets: dict[int, int] = {}
        """Of each partition: behind the last record that the broker has."""

    async def send(self, records: Iterable[Record]) -> None:
        """Hand records to the producer; a full buffer makes this wait. Raises KafkaError as the broker does."""
        for record in records:
            if len(self._waiting) >= _UNACKNOWLEDGED:
                await asyncio.wait(self._waiting, return_when=asyncio.FIRST_COMPLETED)
            if self._failed:
                raise self._failed
            try:
                delivery = await self._producer.send(
                    self._topic, record.value, key=record.key, timestamp_ms=record.arrival_ms
                )
            except MessageSizeTooLargeError:  # too large already for a request
                self.too_large += 1
                continue
            self._waiting.add(delivery)
            delivery.add_done_callback(self._acknowledged)

    async def flush(self) -> None:
        """Wait until the broker has answered for every record. Raises KafkaError as it does."""
        while self._waiting:
            await asyncio.wait(self._waiting)
        if self._failed:
            raise self._failed

    def _acknowledged(self, delivery: asyncio.Future[Any]) -> None:
        self._waiting.discard(delivery)
        if delivery.cancelled():
            return
        error = delivery.exception()
        if error is None:
            at = delivery.result()
            self.sent += 1
            self.next_offsets[at.partition] = max(at.offset + 1, self.next_offsets.get(at.partition, 0))
        elif isinstance(error, MessageSizeTooLargeError):
            self.too_large += 1
        elif isinstance(error, KafkaError):
            self._failed = error


@asynccontextmanager
async def sending(settings: Settings) -> AsyncIterator[Sender]:
    """A sender to `chat-interactions`. Raises BrokerUnreachable where nobody answers."""
    producer = AIOKafkaProducer(
        **client_options(settings),
        acks="all",
        enable_idempotence=settings.idempotence,
        linger_ms=5,
        max_batch_size=262_144,
        max_request_size=_MAX_REQUEST_BYTES,
    )
    try:
        with aiokafka_quiet():
            await producer.start()
    except KafkaError as error:
        await producer.stop()
        raise BrokerUnreachable(settings.broker, type(error).__name__) from None
    try:
        yield Sender(producer, settings.topic("chat-interactions"))
    finally:
        await producer.stop()


async def paced(sender: Sender, records: Iterator[Record], rate: float, until: asyncio.Event) -> None:
    """Send `rate` records a second until told to stop or there are none left."""
    loop = asyncio.get_running_loop()
    began, handed = loop.time(), 0
    while not until.is_set():
        due = int((loop.time() - began) * rate) - handed
        batch = [record for _, record in zip(range(due), records, strict=False)]
        await sender.send(batch)
        handed += due
        if len(batch) < due:
            return
        await asyncio.sleep(_TICK_S)


def live_traffic(seed: int, rate: float) -> Iterator[Record]:
    """Traffic of about now that brings `rate` records in a second of its time."""
    mix = Mix(starts_per_s=rate / _RECORDS_OF_A_SESSION)
    return traffic(seed, mix=mix, start_ms=int((time.time() - _HEAD_START_S) * 1000))


def send_traffic(*, broker: str | None, rate: float, seconds: float, seed: int) -> int:
    """Send for so long, or until SIGINT or SIGTERM; the exit code."""
    try:
        settings = load_settings(broker=broker) if broker else load_settings()
        sender = asyncio.run(_send(settings, rate, seconds, seed))
    except Chat2gaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KafkaError as error:
        sys.stderr.write(f"the broker does not take the records: {error}\n")
        return 1
    passed_over = f", {sender.too_large} too large for the broker" if sender.too_large else ""
    sys.stdout.write(f"{sender.sent} records sent{passed_over}\n")
    return 0


async def _send(settings: Settings, rate: float, seconds: float, seed: int) -> Sender:
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for stop in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(stop, until.set)
    async with sending(settings) as sender:
        if seconds:  # from here on: on a busy machine it may take as long to connect
            loop.call_later(seconds, until.set)
        await paced(sender, live_traffic(seed, rate), rate, until)
        await sender.flush()
    return sender
