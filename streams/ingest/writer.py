"""Writing a request's interactions: acknowledged by Kafka, or refused within a bounded time.

What is refused must not turn up later as if it had been accepted. So once Kafka
does not acknowledge in time, the producer is let go of with all it holds, and
nothing is handed to another before Kafka answers again. What is left is what was
on its way to a broker at that moment: the requests in flight, at most.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from aiokafka.errors import KafkaError

from schemas.catalog import LARGEST_MESSAGE_BYTES
from streams.ingest.errors import Unwritten
from streams.ingest.producer import Producer
from streams.runs import Record
from streams.worker.keying import partition_of
from streams.worker.starting import client_silent

__all__ = ["Writer"]

logger: Final = logging.getLogger(__name__)

BATCH_BYTES: Final = 262_144
"""Of a partition in one request to the broker: what many senders bring at once goes together."""
PAUSE_S: Final = 0.5
"""Between attempts to reach Kafka again."""
ASK_S: Final = 2.0
"""For Kafka to say that it is there."""


class _Line:
    """A producer, and those who wait for its acknowledgements."""

    def __init__(self, producer: Producer) -> None:
        self.producer: Final = producer
        self.waiting: Final[set[asyncio.Timeout]] = set()

    def cut(self) -> None:
        """Let all of them stop waiting now."""
        now = asyncio.get_running_loop().time()
        for timeout in self.waiting:
            if not timeout.expired():
                timeout.reschedule(now)


class Writer:
    """Writes to one topic. `options` are those of every client; `patience_s` is for an acknowledgement."""

    def __init__(self, topic: str, options: dict[str, Any], *, patience_s: float, idempotence: bool) -> None:
        self._topic: Final = topic
        self._patience_s: Final = patience_s
        self._options: Final = {
            **options,
            "acks": "all",
            "enable_idempotence": idempotence,
            "max_batch_size": BATCH_BYTES,
            "max_request_size": LARGEST_MESSAGE_BYTES,
            "request_timeout_ms": round(patience_s * 1000),
        }
        self._line: _Line | None = None
        self._tasks: list[asyncio.Task[None]] = []  # the end of the last producer, and the search for the next one

    async def open(self) -> None:
        """Reach Kafka. Raises KafkaError, OSError, TimeoutError."""
        self._line = await self._connected()

    async def write(self, records: Sequence[Record]) -> None:
        """Write records under their keys, and wait until Kafka has all of them. Raises Unwritten."""
        line = self._line
        if line is None:
            raise Unwritten(self._topic, len(records), "no broker answers", begun=False)
        try:
            async with asyncio.timeout(self._patience_s) as timeout:
                line.waiting.add(timeout)
                try:
                    await self._send(line.producer, records)
                finally:
                    line.waiting.discard(timeout)
        except (KafkaError, TimeoutError) as error:
            self._let_go(line, type(error).__name__)
            raise Unwritten(self._topic, len(records), type(error).__name__, begun=True) from None

    async def _send(self, producer: Producer, records: Sequence[Record]) -> None:
        partitions = len(await producer.partitions_for(self._topic))
        sent: list[asyncio.Future[Any]] = []
        try:
            for record in records:
                key, at = record.key, record.timestamp_ms
                assert key is not None
                partition = partition_of(key, partitions)
                # One after the other, so that those of a session keep their order.
                sent.append(
                    await producer.send(self._topic, record.value, key=key, partition=partition, timestamp_ms=at)
                )
            await asyncio.gather(*sent)
        finally:
            for each in sent:
                each.cancel()  # nobody waits for it any more

    def _let_go(self, line: _Line, reason: str) -> None:
        """Of a producer that failed: an idempotent one whose outcome is unknown cannot go on either."""
        if self._line is not line:
            return  # somebody was quicker
        self._line = None
        line.cut()
        logger.warning("%s: not acknowledged (%s): requests are answered 503 until Kafka answers", self._topic, reason)
        ending = asyncio.create_task(line.producer.abandon(), name="abandon")
        self._tasks = [asyncio.create_task(self._reconnect(ending), name="reconnect"), ending]

    async def _reconnect(self, ending: asyncio.Task[None]) -> None:
        with client_silent():
            await asyncio.wait([ending])  # two producers at once would be two in whose hands a request may be
            while self._line is None:
                try:
                    self._line = await self._connected()
                except Exception as error:  # noqa: BLE001 - whatever it is: who gave up here would give up for good
                    logger.debug("%s: not reached: %s", self._topic, type(error).__name__)
                    await asyncio.sleep(PAUSE_S)
        logger.info("%s: Kafka answers again", self._topic)

    async def _connected(self) -> _Line:
        producer = Producer(**self._options)
        try:
            async with asyncio.timeout(self._patience_s):
                await producer.start()
                await producer.partitions_for(self._topic)
        except BaseException:
            await producer.abandon()
            raise
        return _Line(producer)

    async def answers(self) -> bool:
        """Whether Kafka answers now, and every partition of the topic has a leader."""
        line = self._line
        if line is None:
            return False
        client = line.producer.client
        try:
            async with asyncio.timeout(ASK_S):
                known = await client.force_metadata_update()
        except TimeoutError:
            return False
        led = client.cluster.available_partitions_for_topic(self._topic)
        return bool(known and led and led == client.cluster.partitions_for_topic(self._topic))

    async def close(self) -> None:
        """Let go of Kafka. Whoever still waits for an acknowledgement gets none."""
        if self._tasks:
            self._tasks[0].cancel()
            await asyncio.wait(self._tasks)
        line, self._line = self._line, None
        if line is not None:
            line.cut()
            await line.producer.abandon()
