"""The consumer's thread: it talks to the broker, and knows when the group has last answered.

What it fetches it hands on with the positions behind it: where to go on is then
known also behind what is delivered to nobody.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import aiokafka
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import SyncGroupRequest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types.tuples import TP
from mode.threads import WorkerThread

from streams.runs.run import Records

__all__ = ["Fetched", "RunConsumerThread"]

CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The group's time-outs go on while this machine is suspended, so its clock must, where there is such a one."""
FETCH_S: Final = 0.5
"""How long a fetch waits at the broker for records."""
HURRIED_S: Final = 0.02
"""How long where a partition is left out of it: one fetch at a time goes to a broker, and the next waits for it."""
LEFT_OUT_S: Final = 1.0
"""So long is hurried for a partition's sake. One that stands still for longer is a sink's that waits for somebody."""
DRAIN_S: Final = 0.005
"""How long what is fetched may lie before a fetch goes out without its partition."""
FETCHING: Final = 2
"""The connections that fetches have for themselves, beside the two groups that aiokafka knows."""


class Fetched(dict[TP, Records]):
    """Records by partition, with the positions behind them."""

    next_offsets: Mapping[TP, int]
    passed: Mapping[TP, int] = {}
    """The positions of changelogs of which nothing was delivered."""


def clock_s() -> float:
    """What `CLOCK` says."""
    return time.clock_gettime(CLOCK)


class _Thread(WorkerThread):
    """Ends with the process: one that hangs must not outlive the time that a stop has."""

    def __init__(self, service: Any, **options: Any) -> None:
        super().__init__(service, **options)
        self.daemon = True


class RunConsumerThread(AIOKafkaConsumerThread):
    """The thread that talks to the broker."""

    Worker = _Thread

    hurried = False
    """Set by whoever cannot wait for a fetch, and taken back before the next: whatever thread reads or writes it."""
    _waiting: asyncio.Future[None] | None = None

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
        self._listen(consumer._coordinator)
        self._hold_nobody_back(consumer._fetcher)

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
        changelogs = self.app.tables.changelog_topics
        self._pause_others(consumer, changelogs, active_partitions)
        records = await super()._fetch_records(consumer, active_partitions, 0, max_records)
        if not records and timeout:
            await self._until_fetched(consumer._fetcher, timeout)
            records = await super()._fetch_records(consumer, active_partitions, 0, max_records)
        fetched = Fetched(records)
        # No await between the fetch and this: the positions are those of these records.
        fetched.next_offsets = self._positions(consumer, records)
        silent = [tp for tp in active_partitions if tp.topic in changelogs and tp not in records]
        if silent:
            fetched.passed = self._positions(consumer, silent)
        return fetched

    async def _until_fetched(self, fetcher: Any, timeout_s: float) -> None:
        """Until records have come, of whatever partition, or somebody cannot wait for them.

        Not aiokafka's own wait: one that is cancelled leaves it believing that we poll for good.
        """
        self._waiting = fetcher._create_fetch_waiter()
        if self.hurried:  # before there was anything to end
            self._end_wait()
        try:
            await asyncio.wait({self._waiting}, timeout=timeout_s)
        finally:
            self._end_wait()

    def hurry(self) -> None:
        """End a fetch that waits for records, from any thread: something else is to be done, or to be fetched."""
        self.hurried = True
        if not self.thread_loop.is_closed():
            self.thread_loop.call_soon_threadsafe(self._end_wait)

    def _end_wait(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    @staticmethod
    def _pause_others(consumer: aiokafka.AIOKafkaConsumer, changelogs: set[str], active: set[TP]) -> None:
        """Changelogs are read in recovery alone: aiokafka would fetch what is written to them, for nobody."""
        subscription = consumer._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return
        for tp in subscription.assignment.tps:
            if tp.topic in changelogs:
                state = subscription.assignment.state_value(tp)
                if tp in active and state.paused:
                    state.resume()
                elif tp not in active and not state.paused:
                    state.pause()

    def _hold_nobody_back(self, fetcher: Any) -> None:
        """No partition waits for long because another has no room, or because it had none itself.

        What is fetched and not taken, aiokafka lets hold back every partition of its broker for a tenth of a second.
        Then it fetches without it, and until that fetch is back, nothing more of the partition comes, taken or not.
        """
        fetcher._prefetch_backoff = DRAIN_S
        actions = fetcher._get_actions_per_node

        def hurried_actions(assignment: Any) -> Any:
            since = time.monotonic() - LEFT_OUT_S
            left_out = any(getattr(result, "_created", 0.0) > since for result in fetcher._records.values())
            fetcher._fetch_max_wait_ms = round(1000 * (HURRIED_S if left_out else FETCH_S))
            return actions(assignment)

        fetcher._get_actions_per_node = hurried_actions

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
        self._fetch_apart(consumer._client)
        return consumer

    @staticmethod
    def _fetch_apart(client: Any) -> None:
        """A fetch on a connection of its own: it waits at the broker for records, for as long as a second and a half.

        A broker answers the requests of a connection one by one, so that what is asked behind a fetch waits with
        it: where topics end and begin, three times at the end of a recovery.
        """
        send = client.send

        async def send_apart(node_id: Any, request: Any, **options: Any) -> Any:
            if isinstance(request, FetchRequest):
                options["group"] = FETCHING
            return await send(node_id, request, **options)

        client.send = send_apart

    async def stay_alive(self) -> None:
        """Count as a poll although there is no room for records."""
        await self.call_thread(self._poll_nothing)

    async def _poll_nothing(self) -> None:
        with self._ensure_consumer()._subscription.fetch_context():
            pass
