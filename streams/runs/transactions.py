"""Exactly once: outputs, state and input offset of a run in one Kafka transaction.

A transactional id for each input partition, the same over restarts. Whoever is
assigned a partition initialises its id before reading anything: that fences the
owner before, and ends what it left open, so that the offsets and the changelog
read next are final. What an owner does not commit, nobody reads.

Why an id for each partition and what a transaction cannot give:
docs/decisions/0010-transactions.md.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import aiokafka
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.types.tuples import TP

from streams.runs.errors import Fenced, PublishFailed, TransactionFailed, TransactionsUnavailable
from streams.runs.producer import TRANSACTION_S, Publisher, Record
from streams.runs.run import Run
from streams.runs.writing import Output, Turn, Work, Writes

if TYPE_CHECKING:
    from streams.runs.table import RunTable

__all__ = ["ExactlyOnce", "transactional_id"]

logger: Final = logging.getLogger(__name__)

PATIENCE_S: Final = TRANSACTION_S
"""For a transaction, or for initialising an id, before the app stops. As long as the broker lets a transaction
last: beyond it the transaction is aborted there, whatever is waited for here."""
ABORT_S: Final = 2.0
"""For giving up a transaction at a stop. What is not aborted by then, the next owner aborts."""
PAUSE_S: Final = 0.1
"""Between attempts to initialise an id: a transaction log that is being loaded answers after a moment."""


def transactional_id(group: str, partition: TP) -> str:
    """Of the input partition, whatever is written for it; no `.` is in a group or a topic, so no two are alike."""
    return f"{group}.{partition.topic}.{partition.partition}"


class ExactlyOnce:
    """One transaction at a time for each input partition; runs that wait meanwhile go into the next together."""

    transactional = True

    def __init__(self, app: Any) -> None:
        self._app: Final = app
        self._of: dict[TP, _Transactions] = {}
        self._waiting: Final[defaultdict[TP, list[Work]]] = defaultdict(list)

    async def open(self, partitions: AbstractSet[TP]) -> None:
        """Fence whoever had these partitions, and end what they left open. Raises TransactionsUnavailable.

        Also for those that were ours before: what happened in between is not known here.
        """
        await self.close()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_pass_over_fenced)
        began = loop.time()
        group = self._app.conf.id
        self._of = {tp: _Transactions(tp, group, self._app.transactional_producer) for tp in partitions}
        await asyncio.gather(*[each.open() for each in self._of.values()])
        if partitions:
            took_s = loop.time() - began
            logger.info("%s: %d transactional ids initialised in %.2f s", group, len(partitions), took_s)

    async def close(self) -> None:
        """End or abort what is under way, and disconnect."""
        closing, self._of = list(self._of.values()), {}
        self._waiting.clear()
        await asyncio.gather(*[each.close() for each in closing])

    async def write(self, run: Run, writes: Writes, table: "RunTable | None") -> None:
        """Outputs and state in one transaction; the run's offset stays where it is."""
        await self._commit(TP(run.topic, run.partition), [writes], table, None)

    async def finish(self, work: Work, turn: Turn) -> None:
        """All in one transaction, together with the runs of the partition that wait behind this one."""
        tp = work.message.tp
        self._waiting[tp].append(work)
        if not await turn() or work.finished:
            return
        if work not in self._waiting[tp]:
            raise self._closed(tp)
        together = self._waiting.pop(tp)
        await self._commit(tp, [each.writes for each in together], work.table, together[-1].message.next_offset)
        for each in together:
            each.finished = True
        self._app.consumer.committed(tp, [each.message for each in together])

    def _closed(self, tp: TP) -> TransactionFailed:
        """What a run is told that outlasted the patience of a stop or a rebalance."""
        name = transactional_id(self._app.conf.id, tp)
        return TransactionFailed(tp.topic, tp.partition, name, "the partition was given up meanwhile")

    async def _commit(
        self, tp: TP, writes: Sequence[Writes], table: "RunTable | None", next_offset: int | None
    ) -> None:
        if tp not in self._of:
            raise self._closed(tp)
        outputs = _merged(writes)
        changes: list[Record] = []
        if table is not None:
            # Of a key that several runs have changed, only the last change will ever be read.
            changes = list({change.key: change for each in writes for change in each.changes}.values())
            changes += table.to_write_again(tp.partition, changes)
            outputs.append(Output(table.changelog, tp.partition, changes))
        last_offsets = await self._of[tp].commit(outputs, next_offset)
        # Only now: a store with what was aborted would be ahead of its changelog for good.
        if table is not None and (changelog_offset := last_offsets[-1]) is not None:
            table.written(tp.partition, changes, changelog_offset)


