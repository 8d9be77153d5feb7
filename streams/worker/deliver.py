"""The deliver agent: runs of GA events in, requests to GA, receipts out, a ledger of what was delivered.

The ledger is a table: its keys are (event, tracker) pairs that GA has taken. A
pair that stands there is not sent again, whatever is read twice. It is bounded
by the 72 h that GA takes events for: an older one is never sent at all.

How long an event waits for company: not at all. A request holds what one run has of
a client; none is kept open for a later run. A run is what one fetch gave of a
partition, `MAX_RUN` records at most: it comes with the first record there is, at the
latest `ROOM_WAIT_S` (of `streams.runs.consumer`) after its partition has room again. So
requests are full exactly where there is a backlog: docs/decisions/0015-pace-and-pressure.md.

While GA stands still its partitions are fetched no further: `RUNS_IN_FLIGHT` runs of
each wait here, and the backlog stays in Kafka. A partition has one offset, so it is
paused as a whole: where one of Google's hosts fails, the other's events go on in other
partitions and to the end of the run under way.

What GA refuses for good is a dead letter as well, written once the run's events
are all settled and before its offset: read again after a crash, it is refused
again. Put back with `chat2ga dead-letters requeue` it is due at all of its
trackers, and the ledger skips those that have it. Of the other outcomes none is:

- `rejected`, by the preflight: the event itself breaks a limit of GA's. Its bytes
  are what would be put back, so that it would be rejected again: its sender or
  chat2ga must be mended, and the interactions replayed.
- `no_secret`, `plan`, `no_endpoint`: a choice of settings, which would fill the dead
  letters with all that an account sends.
- `expired`: GA takes it no more.

Refusals do not count in the window that stops the worker. One tracker's wrong
secret would stop all accounts; and a stop mends nothing here, as a restart would post
the same events again. With a wrong endpoint every event is refused, once: each
has its receipt and its dead letter, the log says so once a tracker,
`chat2ga_ga_failing_trackers` shows it, and once it is mended, within 72 h, all of them
can be put back.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from schemas.dead_letter import Stage
from schemas.ga_event import GaEvent, Tracker, decode_event
from schemas.interaction import Fault
from schemas.receipt import encode_receipt
from streams.delivery import Delivery, Settled
from streams.measurement import expires_micros
from streams.observe import metrics
from streams.runs import Output, Received, Record, Run, RunApp, RunTable, TablePartition, Writes, pack, unpack
from streams.worker.dead_letters import DeadLetterWindow, dead_letter
from streams.worker.topics import Topics

__all__ = ["Deliver"]

logger: Final = logging.getLogger(__name__)

STAGE: Final[Stage] = "deliver"
Events = list[tuple[GaEvent, Received]]


class Deliver:
    """Handles runs of events: what `RunApp.sink` calls."""

    def __init__(
        self, app: RunApp, *, delivery: Delivery, table: RunTable, topics: Topics, window: DeadLetterWindow
    ) -> None:
        self._app = app
        self._delivery = delivery
        self._table = table
        self._topics = topics
        self._window = window

    async def handle(self, run: Run) -> Writes:
        """Deliver a run's events; returns when each (event, tracker) is settled, with what goes with the offset."""
        began = time.monotonic()
        events, letters = self._decode(run)
        self._window.count(run, len(letters))
        held = self._table.partition(run.partition)
        held.advance(time.time_ns() // 1000, max(record.timestamp for record in run.records))
        book = _Book(self._app, self._table, held, self._topics, run, events)
        await book.put_away(letters)

        def is_delivered(event: GaEvent, tracker: Tracker) -> bool:
            return held.get(_ledger_key(event.event_id, tracker.id)) is not None

        # Woken after a freeze, others may be posting these: nothing begins until the group has answered.
        await self._delivery.deliver(
            [event for event, _ in events], is_delivered, book.settle, may_post=lambda: not self._app.lapsed
        )
        await book.settle(())  # what has expired, also where nothing was delivered
        await book.put_away(book.refusals())
        metrics.RECORDS.labels(STAGE, "applied").inc(len(events))
        metrics.RECORDS.labels(STAGE, "dead_letter").inc(len(letters))
        metrics.RUNS.labels(STAGE).inc()
        metrics.RUN_RECORDS.labels(STAGE).observe(len(run))
        metrics.RUN_SECONDS.labels(STAGE).observe(time.monotonic() - began)
        return Writes(book.left)

    def _decode(self, run: Run) -> tuple[Events, list[Record]]:
        """The events with their records, and the dead letters of what is none."""
        events: Events = []
        letters: list[Record] = []
        for index, record in enumerate(run.records):
            try:
                events.append((decode_event(record.value or b""), record))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                letters.append(dead_letter(run, index, STAGE, Fault("$", f"No GA event: {error}", "not_event")))
        if letters:
            metrics.DEAD_LETTERS.labels(STAGE, "not_event").inc(len(letters))
        return events, letters


class _Pending:
    """Receipts that wait to be written."""

    __slots__ = ("settled", "written")

    def __init__(self, settled: Sequence[Settled]) -> None:
        self.settled = settled
        self.written = False


class _Book:
    """Writes a run's receipts and ledger.

    All that wait go in one write: a round trip to the broker each would be the
    sink's pace. One write at a time, so that the ledger's store never skips one.

    In a transaction, receipt and ledger are both there or neither. What has no
    ledger waits for the offset, or a run that is read twice would write it twice.
    """

    def __init__(
        self, app: RunApp, table: RunTable, held: TablePartition, topics: Topics, run: Run, events: Events
    ) -> None:
        self._app = app
        self._table = table
        self._held = held
        self._run = run
        self._receipts = (topics.receipts, topics.receipts_partition(run.partition))
        self._dead_letters = (topics.dead_letters, topics.dead_letters_partition(run.partition))
        self._records = {event.event_id: (record.key, record.offset) for event, record in events}
        self._lock = asyncio.Lock()
        self._waiting: list[_Pending] = []
        self._failed: BaseException | None = None  # a write did: what waited for it is not written, nor is more
        self._told = False
        self._with_receipt: set[bytes] = set()
        self._refused: dict[str, dict[str, int | None]] = {}  # by event and tracker, the status
        self.left: list[Output] = []  # to write with the offset

    async def put_away(self, letters: Sequence[Record]) -> None:
        """Write dead letters."""
        if not letters:
            return
        output = Output(*self._dead_letters, letters)
        if self._app.transactional:
            self.left.append(output)
        else:
            await self._app.publish([output])

    async def settle(self, settled: Sequence[Settled]) -> None:
        """Returns when receipts and ledger are durable. Not given up half-way: GA has the events already."""
        for _, receipt in settled:
            if receipt.outcome == "refused":
                self._refused.setdefault(receipt.event_id, {})[receipt.tracker_id] = receipt.status
        if self._app.transactional:
            later = [pair for pair in settled if not _is_taken(pair) and not self._has_receipt(pair)]
            self.left.append(Output(*self._receipts, [self._receipt(pair) for pair in later]))
            settled = [pair for pair in settled if _is_taken(pair)]
        pending = _Pending(settled)
        self._waiting.append(pending)
        writing = asyncio.create_task(self._written(pending))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            writing.add_done_callback(self._tell_if_failed)  # nobody else asks any more
            raise

    def refusals(self) -> list[Record]:
        """The dead letters of what GA refused, one an event."""
        index_of = {record.offset: index for index, record in enumerate(self._run.records)} if self._refused else {}
        letters = []
        for event_id, by_tracker in self._refused.items():
            told = ", ".join(f"{tracker_id} with status {status}" for tracker_id, status in by_tracker.items())
            fault = Fault("trackers", f"Refused for good: {told}", "refused")
            index = index_of[self._records[event_id][1]]
            letters.append(dead_letter(self._run, index, STAGE, fault, tuple(by_tracker)))
        metrics.DEAD_LETTERS.labels(STAGE, "refused").inc(len(letters))
        return letters

    async def _written(self, pending: _Pending) -> None:
        async with self._lock:
            if pending.written:
                return
            if self._failed is not None:
                raise self._failed
            together, self._waiting = self._waiting, []
            try:
                await self._write([pair for each in together for pair in each.settled])
            except BaseException as error:
                self._failed = error
                raise
            for each in together:
                each.written = True

    def _tell_if_failed(self, writing: asyncio.Task[None]) -> None:
        """Once a run. It is read again, and what GA has of it is posted again."""
        if writing.cancelled() or (error := writing.exception()) is None or self._told:
            return
        self._told = True
        run = self._run
        logger.warning(
            "%s[%d]: of a run that was given up (from offset %d) not all receipts could be written: %s. "
            "GA may get those events twice.",
            run.topic,
            run.partition,
            run.first_offset,
            error,
        )

    async def _write(self, settled: Sequence[Settled]) -> None:
        changes = []
        for event, receipt in settled:
            if receipt.outcome == "delivered":
                offset = self._records[event.event_id][1]
                entry = pack(offset, self._held.record_ms, expires_micros(event), b"")
                changes.append(Record(_ledger_key(receipt.event_id, receipt.tracker_id), entry))
        gone = self._held.sweep(self._table.committed_next_offset(self._run.partition))
        receipts = Output(*self._receipts, [self._receipt(pair) for pair in settled])
        writes = Writes([receipts], [*changes, *gone])
        await self._app.write(self._run, writes, self._table)
        for change in changes:
            if change.key is not None and change.value is not None:
                self._held.put(change.key, change.value)

    def _has_receipt(self, pair: Settled) -> bool:
        """Whether it looks repeated only because its record is read again: a transaction has written its receipt.

        Once a pair: what stands more than once in the run is repeated as well.
        """
        event, receipt = pair
        key = _ledger_key(receipt.event_id, receipt.tracker_id)
        stored = self._held.get(key)
        if receipt.outcome != "repeated" or key in self._with_receipt or stored is None:
            return False
        self._with_receipt.add(key)
        return unpack(stored).last_offset == self._records[event.event_id][1]

    def _receipt(self, pair: Settled) -> Record:
        event, receipt = pair
        return Record(self._records[event.event_id][0], encode_receipt(receipt))


def _is_taken(pair: Settled) -> bool:
    """Whether GA has it, so that the ledger must know."""
    return pair[1].outcome == "delivered"


def _ledger_key(event_id: str, tracker_id: str) -> bytes:
    return f"{event_id}/{tracker_id}".encode()
