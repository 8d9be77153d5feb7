"""Random sessions on their way to `chat-interactions`: all at once, or at a pace while faults happen."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from typing import Final, Self

from aiokafka import AIOKafkaProducer

from streams.demo.traffic import Mix, sessions
from tests.kafka import Written

__all__ = ["Feeder", "records_of"]

AGE_S: Final = 6 * 3600
"""Sample traffic begins so long ago: old enough to lie in the past to its end, young enough for GA's 72 h."""
OUTLASTS_MS: Final = 600_000
"""A record is tried so long: a broker that is away is the workers' trial, not the sender's."""
_TICK_S: Final = 0.05


def records_of(
    seed: int | str, n: int, *, mean_interactions: float = 5.0, bad: float = 0.01, starts_per_s: float = 50.0
) -> Iterator[Written]:
    """Sample traffic with redeliveries, tab copies, late and bad records; by key, as senders partition."""
    start_ms = (int(time.time()) - AGE_S) * 1000
    mix = Mix(mean_interactions=mean_interactions, bad=bad, starts_per_s=starts_per_s)
    for record in sessions(seed, n, mix=mix, start_ms=start_ms):  # type: ignore[arg-type]  # any text seeds as well
        if record.key is not None:
            yield Written(record.key, record.value, timestamp_ms=record.arrival_ms)


class Feeder:
    """Writes records at a pace, acknowledged by all copies and never doubled, until they are all written.

    async with Feeder(kafka.bootstrap, topic, records, per_s=500) as feeder:
        ...                       # faults
        await feeder.finished()   # raises what went wrong
    """

    def __init__(self, bootstrap: str, topic: str, records: Iterable[Written], *, per_s: float) -> None:
        self._bootstrap, self._topic, self._records, self._per_s = bootstrap, topic, iter(records), per_s
        self._task: asyncio.Task[None] | None = None
        self._enough = False
        self.written = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._feed())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def enough(self) -> None:
        """No more than what was begun."""
        self._enough = True

    async def stop(self) -> int:
        """No more than what was begun, and wait for that; how many. Raises what went wrong."""
        self.enough()
        return await self.finished()

    async def finished(self) -> int:
        """Wait until everything is written; how many. Raises what went wrong."""
        assert self._task is not None
        await self._task
        return self.written

    async def _feed(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            request_timeout_ms=OUTLASTS_MS,
            max_request_size=16 * 1024 * 1024,
        )
        await producer.start()
        sent: list[asyncio.Future[object]] = []
        began = time.monotonic()
        try:
            while not self._enough:
                due = int((time.monotonic() - began) * self._per_s) - self.written
                for _ in range(due):
                    record = next(self._records, None)
                    if record is None:
                        self._enough = True
                        break
                    sent.append(
                        await producer.send(
                            self._topic,
                            record.value,
                            key=record.key,
                            partition=record.partition,
                            timestamp_ms=record.timestamp_ms,
                        )
                    )
                    self.written += 1
                await asyncio.sleep(_TICK_S)
            await asyncio.gather(*sent)  # each raises what became of it
        finally:
            await producer.stop()