class _Transactions:
    """The transactions of one input partition, one after the other."""

    def __init__(self, tp: TP, group: str, new_producer: Callable[[str], aiokafka.AIOKafkaProducer]) -> None:
        self._tp: Final = tp
        self._group: Final = group
        self._new_producer: Final = new_producer
        self._id: Final = transactional_id(group, tp)
        self._producer: aiokafka.AIOKafkaProducer | None = None
        self._publisher: Final = Publisher(self._client)
        self._one_at_a_time: Final = asyncio.Lock()

    def _client(self) -> aiokafka.AIOKafkaProducer:
        if self._producer is None:  # closed: another worker has it, or will have
            raise IllegalOperation(f"{self._id} is closed")
        return self._producer

    async def open(self) -> None:
        """Initialise the id. What the broker may answer for a moment is waited out."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while True:
            producer = self._new_producer(self._id)
            try:
                async with asyncio.timeout_at(deadline):
                    await producer.start()
            except TimeoutError:
                await producer.stop()
                raise TransactionsUnavailable(self._id, f"no answer within {PATIENCE_S:g} s") from None
            except KafkaError as error:
                await producer.stop()
                if not getattr(error, "retriable", False):
                    raise TransactionsUnavailable(self._id, repr(error)) from error
                await asyncio.sleep(PAUSE_S)
            else:
                self._producer = producer
                return

    async def close(self) -> None:
        """Wait for what is being committed, then disconnect."""
        async with self._one_at_a_time:
            producer, self._producer = self._producer, None
            if producer is not None:
                with suppress(TimeoutError):  # aiokafka waits for what it has to send, for as long as it takes
                    await asyncio.wait_for(producer.stop(), ABORT_S)

    async def commit(self, outputs: Iterable[Output], next_offset: int | None) -> list[int | None]:
        """Write and commit in one transaction; the offset of the last record of each output.

        Raises Fenced, PublishFailed and TransactionFailed; then nothing of it is
        ever read, and what was computed for it must not be used any more.
        """
        async with self._one_at_a_time:
            producer = self._client()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await producer.begin_transaction()
                    last_offsets = await asyncio.gather(*[self._publisher.publish(*output) for output in outputs])
                    # Not beside them: while the transaction's own record changes, the broker puts off what is
                    # written in it (NotEnoughReplicas, KIP-890), and the client waits a tenth of a second.
                    if next_offset is not None:
                        offsets = {TopicPartition(*self._tp): OffsetAndMetadata(next_offset, "")}
                        await producer.send_offsets_to_transaction(offsets, self._group)
                    await producer.commit_transaction()
            except BaseException as error:
                await self._abort(producer)
                if isinstance(error, (KafkaError, PublishFailed, TimeoutError)):
                    raise self._told(error) from error
                raise
            return last_offsets

    async def _abort(self, producer: aiokafka.AIOKafkaProducer) -> None:
        """Spare the readers the wait for a transaction that nobody will commit."""
        try:
            async with asyncio.timeout(ABORT_S):
                await producer.abort_transaction()
        except (KafkaError, TimeoutError, AssertionError) as error:  # aiokafka asserts what may follow what
            logger.debug("%s: not aborted here: %r", self._id, error)

    def _told(self, error: Exception) -> Exception:
        reason = error.__cause__ if isinstance(error, PublishFailed) else error
        if isinstance(reason, (ProducerFenced, InvalidProducerEpoch)):
            return Fenced(self._tp.topic, self._tp.partition, self._id)
        if isinstance(error, PublishFailed):
            return error
        if isinstance(error, TimeoutError):
            return TransactionFailed(self._tp.topic, self._tp.partition, self._id, f"no end within {PATIENCE_S:g} s")
        return TransactionFailed(self._tp.topic, self._tp.partition, self._id, repr(error))


def _pass_over_fenced(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A fenced client of aiokafka's leaves futures that nobody awaits, three a partition: Fenced has told of it."""
    if not isinstance(context.get("exception"), ProducerFenced):
        loop.default_exception_handler(context)


def _merged(writes: Iterable[Writes]) -> list[Output]:
    """The outputs of several runs as one of each partition, in the order of the runs."""
    records: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
    for each in writes:
        for topic, partition, more in each.outputs:
            records[topic, partition] += more
    return [Output(*at, together) for at, together in records.items()]
