"""A Faust app on runs of records. Everything else of Faust stays as it is.

    app = RunApp("counts", broker="kafka://localhost:9092")
    table = RunTable(app, name="counts", changelog="counts-changelog", partitions=4, source="clicks")
    app.stateful("clicks", compute, table)

`compute(run)` reads the run's records, changes the table's partition in memory
and returns what to write; see `writing` for the order in which that happens, and
`transactions` for what `exactly_once` makes of it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Literal

import aiokafka
import faust
from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import Transport
from faust.types import StreamT, TransportT
from faust.types.tuples import TP

from streams.runs.consumer import RunConsumer
from streams.runs.errors import CannotDrain, RunsError
from streams.runs.identity import TopicIdentity, identify
from streams.runs.pipeline import Handle, Pipeline, Quiet, Sink, Stateful, never_busy
from streams.runs.producer import Publisher, Record, RunProducer
from streams.runs.progress import TELL_S, Progress
from streams.runs.recovery import RunRecovery, RunTableManager
from streams.runs.run import Run, RunSchema
from streams.runs.table import RunTable
from streams.runs.transactions import ExactlyOnce
from streams.runs.writing import AtLeastOnce, Output, Writes, Writing

__all__ = ["RunApp"]

logger: Final = logging.getLogger(__name__)

BATCH_BYTES: Final = 262_144
FETCH_BYTES: Final = 4 * 1_048_576
METADATA_AGE_MS: Final = 15_000
"""A topic that was missing and is there again is read from then on; the client would look every five minutes."""

Isolation = Literal["read_uncommitted", "read_committed"]


class RunTransport(Transport):
    """Faust's Kafka transport, for runs."""

    Consumer = RunConsumer
    Producer = RunProducer


