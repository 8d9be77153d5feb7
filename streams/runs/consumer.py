"""The consumer: fetches runs, hands them on, and commits what is finished.

What may be committed is told by the runs under way (`under_way.py`). A commit that
fails takes nothing out of them: the next one covers it.
"""

import asyncio
import logging
import math
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any, Final, cast

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import Consumer
from faust.types import Message
from faust.types.tuples import TP
from mode import ServiceT
from mode.utils.futures import notify

from streams.runs.asking import until_answered
from streams.runs.consumer_thread import Fetched, RunConsumerThread
from streams.runs.errors import CannotDrain, InputRecreated, RunsError, TransactionsUnavailable
from streams.runs.run import Records, Run, RunMessage
from streams.runs.under_way import UnderWay

__all__ = ["RunConsumer"]

logger: Final = logging.getLogger(__name__)

FETCH_WAIT_S: Final = 0.5
"""How long a fetch waits for records: a seek has to wait it out."""
ROOM_WAIT_S: Final = 0.05
"""How long it waits where a partition is left out that has no room: that may come at any time."""
AHEAD_RECORDS: Final = 1_000
"""From so many on the next fetch begins while they are computed. A few are computed sooner than it would be answered,
and meanwhile others come that one run can have with them."""
SINK_PATIENCE_S: Final = 1.0
"""How long a rebalance or a stop waits for a sink to finish its runs by itself."""
AFTER_SINKS_S: Final = 2.0
"""Of a stop's patience, what a sink leaves to what comes after it: writes, the commit, leaving the group."""
ALIVE_S: Final = 5.0
"""How often to tell aiokafka that a consumer whose partitions are all full is alive: idle for
`max.poll.interval`, it would leave the group, and a sink that waits for hours would lose its place."""


