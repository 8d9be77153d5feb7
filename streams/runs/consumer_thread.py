"""The consumer's thread: it talks to the broker, and knows when the group has last answered.

What it fetches it hands on with the positions behind it: where to go on is then
known also behind what is delivered to nobody.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import aiokafka
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.protocol.group import SyncGroupRequest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types.tuples import TP
from mode.threads import WorkerThread

from streams.runs.run import Received, Records

__all__ = ["Fetched", "RunConsumerThread"]

CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The group's time-outs go on while this machine is suspended, so its clock must, where there is such a one."""


class Fetched(dict[TP, Records]):
    """Records by partition, with the positions behind them."""

    next_offsets: Mapping[TP, int]
    passed: Mapping[TP, int] = {}
    """The positions of changelogs of which nothing was delivered."""


def clock_s() -> float:
    """What `CLOCK` says."""
    return time.clock_gettime(CLOCK)


class AsRead(OrderedDict[TP, Any]):
    """What aiokafka has fetched and not yet handed on, by partition: its records as its parser has made them.

    aiokafka would copy each into an object of its own, which takes as long again as
    reading it and makes a run twice as large.
    """

    def __setitem__(self, tp: TP, fetched: Any) -> None:
        """A partition's fetched records, or the error in their place."""
        if isinstance(fetched, FetchResult):
            fetched._partition_records.__class__ = _Unpacked
        super().__setitem__(tp, fetched)


class _Unpacked(PartitionRecords):
    """A partition's records while they are unpacked, once: each by aiokafka's own generator, with no call around it."""

    def __iter__(self) -> Iterator[Received]:
        records: Iterator[Received] = self._records_iterator
        return records

    def _consumer_record(self, _tp: TP, record: Received) -> Received:
        return record


class _Thread(WorkerThread):
    """Ends with the process: one that hangs must not outlive the time that a stop has."""

    def __init__(self, service: Any, **options: Any) -> None:
        super().__init__(service, **options)
        self.daemon = True


class RunConsumerThread(AIOKafkaConsumerThread):
    """The thread that talks to the broker."""

    Worker = _Thread

    heard_at: float | None = None
    """When what the group answered last was sent, by `CLOCK`; None: nothing was yet."""

    @property
    def silent_s(self) -> float | None:
        """How long ago that was."""
        return None if self.heard_at is None else clock_s() - self.heard_at

    async def on_start(self) -> None:
        """Connect, and from then on know when the group has last taken us for alive."""
        await super().on_start()
        consumer = self._ensure_consumer()
        consumer._fetcher._records = AsRead(consumer._fetcher._records)  # of nothing: no partition is ours yet
        self._listen(consumer._coordinator)

    def _listen(self, coordinator: Any) -> None:
        """A heartbeat's answer tells, and that of the request which a join ends with: the group's clock starts anew."""
        beat, send = coordinator._do_heartbeat, coordinator._send_req

        async def heard_beat() -> bool:
            sent_at = clock_s()
            alive: bool = await beat()
            if alive:
                self.heard_at = sent_at
            return alive

        async def heard_send(request: Any) -> Any:
            sent_at = clock_s()
            response = await send(request)
            if isinstance(request, SyncGroupRequest) and not response.error_code:
                self.heard_at = sent_at
            return response

        coordinator._do_heartbeat, coordinator._send_req = heard_beat, heard_send

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit. Whoever stops then leaves the group, where it would only join to leave.

        At once: the others wait for it, and so would its own stop.
        """
        await super().on_partitions_revoked(revoked)
        if self.app.should_stop:
            await self._ensure_consumer()._coordinator._maybe_leave_group()
            await asyncio.get_running_loop().create_future()  # ended by `_give_up_joining`

    async def on_thread_stop(self) -> None:
        """Leave the group, also in the midst of a rebalance."""
        if self._consumer is not None and self._consumer._coordinator is not None:
            await self._give_up_joining(self._consumer._coordinator)
        await super().on_thread_stop()

    @staticmethod
    async def _give_up_joining(coordinator: Any) -> None:
        """Left alone, aiokafka would join first and leave then, and a join waits for every other member.

        Whatever it is at, also in its first join, of which nothing else tells: by now all is drained and committed.
        """
        task = coordinator._coordination_task
        if not task.done():
            task.cancel()
            await asyncio.wait({task})

    async def _fetch_records(  # type: ignore[override]
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> Fetched:
        records = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        fetched = Fetched(records)
        # No await between the fetch and this: the positions are those of these records.
        fetched.next_offsets = self._positions(consumer, records)
        changelogs = self.app.tables.changelog_topics
        silent = [tp for tp in active_partitions if tp.topic in changelogs and tp not in records]
        if silent:
            fetched.passed = self._positions(consumer, silent)
        return fetched

    @staticmethod
    def _positions(consumer: aiokafka.AIOKafkaConsumer, tps: Iterable[TP]) -> dict[TP, int]:
        subscription = consumer._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return {}
        return {
            tp: state.position
            for tp in tps
            if (state := subscription.assignment.state_value(tp)) is not None and state.has_valid_position
        }

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust has it of its own transactions, which are not used.
        consumer._isolation_level = self.app.isolation_level  # type: ignore[attr-defined]
        return consumer

    async def stay_alive(self) -> None:
        """Count as a poll although there is no room for records."""
        await self.call_thread(self._poll_nothing)

    async def _poll_nothing(self) -> None:
        with self._ensure_consumer()._subscription.fetch_context():
            pass
