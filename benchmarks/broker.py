"""What the suite asks of the broker: topics, the input written into them, how much has come out."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.peers.jobs import Job
from streams.runs import Record
from streams.runs.producer import Publisher
from streams.worker.keying import partition_of
from tests.kafka import KafkaCluster, create_topics

__all__ = ["GIVE_UP_S", "LOOK_S", "Outputs", "fill", "make_topics", "outputs_of"]

BATCH_BYTES: Final = 524_288
LOOK_S: Final = 0.05
GIVE_UP_S: Final = 600.0


async def make_topics(
    kafka: KafkaCluster, prefix: str, job: Job, compacted: Sequence[str], partitions: int, *, append_time: bool = False
) -> None:
    """The job's topics and an engine's own. `append_time`: the broker stamps the input with the time of its append."""
    config = {"message.timestamp.type": "LogAppendTime"} if append_time else {}
    await create_topics(kafka.bootstrap, f"{prefix}{job.reads}", partitions=partitions, config=config)
    await create_topics(kafka.bootstrap, f"{prefix}{job.writes}", partitions=partitions)
    if compacted:
        names = [f"{prefix}{name}" for name in compacted]
        await create_topics(kafka.bootstrap, *names, partitions=partitions, config={"cleanup.policy": "compact"})


async def fill(kafka: KafkaCluster, topic: str, records: Sequence[Record], partitions: int) -> None:
    """Write records in their order, each where its key belongs, and wait until the broker has them."""
    by_partition: list[list[Record]] = [[] for _ in range(partitions)]
    for record in records:
        by_partition[partition_of(record.key or b"", partitions)].append(record)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, enable_idempotence=True, max_batch_size=BATCH_BYTES)
    await producer.start()
    try:
        publisher = Publisher(lambda: producer)
        await asyncio.gather(*[publisher.publish(topic, number, each) for number, each in enumerate(by_partition)])
    finally:
        await producer.stop()


class Outputs:
    """How many records a topic holds. The marks that end transactions are counted too: far less than a hundredth."""

    def __init__(self, client: AIOKafkaConsumer, topic: str, partitions: int) -> None:
        self._client: Final = client
        self._partitions: Final = [TopicPartition(topic, number) for number in range(partitions)]

    async def count(self) -> int:
        """So many by now."""
        return sum((await self._client.end_offsets(self._partitions)).values())

    async def until(self, due: int, timeout_s: float = GIVE_UP_S) -> None:
        """Wait for so many. Raises TimeoutError."""
        end = time.monotonic() + timeout_s
        while (out := await self.count()) < due:
            if time.monotonic() > end:
                raise TimeoutError(f"{self._partitions[0].topic}: {out} of {due} outputs after {timeout_s:g} s")
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def outputs_of(kafka: KafkaCluster, topic: str, partitions: int) -> AsyncIterator[Outputs]:
    """One client for all looks: a new one each time would take a share of the cores from what is measured."""
    client = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, enable_auto_commit=False)
    await client.start()
    try:
        yield Outputs(client, topic, partitions)
    finally:
        await client.stop()