class RunConsumer(Consumer):
    """Delivers runs; commits the finished prefix of each partition."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._under_way = UnderWay()
        self._room = asyncio.Event()
        self._commit_lock = asyncio.Lock()
        # Held while records are fetched and while positions move: never both.
        self._position_lock = asyncio.Lock()
        self._seeks = 0
        self._refused: dict[TP, int] = {}  # fetched and not delivered: where to go on, unless a seek comes first
        self.committed_next_offsets: dict[TP, int] = {}

    def _new_consumer_thread(self) -> RunConsumerThread:
        return RunConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def lapsed(self) -> bool:
        """Whether the group may have taken us for dead: its last answer is older than the session time-out.

        A frozen process wakes so, before anything else can tell it: another may
        have its partitions. Counted from when we asked, so it is never told too late.
        """
        silent_s = cast("RunConsumerThread", self._thread).silent_s
        return silent_s is not None and silent_s > self.app.conf.broker_session_timeout

    # -- delivery -----------------------------------------------------------------

    async def _drain_messages(self, fetcher: ServiceT) -> None:
        """Faust's fetch loop: deliver runs until the consumer or its fetcher stops."""

        def stopping() -> bool:
            return bool(self._stopped.is_set() or cast("Any", fetcher)._stopped.is_set())

        ahead: asyncio.Task[tuple[Fetched | None, int]] | None = None
        try:
            while not stopping():
                if ahead is None and not self.flow_active:
                    await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # any event will do
                    continue
                fetched, seeks = await (ahead or self._fetch_runs())
                ahead = None
                if fetched is None:
                    await self._wait_for_room()
                    continue
                admitted = await self._admitted(fetched, seeks)
                if self._may_fetch_ahead(admitted):
                    # Before these are handed on, as their agents compute at once: meanwhile the broker answers, and
                    # the thread reads what it answered.
                    ahead = asyncio.create_task(self._fetch_runs(room_wait_s=0.0))
                await self._hand_all_on(admitted, fetched, seeks)
                await asyncio.sleep(0)
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    def _may_fetch_ahead(self, admitted: Iterable[RunMessage]) -> bool:
        """Where these take long enough; not in a rebalance, as recovery moves the changelogs' positions as it goes."""
        many = sum([len(message.run) for message in admitted]) >= AHEAD_RECORDS
        return many and self.flow_active and not self.app.rebalancing

    async def _fetch_runs(self, room_wait_s: float = ROOM_WAIT_S) -> tuple[Fetched | None, int]:
        """One fetch, never while positions move; None where no partition has room.

        Where one has none it waits no longer than `room_wait_s` for the others: their
        silence is not to hold up what will soon have room.
        """
        self._room.clear()
        async with self._position_lock:
            if not self.flow_active:
                return Fetched(), self._seeks
            open_ones = {tp for tp in self._get_active_partitions() if self._may_deliver(tp)}
            partitions = {tp for tp in open_ones if self._has_room(tp)}
            if not partitions:
                return None, self._seeks
            wait_s = FETCH_WAIT_S if partitions == open_ones else room_wait_s
            self._go_back_to_refused()
            fetched = await self._getmany(active_partitions=partitions, timeout=wait_s)
            # Faust answers a plain dict while the flow stops: nothing was fetched.
            return fetched if isinstance(fetched, Fetched) else Fetched(), self._seeks

    def _may_deliver(self, tp: TP) -> bool:
        """Whether a record of this partition may go on now: input waits until a rebalance is over.

        Over: tables recovered, and positions back at what is committed. The
        changelogs are what recovery reads meanwhile.
        """
        return self.flow_active and not (self.app.rebalancing and self.app.topics.acks_enabled_for(tp.topic))

    def _go_back_to_refused(self) -> None:
        assignment = self.assignment()
        for tp, offset in self._refused.items():
            if tp in assignment:
                self._thread.seek(tp, offset)
        self._refused.clear()

    def _has_room(self, tp: TP) -> bool:
        return self._under_way.unfinished(tp) < self.app.runs_in_flight  # type: ignore[attr-defined]

    async def _wait_for_room(self) -> None:
        try:
            await asyncio.wait_for(self._room.wait(), ALIVE_S)
        except TimeoutError:
            await cast("RunConsumerThread", self._thread).stay_alive()

    def resume_flow(self) -> None:
        """Faust lets records in again, the changelogs' for a start: they are fetched at once.

        Not for a rebalance that another has followed: what is revoked stays shut.

        Whoever found nothing to fetch as the rebalance began would wait out
        `ALIVE_S`, and recovery with it: five seconds of every takeover.
        """
        if self.app.recovery_overtaken:  # type: ignore[attr-defined]
            return
        super().resume_flow()
        self.look_again()

    def look_again(self) -> None:
        """Something has changed in what may be fetched: a wait for room would sleep through it."""
        self._room.set()

    async def _admitted(self, fetched: Fetched, seeks: int) -> list[RunMessage]:
        """The runs of what was fetched. Nothing is fetched until it is known of all of them."""
        admitted = [await self._admit(ensure_TP(tp), records, fetched, seeks) for tp, records in fetched.items()]
        fetched.clear()  # their runs have the records, and let go of them
        return [message for message in admitted if message is not None]

    async def _admit(self, tp: TP, records: Records, fetched: Fetched, seeks: int) -> RunMessage | None:
        """The run of these records, from now on under way; None where they are not to go on."""
        if self._holds_back(tp, records[0].offset, seeks):
            return None
        has_acks = self.app.topics.acks_enabled_for(tp.topic)
        read_from = self._read_offset[tp]
        if read_from is not None and records[0].offset < read_from:
            if has_acks:
                self._refused.setdefault(tp, records[0].offset)
                # Without a seek a position goes back only where the broker has no such offset any more.
                await self.app.crash(InputRecreated(tp.topic, tp.partition, read_from - 1, records[-1].offset + 1))
                return None
            records = [record for record in records if record.offset >= read_from]
            if not records:
                return None
        next_offset = max(fetched.next_offsets.get(tp, 0), records[-1].offset + 1)
        message = RunMessage(Run(tp.topic, tp.partition, records, next_offset), self.app.consumer_generation_id)
        if has_acks:
            self._under_way.add(message)
        return message

    def _holds_back(self, tp: TP, first_offset: int, seeks: int) -> bool:
        """Whether what was fetched from there, so many seeks ago, is not to go on.

        Input of a past that a seek has ended is read again from where it went. All else
        is refused: either a seek follows, or the next fetch goes back to it, so
        whatever is behind it is refused as well.
        """
        is_past = seeks != self._seeks
        if is_past and self.app.topics.acks_enabled_for(tp.topic):
            return True
        if is_past or tp in self._refused or not self._may_deliver(tp):
            self._refused.setdefault(tp, first_offset)
            return True
        return False

    async def _hand_all_on(self, admitted: Iterable[RunMessage], fetched: Fetched, seeks: int) -> None:
        for message in admitted:
            await self._hand_on(message, seeks)
        for tp, next_offset in fetched.passed.items():
            await self._pass(ensure_TP(tp), next_offset, seeks)

    async def _hand_on(self, message: RunMessage, seeks: int) -> None:
        """To whom it is for, unless a seek or a rebalance has come in between."""
        tp = message.tp
        if self._holds_back(tp, message.run.first_offset, seeks):
            self._under_way.remove(message)
            return
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        if seeks == self._seeks:
            self._read_offset[tp] = message.next_offset

    async def _pass(self, tp: TP, next_offset: int, seeks: int) -> None:
        """Tell recovery how far a changelog was read, where nothing was delivered of what lies there.

        Faust compares what was delivered with the end: before a changelog that
        ends in a transaction's marker, or in what was aborted, it stands still.
        Through the same queue as the records, so that it never comes before them.
        """
        if seeks != self._seeks or not self.flow_active or next_offset <= (self._read_offset[tp] or 0):
            return
        message = RunMessage(Run(tp.topic, tp.partition, (), next_offset), self.app.consumer_generation_id)
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        if seeks == self._seeks:
            self._read_offset[tp] = next_offset

    def on_buffer_drop(self, tp: TP) -> None:
        """Faust's queue has room again."""
        super().on_buffer_drop(tp)
        self._room.set()

    # -- finished runs --------------------------------------------------------------

    def ack(self, message: Message) -> bool:
        """The run is finished: its outputs and its state are durable."""
        if message.acked:
            return False
        message.acked = True
        self._finish(message)
        return True

    def abandon(self, message: Message) -> None:
        """The run was given up unfinished, for a rebalance or a stop: it will be read again."""
        self._finish(message)

    def _finish(self, message: Message) -> None:
        self._unacked_messages.discard(message)
        self._under_way.leave(cast("RunMessage", message))
        self._room.set()
        notify(self._waiting_for_ack)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: FBT001, FBT002 - Faust's signature
        """Commit the finished prefix of each partition.

        Each call commits: none leans on another's, which may have begun before
        the last run was finished.
        """
        del topics, start_new_transaction
        async with self._commit_lock:
            offsets = self._committable()
            if not offsets or not await self._commit(offsets):
                return False
            for tp, next_offset in offsets.items():
                self._under_way.committed(tp, next_offset)
                self.committed_next_offsets[tp] = next_offset
            self.app.monitor.on_tp_commit(offsets)
            return True

    def _committable(self) -> dict[TP, int]:
        """By partition that is ours, the offset behind its finished prefix."""
        finished = self._under_way.finished()
        if not finished:
            return {}  # a stop during the start asks too, with no client yet to tell an assignment
        assignment = self.assignment()
        return {tp: next_offset for tp, next_offset in finished.items() if tp in assignment}

    def committed(self, tp: TP, messages: Iterable[RunMessage]) -> None:
        """These runs, the next ones of their partition, are finished, and a transaction has committed their offsets."""
        for message in messages:
            self.ack(message)
        next_offset = self._under_way.finished_of(tp)
        if next_offset is not None:
            self._under_way.committed(tp, next_offset)
            self.committed_next_offsets[tp] = next_offset
            self.app.monitor.on_tp_commit({tp: next_offset})

    # -- draining ----------------------------------------------------------------------

    async def wait_empty(self) -> None:
        """Let the runs that were begun finish, and commit them; those that wait for somebody else are given up.

        A rebalance waits for what a sink has half done as long as it takes, a stop
        does not: who stops it would kill it. Raises CannotDrain.
        """
        began = self.loop.time()
        patience = self.app.drain_patience_s  # type: ignore[attr-defined]
        given_up = False
        while self._unacked_messages and not self.app.crashed:
            waited = self.loop.time() - began
            if waited >= SINK_PATIENCE_S and not given_up:
                given_up = True
                for_sinks = patience - AFTER_SINKS_S - waited if self.app.should_stop else math.inf
                await self.app.give_up_sinks(max(for_sinks, 0.0))  # type: ignore[attr-defined]
                if not self.app.should_stop:
                    began = self.loop.time()  # what is left waits for the broker
            elif waited >= patience:
                raise CannotDrain(len(self._unacked_messages), patience)
            else:
                await self._wait_for_ack(timeout=1)
                self._clean_unacked_messages()
        if not self.app.crashed:  # a broker that failed would hold up the end
            await self.commit()

    # -- what recovery asks ----------------------------------------------------------------

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """The end offsets, however long it takes. Raises Unanswered."""
        ask = partial(super().highwaters, *partitions)
        return await until_answered(self.app, f"where {_told(partitions)} end", ask)

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """The first offsets, however long it takes. Raises Unanswered."""
        ask = partial(super().earliest_offsets, *partitions)
        return await until_answered(self.app, f"where {_told(partitions)} begin", ask)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to what is committed, however long it takes; those offsets. Raises Unanswered."""
        return await until_answered(self.app, "what the group has committed", super().seek_to_committed)

    # -- rebalance ---------------------------------------------------------------------------

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Recovery's seek of its changelogs. What was refused of them is read from there, and not gone back to."""
        async with self._position_lock:
            await super().seek_wait(partitions)
            for tp in partitions:
                self._refused.pop(ensure_TP(tp), None)

    async def perform_seek(self) -> None:
        """Go back to what is committed: whatever was delivered and not committed will be read again.

        Not given up half-way, when the next rebalance begins meanwhile: positions
        that move behind the lock's back would lose what is fetched in between.
        """
        await asyncio.shield(self._go_back_to_committed())

    async def _go_back_to_committed(self) -> None:
        async with self._position_lock:
            self._seeks += 1
            self._under_way.clear()
            self._refused.clear()
            await super().perform_seek()
            committed = {ensure_TP(tp): at for tp, at in self._committed_offset.items() if at is not None}
            # Faust seeks only where an offset is committed: elsewhere what was fetched before would stay behind.
            never = [
                tp for tp in self.assignment() if tp not in committed and self.app.topics.acks_enabled_for(tp.topic)
            ]
            if never:
                await self._thread.seek_to_beginning(*[TopicPartition(*tp) for tp in never])
            for tp in never:
                self._read_offset[tp] = None
            try:
                await self._check_committed(committed)
            except RunsError as error:
                await self.app.crash(error)
                await self.app.wait_until_stopped()  # nothing is read from there
            self.committed_next_offsets = committed
            self._room.set()

    async def _check_committed(self, committed: Mapping[TP, int]) -> None:
        """What is committed must be there to go on with. Raises InputRecreated, ChangelogRecreated."""
        if not committed:
            return
        starts, ends = await self.earliest_offsets(*committed), await self.highwaters(*committed)
        for tp, next_offset in committed.items():
            if next_offset > ends[tp]:
                raise InputRecreated(tp.topic, tp.partition, next_offset - 1, ends[tp])
            if next_offset < starts[tp]:
                logger.error(
                    "%s[%d]: %d records from offset %d on were deleted before they were read: the topic's retention is "
                    "shorter than the worker was away. They are lost; raise retention.ms of the topic.",
                    tp.topic,
                    tp.partition,
                    starts[tp] - next_offset,
                    next_offset,
                )
        self.app.check_committed(committed)  # type: ignore[attr-defined]

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit first: the runs of these partitions must still be known."""
        await super().on_partitions_revoked(revoked)
        self.forget(revoked)
        if not self.app.should_stop:  # a stop closes once it has drained
            await self.app.writing.close()  # type: ignore[attr-defined]

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Open them first: what is read before may not be final."""
        if not self.app.should_stop:
            try:
                await self.app.open_partitions(assigned)  # type: ignore[attr-defined]
            except TransactionsUnavailable as error:
                await self.app.crash(error)
                return
        await super().on_partitions_assigned(assigned, generation_id)

    def forget(self, revoked: Collection[TP]) -> None:
        """Partitions that are another's from now on."""
        self._under_way.forget(revoked)
        for tp in revoked:
            self.committed_next_offsets.pop(tp, None)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's check for slow streams measures single messages; a waiting sink is no error."""


def _told(partitions: Iterable[TP]) -> str:
    return ", ".join(f"{topic}[{partition}]" for topic, partition in sorted(partitions))
