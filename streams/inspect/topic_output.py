"""`ga-events` as the output of a replay: then the workers deliver them, and whoever reads the topic has them.

Lines are written in transactions, each of which also says how many of them there are
by then, as an offset of a group that is this replay's alone. So a replay that goes on
after an interruption writes no line twice, for whoever reads committed records.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from schemas.catalog import LARGEST_MESSAGE_BYTES
from streams.errors import Chat2gaError, Fault
from streams.inspect.reading import reaching
from streams.replay import keyed
from streams.replay.writing import replacing
from streams.settings import Settings
from streams.worker.broker import client_options
from streams.worker.starting import reached
from streams.worker.topics import ensure_topics

__all__ = ["Forgotten", "SendingFailed", "TopicOutput"]

KAFKA: Final = "kafka"
_RUN: Final = "kafka.txt"  # file in the replay's directory: its name in Kafka
_LINES: Final = 10_000  # of a transaction at most
_BYTES: Final = 8 * 1_048_576
_TIMEOUT_MS: Final = 60_000
_PAUSE_S: Final = 0.2
_STOP_S: Final = 5.0


class TopicOutput:
    """The events, on `ga-events`."""

    name: Final = KAFKA
    file: Final = None
    keyed: Final = True

    def __init__(self, settings: Settings) -> None:
        self._settings: Final = settings

    @property
    def identity(self) -> str:
        """The topic, and where it is."""
        return f"{self._settings.broker} {self._settings.topic('ga-events')}"

    @property
    def once(self) -> bool:
        """Whether the broker has what transactions need."""
        return self._settings.idempotence

    def check(self) -> None:
        """Create the topics that are missing. Raises BrokerUnreachable, BrokerRefuses, TopicsMissing."""
        asyncio.run(reached(self._settings, ensure_topics(self._settings)))

    @contextmanager
    def opened(self, directory: Path) -> Iterator[Callable[[bytes], object]]:
        """What takes keyed lines and sends them."""
        progress = _Progress.of(directory, self._settings)
        with asyncio.Runner() as runner:
            sending = runner.run(reached(self._settings, _begun(self._settings, progress)))
            try:
                yield lambda data: runner.run(sending.send(data))
                runner.run(sending.commit())
            finally:
                runner.run(sending.stop())


class SendingFailed(Chat2gaError):
    """Kafka stopped taking events."""

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, topic: str, lines: int, reason: str) -> None:
        super().__init__(topic, lines, reason)
        self.topic, self.lines, self.reason = topic, lines, reason

    def __str__(self) -> str:
        return (
            f"{self.topic}: {self.reason}. {self.lines} events stand there. With `--work DIR` the same command goes on "
            "after them; without it, it would write them again."
        )


class _Progress(msgspec.Struct):
    """What this replay is called in Kafka, and how many lines were there at least, when that was noted."""

    path: Path
    run: str
    lines: int = 0

    @classmethod
    def of(cls, directory: Path, settings: Settings) -> "_Progress":
        """As noted in the directory of the replay, or a new one."""
        path = directory / _RUN
        if path.exists():
            run, lines = path.read_text(encoding="ascii").split()
            return cls(path, run, int(lines))
        progress = cls(path, f"{settings.group}-replay-{uuid4().hex}")
        progress.note(0)
        return progress

    def note(self, lines: int) -> None:
        """Note that so many are there."""
        self.lines = lines
        with replacing(self.path, durable=True) as file:
            file.write(f"{self.run} {lines}".encode())


class Forgotten(Chat2gaError):
    """Kafka no longer knows how many lines of this replay are in the topic."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, topic: str, told: int, noted: int) -> None:
        super().__init__(topic, told, noted)
        self.topic, self.told, self.noted = topic, told, noted

    def __str__(self) -> str:
        return (
            f"{self.topic}: {self.noted} events of this replay stand there, and Kafka knows of {self.told}: the "
            "offsets of its group have expired (offsets.retention.minutes), or it is another broker. To write all of "
            "them again, begin anew in another --work directory; readers tell repeats by event_id."
        )


async def _begun(settings: Settings, progress: _Progress) -> "_Sending":
    """Connected, and told how many lines are there from before an interruption. Raises Forgotten."""
    run = progress.run
    producer = AIOKafkaProducer(
        **client_options(settings),
        transactional_id=run if settings.idempotence else None,
        acks="all",
        linger_ms=5,
        max_request_size=LARGEST_MESSAGE_BYTES,
        transaction_timeout_ms=_TIMEOUT_MS,
    )
    await producer.start()  # aborts what the one before it left open
    there = await _lines_there(settings, run) if settings.idempotence else 0
    if there < progress.lines:
        await producer.stop()
        raise Forgotten(settings.topic("ga-events"), there, progress.lines)
    return _Sending(settings, progress, producer, there)


async def _lines_there(settings: Settings, run: str) -> int:
    admin = AIOKafkaAdminClient(**client_options(settings))
    async with reaching(settings, admin):
        while True:
            try:
                offsets = await admin.list_consumer_group_offsets(run)
            except KafkaError as error:
                if not getattr(error, "retriable", False):
                    raise
                await asyncio.sleep(_PAUSE_S)  # a broker that has just begun makes its topic of offsets first
            else:
                return max((each.offset for each in offsets.values()), default=0)


class _Sending:
    """Lines on their way to the topic, a transaction after the other."""

    def __init__(self, settings: Settings, progress: _Progress, producer: AIOKafkaProducer, there: int) -> None:
        self._settings: Final = settings
        self._topic: Final = settings.topic("ga-events")
        self._progress: Final = progress
        self._producer: Final = producer
        self._passed = 0  # lines that were taken: sent, or there before
        self._there = there  # lines in the topic
        self._held: list[bytes] = []
        self._size = 0

    async def stop(self) -> None:
        """Disconnect. A transaction that is open is aborted, at the latest by the broker."""
        with suppress(TimeoutError):  # aiokafka waits for what it has to send, for as long as it takes
            await asyncio.wait_for(self._producer.stop(), _STOP_S)

    async def send(self, data: bytes) -> None:
        """Take keyed lines."""
        for line in data.split(b"\n")[:-1]:
            self._passed += 1
            if self._passed > self._there:
                self._held.append(line)
                self._size += len(line)
                if len(self._held) >= _LINES or self._size >= _BYTES:
                    await self.commit()

    async def commit(self) -> None:
        """Write what is held, in one transaction. Raises SendingFailed."""
        if not self._held:
            return
        try:
            async with asyncio.timeout(_TIMEOUT_MS / 1_000):
                await (self._in_transaction() if self._settings.idempotence else self._publish())
        except (KafkaError, TimeoutError) as error:
            reason = f"no answer within {_TIMEOUT_MS // 1_000} s" if isinstance(error, TimeoutError) else repr(error)
            raise SendingFailed(self._topic, self._there, reason) from None
        self._there += len(self._held)
        self._held, self._size = [], 0
        if self._settings.idempotence:
            self._progress.note(self._there)

    async def _in_transaction(self) -> None:
        # Not as a context: that would wait for the abort of what the broker does not answer, for ever.
        await self._producer.begin_transaction()
        await self._publish()
        lines = {TopicPartition(self._topic, 0): OffsetAndMetadata(self._there + len(self._held), "")}
        await self._producer.send_offsets_to_transaction(lines, self._progress.run)
        await self._producer.commit_transaction()

    async def _publish(self) -> None:
        sent = []
        for line in self._held:
            key, value = keyed(line)
            sent.append(await self._producer.send(self._topic, value, key=key))
        await asyncio.gather(*sent)
