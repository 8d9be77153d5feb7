"""A sink on a real Kafka whose other side stands still: what it fetches is bounded, and no other partition waits."""

import asyncio
import time

import pytest
from faust.types.tuples import TP

from streams.runs import RunApp, Writes
from streams.runs.consumer import ROOM_WAIT_S
from tests.kafka import Written, create_topics, produce

RECORDS, MAX_RUN, IN_FLIGHT = 20_000, 250, 2
STUCK, FREE = 0, 1


class Standing:
    """Somebody who takes nothing of one partition until told, and all of the other at once."""

    def __init__(self, app):
        self.app = app
        self.takes = asyncio.Event()
        self.began, self.taken = [0, 0], [0, 0]
        self.offsets = ([], [])

    async def handle(self, run):
        self.began[run.partition] += len(run)
        if run.partition == STUCK:
            await self.takes.wait()
        self.taken[run.partition] += len(run)
        self.offsets[run.partition].extend(record.offset for record in run.records)
        return Writes()

    def unfinished(self, partition):
        """Records that were fetched, handed on, and not taken."""
        delivered = self.app.consumer._under_way._runs[self.tp(partition)]
        return sum(len(message.run) for message in delivered if not message.acked)

    def tp(self, partition):
        return TP(self.topic, partition)


async def until(holds, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


@pytest.fixture
async def standing(kafka, prefix):
    topic = f"{prefix}in"
    await create_topics(kafka.bootstrap, topic, partitions=2)
    written = [Written(b"k", b"x" * 200, partition) for partition in (STUCK, FREE) for _ in range(RECORDS)]
    await produce(kafka.bootstrap, topic, written)
    app = RunApp(
        f"{prefix}sink",
        broker=f"kafka://{kafka.bootstrap}",
        topic_partitions=2,
        max_run=MAX_RUN,
        runs_in_flight=IN_FLIGHT,
        broker_commit_interval=0.2,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
    )
    other_side = Standing(app)
    other_side.topic, other_side.bootstrap = topic, kafka.bootstrap
    app.sink(topic, other_side.handle)
    await app.start()
    yield other_side
    other_side.takes.set()
    await app.stop()


async def test_what_nobody_takes_is_fetched_up_to_a_bound_and_no_further_while_other_partitions_go_on(standing):
    await until(lambda: standing.taken[FREE] == RECORDS)
    await until(lambda: standing.app.committed_next_offset(standing.topic, FREE) == RECORDS)
    for _ in range(20):  # longer than a fetch waits, again and again
        await asyncio.sleep(0.1)
        assert standing.unfinished(STUCK) <= IN_FLIGHT * MAX_RUN
        assert await standing.app.consumer.position(standing.tp(STUCK)) <= IN_FLIGHT * MAX_RUN
    assert standing.unfinished(STUCK) > standing.began[STUCK] > 0, "a run is under way, and the next one waits"
    assert standing.taken[STUCK] == 0
    assert standing.app.committed_next_offset(standing.topic, STUCK) == 0
    standing.takes.set()
    await until(lambda: standing.app.committed_next_offset(standing.topic, STUCK) == RECORDS)
    assert standing.offsets[STUCK] == standing.offsets[FREE] == list(range(RECORDS))


async def test_a_record_waits_for_no_other_though_another_partition_is_paused(standing):
    """A fetch that waits for records ends with the first one; until a partition has room again it may last."""
    await until(lambda: standing.taken[FREE] == RECORDS)
    for number in range(1, 6):
        await asyncio.sleep(0.3)
        await produce(standing.bootstrap, standing.topic, [Written(b"k", b"x", FREE)])
        began = time.monotonic()
        await until(lambda number=number: standing.taken[FREE] == RECORDS + number)
        assert time.monotonic() - began < ROOM_WAIT_S + 1.0  # the rest is a busy machine's
    assert standing.taken[STUCK] == 0