class RunApp(faust.App):
    """A Faust app whose agents get runs of records."""

    def __init__(
        self,
        id: str,  # noqa: A002 - Faust's name for it
        *,
        max_run: int = 8_000,
        runs_in_flight: int = 2,
        drain_patience_s: float = 8.0,
        look_s: float = 15.0,
        idempotence: bool = True,
        exactly_once: bool = False,
        **options: Any,
    ) -> None:
        self.runs_in_flight = runs_in_flight
        self.drain_patience_s = drain_patience_s
        self.look_s = look_s
        # Without idempotence a retried batch may overtake the next one: state would go back.
        self.producer_settings = {"acks": "all", "enable_idempotence": True} if idempotence else {"acks": "all"}
        # What was aborted is nobody's to read: neither input nor, after a change of the guarantee, our own changelog.
        # A broker without idempotent producers has no transactions, and need not know of them.
        self.isolation_level: Isolation = "read_committed" if idempotence else "read_uncommitted"
        self.writing: Writing = ExactlyOnce(self) if exactly_once else AtLeastOnce(self)
        self._pipelines: list[Pipeline] = []
        self._inputs: set[str] = set()
        self._publisher = Publisher(self._aiokafka_producer)
        self._rebalances_over = 0
        self._drained = asyncio.Event()  # a stop has let finish what was begun, or has given it up
        super().__init__(
            id,
            TableManager=RunTableManager,
            store="memory://",  # tables have a store of their own
            Schema=RunSchema,
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            stream_wait_empty=True,
            stream_recovery_delay=0.0,
            stream_buffer_maxsize=64,
            broker_max_poll_records=max_run,
            consumer_max_fetch_size=FETCH_BYTES,
            consumer_metadata_max_age_ms=METADATA_AGE_MS,
            consumer_auto_offset_reset="earliest",
            producer_max_batch_size=BATCH_BYTES,
            **options,
        )

    # -- agents -------------------------------------------------------------------------

    def stateful(self, topic: str, compute: Callable[[Run], Writes], table: RunTable | None = None) -> None:
        """An agent that computes at once: see `pipeline.Stateful`."""
        if table is not None:
            self.tables.add(table)
        self._consume(topic, Stateful(self, compute, table))

    def sink(self, topic: str, handle: Handle, table: RunTable | None = None, *, quiet: Quiet = never_busy) -> None:
        """An agent that waits for somebody else: see `pipeline.Sink`. What cannot wait, it writes itself."""
        if table is not None:
            self.tables.add(table)
        self._consume(topic, Sink(self, handle, table, quiet))

    def _consume(self, topic: str, pipeline: Pipeline) -> None:
        self._pipelines.append(pipeline)
        self._inputs.add(topic)

        async def runs(stream: StreamT[Run]) -> None:
            await pipeline.consume(stream)

        channel = self.topic(topic, schema=RunSchema(), key_type=bytes, value_type=bytes)
        self.agent(channel, name=f"{self.conf.id}.{topic}")(runs)

    async def give_up_sinks(self, patience_s: float) -> None:
        """Give up the runs that wait for somebody else; what is half done there gets so long to be done."""
        await asyncio.gather(*[pipeline.give_up(patience_s) for pipeline in self._pipelines])

    # -- writing ------------------------------------------------------------------------

    @property
    def transactional(self) -> bool:
        """Whether what is written with a run's offset is written once, however often the run is read."""
        return self.writing.transactional

    async def write(self, run: Run, writes: Writes, table: RunTable | None = None) -> None:
        """Make durable what a run gives that goes on: outputs before state, or in one transaction.

        Raises PublishFailed; with transactions also Fenced and TransactionFailed.
        """
        await self.writing.write(run, writes, table)

    async def publish(self, outputs: Sequence[Output]) -> None:
        """Write outputs and wait until the broker has them. Raises PublishFailed."""
        await asyncio.gather(*[self.publish_to(*output) for output in outputs if output.records])

    async def publish_to(self, topic: str, partition: int, records: Sequence[Record]) -> int | None:
        """Write to one partition; the offset of the last record. Raises PublishFailed."""
        return await self._publisher.publish(topic, partition, records)

    def _aiokafka_producer(self) -> aiokafka.AIOKafkaProducer:
        """The client itself: Faust's own producer buffers single messages."""
        producer: RunProducer = self.producer  # type: ignore[assignment]
        return producer._ensure_producer()

    def transactional_producer(self, transactional_id: str) -> aiokafka.AIOKafkaProducer:
        """A client for the transactions of one id, not yet started. aiokafka has none that serves several."""
        producer: RunProducer = self.producer  # type: ignore[assignment]
        return producer._new_producer(transactional_id=transactional_id)

    # -- whose partitions are whose ---------------------------------------------------------

    async def open_partitions(self, assigned: AbstractSet[TP]) -> None:
        """Before anything of them is read: neither offsets nor state. Raises TransactionsUnavailable."""
        await self.writing.open({tp for tp in assigned if tp.topic in self._inputs})

    # -- a stop, and a rebalance that meets it ------------------------------------------------

    async def on_stop(self) -> None:
        """Faust's stop drains; what it could not, is given up, and told by `crash_reason`."""
        try:
            await super().on_stop()
        except CannotDrain as error:
            # The rest is to be stopped all the same. Without Faust's word of it: whoever stops the app tells.
            self._crash(error)
        finally:
            self._drained.set()
            await self.writing.close()

    async def _consumer_wait_empty(self, consumer: Any, logger: Any) -> None:
        try:
            await super()._consumer_wait_empty(consumer, logger)
        finally:
            if self.should_stop:
                self._drained.set()

    async def _on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Where a stop meets a rebalance, Faust would close the client: runs under way, and no word to the group.

        What the stop drains must be committed before a peer is given it: so this waits for it.
        """
        if not self.should_stop:
            await super()._on_partitions_revoked(revoked)
            return
        await self._drained.wait()

    def _on_rebalance_when_stopped(self) -> None:
        """Nothing begins on partitions that are assigned to an app that stops; the client is the stop's to close."""

    # -- state ----------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether it is at work: in the group, with its tables recovered."""
        return self.started and self._recovery.completed.is_set() and not self.rebalancing

    @property
    def lapsed(self) -> bool:
        """Whether the group may have given our partitions to others without our knowing."""
        consumer: RunConsumer = self.consumer  # type: ignore[assignment]
        return consumer.lapsed

    def committed_next_offset(self, topic: str, partition: int) -> int:
        """Behind this offset nothing is read again; 0 while none is known."""
        consumer: RunConsumer = self.consumer  # type: ignore[assignment]
        return consumer.committed_next_offsets.get(TP(topic, partition), 0)

    def progress(self) -> list[tuple[str, int, int, int]]:
        """Topic, partition, committed next offset and end offset of each input partition that is ours."""
        consumer: RunConsumer = self.consumer  # type: ignore[assignment]
        return [
            (tp.topic, tp.partition, next_offset, consumer.highwater(tp) or next_offset)
            for tp, next_offset in consumer.committed_next_offsets.items()
        ]

    @property
    def recovered_records(self) -> int:
        """Changelog records read to bring the tables back, since the start."""
        return sum(table.recovered_records for table in self._run_tables())

    # -- the topics ---------------------------------------------------------------------

    async def identify(self, *topics: str) -> dict[str, TopicIdentity]:
        """The id and the partitions of each topic that is there. Raises KafkaError, OSError, NotReady."""
        return await identify(self._aiokafka_producer().client, topics)

    @faust.Service.task
    async def _look_at_topics(self) -> None:
        """A topic made again under a running worker need not make itself felt: its offsets may fit."""
        while not self.should_stop:
            await self.sleep(self.look_s)
            if not self.ready or self.should_stop:
                continue
            try:
                for table in self._run_tables():
                    await table.look()
            except RunsError as error:
                await self.crash(error)
                return
            except (KafkaError, OSError):
                continue  # no broker answers: the next look will tell

    @faust.Service.task
    async def _tell_of_recovery(self) -> None:
        progress = Progress()
        while not self.should_stop:
            told = progress.tell(self.loop.time(), self._left_to_recover(self._recovery))
            if told is not None:
                logger.info("%s: %s", self.conf.id, told)
            await self.sleep(TELL_S if told is not None else 0.5)

    @staticmethod
    def _left_to_recover(recovery: Any) -> int:
        """Offsets of the changelogs that are not read yet; 0 where nothing is being recovered."""
        if not recovery.in_recovery:
            return 0
        return sum(max(offsets, 0) for offsets in recovery.active_remaining().values())

    def check_committed(self, committed: Mapping[TP, int]) -> None:
        """Before input is read on from there. Raises ChangelogRecreated."""
        for table in self._run_tables():
            for tp, next_offset in committed.items():
                if tp.topic == table.source:
                    table.check_committed(tp.partition, next_offset)

    def _run_tables(self) -> list[RunTable]:
        return [table for table in self.tables.values() if isinstance(table, RunTable)]

    @property
    def rebalancing(self) -> bool:
        """Whether a rebalance is under way, from its revocation until its partitions are at work.

        Counted, as Faust's flag would be reset by the end of the rebalance before:
        each begins in the consumer's thread, and ends in this one.
        """
        return self.rebalancing_count != self._rebalances_over

    @rebalancing.setter
    def rebalancing(self, _flag: bool) -> None:
        """Faust's flag."""

    @property
    def recovery_overtaken(self) -> bool:
        """Whether the recovery under way belongs to a rebalance that another has followed."""
        return self._recovery.overtaken

    @property
    def _recovery(self) -> RunRecovery:
        tables: RunTableManager = self.tables  # type: ignore[assignment]  # Faust's type names less than there is
        return tables.recovery

    def on_rebalance_end(self) -> None:
        """Input may be delivered from now on, if no other rebalance has begun."""
        if self.recovery_overtaken:
            return
        self._rebalances_over = self._recovery.rebalance
        super().on_rebalance_end()
        consumer: RunConsumer = self.consumer  # type: ignore[assignment]
        consumer.look_again()

    # -- Faust's own ------------------------------------------------------------------------

    def _create_directories(self) -> None:
        """Faust keeps nothing on disk here: tables have stores of their own."""

    def _new_transport(self) -> TransportT:
        return RunTransport(self.conf.broker_consumer, self, loop=self.loop)

    def _new_producer_transport(self) -> TransportT:
        return RunTransport(self.conf.broker_producer, self, loop=self.loop)
