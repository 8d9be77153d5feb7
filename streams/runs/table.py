"""A table for runs: entries by partition, each key written to the changelog once a run.

Faust assigns, recovers and revokes it as its own tables. Beside that, each entry
carries the offset of the input record it has seen last: after a crash the state
is ahead of the committed offsets, and what it has seen must not be applied again.

Invariant: what is in memory is ahead of the changelog by the runs under way,
and the local store is never ahead of the changelog.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, cast

import faust
from faust.types import EventT
from faust.types.tuples import TP

from streams.runs.entry import unpack
from streams.runs.errors import ChangelogDamaged, InputRecreated
from streams.runs.expiry import Expiry
from streams.runs.producer import Record
from streams.runs.run import Run, RunSchema
from streams.runs.store import MemoryStore, Store
from streams.runs.strays import Strays, compare, read_between

__all__ = ["RunTable", "TablePartition"]

logger: Final = logging.getLogger(__name__)


class TablePartition:
    """The entries of one partition, while it is ours."""

    def __init__(self, number: int, idle_ms: int) -> None:
        self.number = number
        self.entries: dict[bytes, bytes] = {}
        self.expiry: Final = Expiry(idle_ms)
        self.watermark_micros = 0  # the app's stream time: it never goes back
        self.record_ms = 0  # latest record time
        self.changelog_offset: int | None = None  # up to and with which the changelog was applied or written
        self.strays: Final = Strays()
        self.overtaken = False  # another has written newer state of it: what is here and in the store misses that

    def get(self, key: bytes) -> bytes | None:
        """The stored bytes of a key."""
        return self.entries.get(key)

    def put(self, key: bytes, stored: bytes) -> None:
        """Set a key; it is not durable before its change is written."""
        if key not in self.entries:
            self.expiry.added(key, stored)
        self.entries[key] = stored

    def remove(self, key: bytes) -> None:
        """Remove a key, if it is there."""
        self.entries.pop(key, None)

    def advance(self, watermark_micros: int, record_ms: int) -> None:
        """Time has come this far, by the stream and by its records."""
        self.watermark_micros = max(self.watermark_micros, watermark_micros)
        self.record_ms = max(self.record_ms, record_ms)

    def sweep(self, committed_next_offset: int) -> list[bytes]:
        """Remove what has expired; the keys, for the changelog."""
        gone = self.expiry.expired(
            self.entries,
            watermark_micros=self.watermark_micros,
            record_ms=self.record_ms,
            committed_next_offset=committed_next_offset,
        )
        for key in gone:
            del self.entries[key]
        return gone

    def last_input_offset(self) -> int:
        """The highest input offset that any entry has seen; -1 without entries."""
        return max((unpack(stored).last_offset for stored in self.entries.values()), default=-1)


class RunTable(faust.Table[bytes, bytes]):
    """Entries by partition, changelogged once a key and run, kept in a local store if there is one."""

    def __init__(
        self,
        app: faust.App,
        *,
        name: str,
        changelog: str,
        partitions: int,
        source: str,
        store: Store | None = None,
        idle_ms: int = 600_000,
        **options: Any,
    ) -> None:
        topic = app.topic(
            changelog,
            schema=RunSchema(),
            key_type=bytes,
            value_type=bytes,
            partitions=partitions,
            acks=False,
            internal=True,
            compacting=True,
            allow_empty=True,
        )
        super().__init__(
            app, name=name, partitions=partitions, changelog_topic=topic, schema=RunSchema(), help=name, **options
        )
        self.source: Final = source  # topic whose offsets the entries carry
        self.changelog: Final = changelog
        self._store_of: Final = store or MemoryStore()
        self._idle_ms: Final = idle_ms
        self._held: Final[dict[int, TablePartition]] = {}
        self.recovered_records = 0

    # -- for the app ----------------------------------------------------------------

    def partition(self, number: int) -> TablePartition:
        """A partition that is ours. Raises KeyError where it is not."""
        return self._held[number]

    def held(self) -> Iterator[TablePartition]:
        """Every partition that is ours."""
        return iter(self._held.values())

    def committed_next_offset(self, number: int) -> int:
        """The input of this partition is committed up to here: it is not read again."""
        committed: int = cast("Any", self.app).committed_next_offset(self.source, number)
        return committed

    async def write(self, number: int, changes: Sequence[Record]) -> None:
        """Make changes durable: the changelog first, acknowledged, then the local store. Raises PublishFailed.

        One write of a partition at a time: the caller's to see to.
        """
        changes = [*changes, *self.to_write_again(number, changes)]
        offset = await cast("Any", self.app).publish_to(self.changelog, number, changes)
        held = self._held.get(number)
        if offset is None or held is None or held.overtaken:
            return
        stored = [(change.key or b"", change.value) for change in changes]
        expected_offset = len(changes) + (-1 if held.changelog_offset is None else held.changelog_offset)
        if offset > expected_offset:
            taken_over = await self._find_strays(held, dict(stored), expected_offset - len(changes) + 1, offset + 1)
            if taken_over is None:
                return  # the store stays before what it misses: from there it is read again
            stored += taken_over
        held.changelog_offset = offset
        self._store_of.write(number, stored, offset)

    def to_write_again(self, number: int, changes: Sequence[Record]) -> list[Record]:
        """What is to be written along with these changes, as a stray has turned it back in the changelog."""
        held = self._held.get(number)
        return [] if held is None else held.strays.to_write_again(held.entries, changes)

    def written(self, number: int, changes: Sequence[Record], changelog_offset: int) -> None:
        """A transaction has put these changes into the changelog, the last of them at this offset.

        Nobody is looked for in the gap before them: it is the marker of the
        transaction before, and whoever was taken for dead is fenced.
        """
        held = self._held.get(number)
        if held is not None:
            held.changelog_offset = changelog_offset
            self._store_of.write(number, [(change.key or b"", change.value) for change in changes], changelog_offset)

    async def _find_strays(
        self, held: TablePartition, ours: dict[bytes, bytes | None], first_offset: int, next_offset: int
    ) -> list[tuple[bytes, bytes | None]] | None:
        """Look at the changelog where somebody else has written to it.

        What is taken over from there; None where he is further than we are.
        """
        between = await read_between(self.app, self.changelog, held.number, first_offset, next_offset)
        try:
            found = compare(between, ours, held.entries)
        except ValueError as error:
            raise ChangelogDamaged(self.changelog, held.number, first_offset, str(error)) from None
        held.overtaken = found.overtaken
        for key in found.turned_back:
            held.strays.add(key)
        for key, value in found.taken_over.items():
            held.put(key, value)
        logger.warning(
            "%s[%d]: another worker has written to it: %d keys are written again, %d taken over%s",
            self.changelog,
            held.number,
            len(found.turned_back),
            len(found.taken_over),
            "; it is further: all is read again" if found.overtaken else "",
        )
        return None if found.overtaken else list(found.taken_over.items())

    # -- for Faust --------------------------------------------------------------------

    async def on_start(self) -> None:
        """Faust would open a store of its own and create the changelog: topics are the app's to create."""

    async def on_changelog_event(self, event: EventT) -> None:
        """A run of the changelog, in recovery. What cannot be read stops the app: Faust would log it and go on."""
        run = cast("Run", event.value)
        try:
            self._apply(run)
        except ChangelogDamaged as error:
            await self.app.crash(error)

    def _apply(self, run: Run) -> None:
        held = self._held.get(run.partition)
        if held is None:
            return  # revoked meanwhile
        changes = []
        for record in run.records:
            key, value = record.key or b"", record.value
            if value is None:
                held.remove(key)
            elif self._is_stale(held, key, value, run, record.offset):
                held.strays.add(key)
                continue
            else:
                held.put(key, value)
            changes.append((key, value))
        # What is delivered to nobody counts as read: a transaction's marker, and what was aborted or compacted away.
        held.changelog_offset = run.next_offset - 1
        self._store_of.write(run.partition, changes, run.next_offset - 1)
        self.recovered_records += len(run)

    def _is_stale(self, held: TablePartition, key: bytes, value: bytes, run: Run, offset: int) -> bool:
        """A worker that was taken for dead may write once more, behind its successor: it has seen less."""
        try:
            new = unpack(value)
        except ValueError as error:
            raise ChangelogDamaged(run.topic, run.partition, offset, str(error)) from None
        known = held.get(key)
        return known is not None and unpack(known).last_offset > new.last_offset

    def apply_changelog_batch(self, batch: Iterable[EventT], *_args: Any, **_options: Any) -> None:
        """Faust buffers changelog events and applies them later; here each was applied as it came."""

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Give up what is revoked, open what is new."""
        for tp in revoked:
            if tp.topic == self.changelog:
                self._held.pop(tp.partition, None)
                self._store_of.close(tp.partition)
        # Frozen, taken for dead, woken, and given back what it had: to Faust nothing is new. Where it has written
        # behind its successor, its place in the changelog is behind what it misses.
        overtaken = {tp for tp in assigned if tp.topic == self.changelog and self._is_overtaken(tp.partition)}
        for tp in overtaken:
            cast("Any", self.app).tables.recovery.revoke(tp)  # or it would go on where it has read to before
        for tp in newly_assigned | overtaken:
            if tp.topic == self.changelog:
                await self.open(tp.partition)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    def _is_overtaken(self, number: int) -> bool:
        held = self._held.get(number)
        return held is not None and held.overtaken

    async def open(self, number: int) -> None:
        """Take a partition, with what the local store has of it."""
        held = TablePartition(number, self._idle_ms)
        # A million entries take seconds: not on the event loop, which answers health checks.
        entries, offset = await asyncio.get_running_loop().run_in_executor(None, self._store_of.load, number)
        for key, stored in entries.items():
            held.put(key, stored)
        held.changelog_offset = offset
        self._held[number] = held
        if offset is not None:
            logger.info(
                "%s[%d]: %d entries from the local store, at offset %d", self.changelog, number, len(entries), offset
            )

    def persisted_offset(self, tp: TP) -> int | None:
        """Where recovery goes on: the changelog record that is in the table already."""
        held = self._held.get(tp.partition)
        return held.changelog_offset if held is not None else None

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Before the first record: the state must not know offsets that its input does not have."""
        try:
            await self._check_input(active_tps)
        except InputRecreated as error:
            await self.app.crash(error)
            return
        await super().on_recovery_completed(active_tps, standby_tps)

    async def _check_input(self, active_tps: set[TP]) -> None:
        last_offsets = {
            TP(self.source, tp.partition): held.last_input_offset()
            for tp in active_tps
            if (held := self._held.get(tp.partition)) is not None
        }
        if not last_offsets:
            return
        end_offsets = await self.app.consumer.highwaters(*last_offsets)
        for tp, last_offset in last_offsets.items():
            end_offset = end_offsets.get(tp)
            if end_offset is not None and last_offset >= end_offset:
                raise InputRecreated(tp.topic, tp.partition, last_offset, end_offset)

    async def close(self) -> None:
        """Close the local store: after the last write."""
        for number in list(self._held):
            self._store_of.close(number)
        self._held.clear()
