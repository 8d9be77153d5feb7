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
from contextlib import aclosing
from typing import Any, Final, cast

import faust
from aiokafka.errors import KafkaError
from faust.exceptions import NotReady
from faust.types import EventT
from faust.types.tuples import TP

from streams.runs.errors import ChangelogDamaged, ChangelogRecreated, InputRecreated
from streams.runs.lineage import CHANGELOG_KEY, ROOT_KEY, Lineage, pack_root, root_id
from streams.runs.producer import Record
from streams.runs.run import Received, Run, RunSchema
from streams.runs.store import Change, MemoryStore, Store
from streams.runs.strays import Between, compare, is_stray, read_between
from streams.runs.table_partition import TablePartition

__all__ = ["RunTable"]

logger: Final = logging.getLogger(__name__)

LOOK_AGAIN_S: Final = 0.5


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
        by_offset: bool = True,
        **options: Any,
    ) -> None:
        """`by_offset`: what the entries have seen is skipped, so another input in place of the source stops the app."""
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
        self._lineage: Final = Lineage(source, changelog, partitions, by_offset=by_offset)
        self._by_offset: Final = by_offset
        self._held: Final[dict[int, TablePartition]] = {}
        self._failed = False  # in recovery: what lies behind it would leave a hole
        self.recovered_records = 0
        self._assigned_s = 0.0

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
        """Make changes durable: the changelog first, acknowledged, then the local store.

        What a stray has turned back is written again at once, before the store stands
        behind it: a restart would never see it. Raises PublishFailed, StoreUnwritable.

        One write of a partition at a time: the caller's to see to.
        """
        stored: list[Change] = []
        again = [*changes, *self.to_write_again(number, changes)]
        while again:
            offset = await cast("Any", self.app).publish_to(self.changelog, number, again)
            held = self._held.get(number)
            if offset is None or held is None:
                return
            mine = [(change.key or b"", change.value) for change in again]
            stored += mine
            first_offset = held.looked_offset + 1
            held.looked_offset = offset
            if offset >= first_offset + len(again):
                stored += await self._find_strays(held, dict(mine), first_offset, offset + 1)
            again = held.strays.to_write_again(held.entries, again)
        held = self._held.get(number)
        # Overtaken, the store stays before what it misses: from there it is read again.
        if stored and held is not None and not held.overtaken:
            held.changelog_offset = held.looked_offset
            self._store_of.write(number, stored, held.looked_offset)

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
            held.changelog_offset = held.looked_offset = changelog_offset
            self._store_of.write(number, [(change.key or b"", change.value) for change in changes], changelog_offset)

    async def _find_strays(
        self, held: TablePartition, ours: dict[bytes, bytes | None], first_offset: int, next_offset: int
    ) -> list[Change]:
        """Look at the changelog where somebody else has written to it; what is taken over from there."""
        between = Between()
        async with aclosing(read_between(self.app, self.changelog, held.number, first_offset, next_offset)) as records:
            async for key, value, headers in records:
                if key == ROOT_KEY:
                    continue  # whoever writes it, writes the same
                try:
                    between.add(key, value, headers)
                except ValueError as error:
                    raise ChangelogDamaged(self.changelog, held.number, first_offset, str(error)) from None
        found = compare(between, ours, held.entries)
        held.overtaken = held.overtaken or found.overtaken
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
        return list(found.taken_over.items())

    # -- for Faust --------------------------------------------------------------------

    async def on_start(self) -> None:
        """Faust would open a store of its own and create the changelog: topics are the app's to create."""

    async def on_changelog_event(self, event: EventT) -> None:
        """A run of the changelog, in recovery.

        What cannot be applied stops the app, and nothing behind it is applied any more:
        Faust would log it and go on, and the store would have a hole for good.
        """
        if self._failed or self.app.should_stop:
            return
        try:
            self._apply(cast("Run", event.value))
        except Exception as error:  # noqa: BLE001 - whatever it is: Faust would pass over the run
            self._failed = True
            await self.app.crash(error)

    def _apply(self, run: Run) -> None:
        held = self._held.get(run.partition)
        if held is None:
            return  # revoked meanwhile
        changes: list[Change] = []
        for record in run.records:
            key, value = record.key or b"", record.value
            if key == ROOT_KEY:
                held.source_id = self._root(run, value, record.offset)
            elif self._is_stray(held, record, run):
                held.strays.add(key)
                continue
            else:
                held.strays.discard(key)  # its last record is not the stray any more
                if value is None:
                    held.remove(key)
                else:
                    held.put(key, value)
            changes.append((key, value))
        # What is delivered to nobody counts as read: a transaction's marker, and what was aborted or compacted away.
        held.changelog_offset = held.looked_offset = run.next_offset - 1
        self._store_of.write(run.partition, changes, run.next_offset - 1)
        self.recovered_records += len(run)

    @staticmethod
    def _root(run: Run, value: bytes | None, offset: int) -> bytes | None:
        try:
            return root_id(value) if value is not None else None
        except ValueError as error:
            raise ChangelogDamaged(run.topic, run.partition, offset, str(error)) from None

    @staticmethod
    def _is_stray(held: TablePartition, record: Received, run: Run) -> bool:
        try:
            return is_stray(record.value, record.headers, held.get(record.key or b""))
        except ValueError as error:
            raise ChangelogDamaged(run.topic, run.partition, record.offset, str(error)) from None

    def apply_changelog_batch(self, batch: Iterable[EventT], *_args: Any, **_options: Any) -> None:
        """Faust buffers changelog events and applies them later; here each was applied as it came."""

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Give up what is revoked, open what is new."""
        self._assigned_s = asyncio.get_running_loop().time()
        for tp in revoked:
            if tp.topic == self.changelog:
                self._held.pop(tp.partition, None)
                self._store_of.close(tp.partition)
        await self._until_looked()
        for tp in assigned:
            if tp.topic == self.changelog:
                # Or recovery would go on where it has read to before, and read again what was written here since.
                cast("Any", self.app).tables.recovery.revoke(tp)
                # Frozen, taken for dead, woken, and given back what it had: to Faust nothing is new. Where it has
                # written behind its successor, its place in the changelog is behind what it misses.
                if tp in newly_assigned or self._is_overtaken(tp.partition):
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
        changelog, source = entries.pop(CHANGELOG_KEY, None), entries.pop(ROOT_KEY, None)
        self._lineage.check_store(number, changelog and root_id(changelog), offset)
        held.source_id = source and root_id(source)
        for key, stored in entries.items():
            held.put(key, stored)
        held.changelog_offset = offset
        if offset is not None:
            held.looked_offset = offset
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
            without_root = self._without_root()
            if self._by_offset:
                await self._check_input(active_tps)
            await self._root_held(without_root)
            await self._write_strays_again()
        except Exception as error:  # noqa: BLE001 - whatever it is: Faust would go on to the first record
            await self.app.crash(error)
            # What is skipped could be committed before the end.
            await self.app.wait_until_stopped()
            return
        took_s = asyncio.get_running_loop().time() - self._assigned_s
        logger.info(
            "%s: recovered in %.1f s; %d records read of the changelog, %d entries held",
            self.changelog,
            took_s,
            self.recovered_records,
            sum(len(held.entries) for held in self.held()),
        )
        await super().on_recovery_completed(active_tps, standby_tps)

    async def _write_strays_again(self) -> None:
        """What recovery has passed over, while nothing is under way: the store stands behind it from now on."""
        for held in self.held():
            every = [Record(key, held.entries[key]) for key in held.strays.all() if key in held.entries]
            if every:
                logger.warning(
                    "%s[%d]: another worker has turned back %d keys: they are written again",
                    self.changelog,
                    held.number,
                    len(every),
                )
                await self.write(held.number, every)

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

    # -- the topics that the state stems from ---------------------------------------------

    async def look(self) -> None:
        """Whether input and changelog are still those of the start.

        Raises PartitionsDiffer, TopicRecreated, ChangelogRecreated; KafkaError and OSError where no broker tells.
        """
        self._lineage.look(await cast("Any", self.app).identify(self.source, self.changelog))

    def check_committed(self, number: int, next_offset: int) -> None:
        """A partition with a committed offset has a changelog that names its input. Raises ChangelogRecreated."""
        held = self._held.get(number)
        if held is not None and not held.was_written and next_offset > 0 and self._lineage.is_known:
            raise ChangelogRecreated(
                self.changelog, number, f"it holds nothing, and {self.source} is committed up to {next_offset}"
            )

    async def _until_looked(self) -> None:
        """Nothing is read before: what is not known to be the same topic could be skipped as seen."""
        while not self.app.should_stop:
            try:
                await self.look()
            except (KafkaError, OSError, NotReady) as error:
                logger.warning("%s and %s: no broker tells what they are: %r", self.source, self.changelog, error)
                await asyncio.sleep(LOOK_AGAIN_S)
            else:
                return

    def _without_root(self) -> list[TablePartition]:
        """Partitions whose changelog is yet to name the input. Raises TopicRecreated where it names another."""
        return [held for held in self.held() if self._lineage.check_root(held.number, held.source_id)]

    async def _root_held(self, without_root: Sequence[TablePartition]) -> None:
        """Name the input in the changelog where it is not, and the changelog in the store."""
        for held in self.held():
            held.was_written = held.was_written or held.changelog_offset is not None
        for held in without_root:
            if held.source_id is not None:
                logger.warning("%s: another topic of this name; the table goes on with it", self.source)
            await self.write(held.number, [Record(ROOT_KEY, pack_root(self._lineage.source_id))])
            held.source_id = self._lineage.source_id
        named = [(CHANGELOG_KEY, pack_root(self._lineage.changelog_id))]
        for held in self.held():
            if held.changelog_offset is not None:
                self._store_of.write(held.number, named, held.changelog_offset)

    async def close(self) -> None:
        """Close the local store: after the last write."""
        for number in list(self._held):
            self._store_of.close(number)
        self._held.clear()
