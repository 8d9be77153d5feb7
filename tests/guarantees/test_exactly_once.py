"""`exactly_once` under faults: who reads committed finds each event, dead letter and receipt once, and exact state."""

import asyncio
import os
import random
import signal
import time
from collections import Counter

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.ga_event import Tracker, encode_event
from schemas.interaction import Fault, Unknown
from schemas.receipt import decode_receipt
from streams.attribution import RuleBook
from streams.demo.collector import Collector
from streams.demo.traffic import Mix, sessions
from streams.runs import ROOT_KEY
from tests.guarantees import expected, judge
from tests.kafka import WorkerProcess, Written, create_topics, end_offsets, produce, read_topic
from tests.streams.measurement.made import made

SETTINGS = {
    "processing_guarantee": "exactly_once",
    "group": "g",
    "partitions": 4,
    "session_timeout_s": 6,
    "heartbeat_s": 1,
    "rebalance_timeout_s": 10,
}
PATIENCE_S = 120.0


class Group:
    """Workers of one group, each with a directory of its own."""

    def __init__(self, kafka, prefix, directory):
        self.kafka, self.prefix, self.directory = kafka, prefix, directory
        self.workers: dict[int, WorkerProcess] = {}

    def start(self, number, only="attribute", **settings):
        given = {"topic_prefix": self.prefix, **SETTINGS, **settings}
        self.workers[number] = WorkerProcess(self.kafka.url, self.directory / str(number), only=only, **given).start()

    async def feed(self, seed, n, bad=0.02):
        topic = f"{self.prefix}chat-interactions"
        await create_topics(self.kafka.bootstrap, topic, config={"max.message.bytes": "8388608"})
        mix = Mix(mean_interactions=5.0, starts_per_s=50.0, bad=bad)
        return await produce(
            self.kafka.bootstrap,
            topic,
            [
                Written(each.key, each.value, timestamp_ms=each.arrival_ms)
                for each in sessions(seed, n, mix=mix)
                if each.key is not None
            ],
        )

    async def input(self, topic="chat-interactions"):
        return await read_topic(self.kafka.bootstrap, f"{self.prefix}{topic}", isolation="read_committed")

    async def committed(self, group, topic):
        """What Kafka has as the group's next offsets, together."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(group)
        except KafkaError:  # the first to ask makes the broker make its topic of offsets
            return 0
        finally:
            await admin.close()
        return sum(at.offset for tp, at in offsets.items() if tp.topic == f"{self.prefix}{topic}" and at.offset > 0)

    async def progressed(self, records, group="g", topic="chat-interactions"):
        end = time.monotonic() + PATIENCE_S
        while await self.committed(group, topic) < records:
            assert time.monotonic() < end, self.logs()
            await asyncio.sleep(0.1)

    async def done(self, group="g", topic="chat-interactions"):
        ends = await end_offsets(self.kafka.bootstrap, f"{self.prefix}{topic}")
        await self.progressed(sum(ends.values()), group, topic)

    async def stop(self, *numbers):
        workers = [self.workers.pop(number) for number in numbers or list(self.workers)]
        await asyncio.gather(*[worker.ready() for worker in workers])  # told before it is at work, one ends with 143
        codes = await asyncio.gather(*[asyncio.to_thread(worker.terminate) for worker in workers])
        assert set(codes) == {0}, [worker.process.tail(30) for worker in workers]

    async def faults(self, want=None, isolation="read_committed"):
        """Everything that is wrong; a repeat is."""
        want = want or expected(await self.input())
        verdict = await judge(self.kafka.bootstrap, self.prefix, "g", want, isolation=isolation)
        more = {"repeats": verdict.repeats, "stale_writes": verdict.stale_writes}
        return {**verdict.faults, **{name: count for name, count in more.items() if count}}

    def logs(self):
        return "\n".join(f"--- {number}\n{worker.process.tail(15)}" for number, worker in self.workers.items())


@pytest.fixture
def group(kafka, prefix, tmp_path):
    workers = Group(kafka, prefix, tmp_path)
    yield workers
    for worker in workers.workers.values():
        worker.kill()


async def test_kills_at_random_moments_repeat_and_lose_nothing(group):
    moments = random.Random(20)
    total = await group.feed(seed=21, n=10_000)
    group.start(0)
    group.start(1)
    for kill in range(5):
        await group.progressed((kill + 1) * total // 8)
        await asyncio.sleep(moments.random())
        await asyncio.to_thread(group.workers[kill % 2].kill)
        group.start(kill % 2)
    await group.done()
    await group.stop()
    assert await group.faults() == {}


async def test_workers_that_join_and_leave_in_order_repeat_and_lose_nothing(group):
    total = await group.feed(seed=22, n=10_000)
    group.start(0)
    await group.progressed(total // 6)
    group.start(1)
    await group.progressed(total // 3)
    group.start(2)
    await group.progressed(total // 2)
    await group.stop(0)
    await group.done()
    await group.stop()
    assert await group.faults() == {}


async def test_a_worker_frozen_beyond_its_session_and_woken_is_fenced_and_publishes_nothing(group):
    total = await group.feed(seed=23, n=16_000)
    group.start(0)
    await group.progressed(total // 10)
    frozen = group.workers.pop(0).process
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        group.start(1)
        await group.progressed(total // 2)
        os.kill(frozen.pid, signal.SIGCONT)
        assert await asyncio.to_thread(frozen.wait, 30) == 1
    finally:
        frozen.kill()
    assert "fenced: another worker uses g." in frozen.text()
    assert "never retrieved" not in frozen.text()
    await group.done()
    await group.stop()
    assert await group.faults() == {}


async def test_re_keyed_records_are_there_once(group):
    total = await group.feed(seed=24, n=6_000)
    group.start(0, rekey=True)
    for kill in range(3):
        await group.progressed((kill + 1) * total // 5, "g-rekey")
        await asyncio.to_thread(group.workers[0].kill)
        group.start(0, rekey=True)
    await group.done("g-rekey")
    keyed = await group.input("chat-interactions-keyed")
    # Behind the last record lies a marker, which is delivered to nobody.
    due = {partition: [each.offset for each in keyed if each.partition == partition] for partition in range(4)}
    await group.progressed(sum(offsets[-1] + 1 for offsets in due.values() if offsets), topic="chat-interactions-keyed")
    await group.stop()
    given = await group.input()
    rules = RuleBook()
    taken = [
        each.value for each in given if not isinstance(rules.decode(each.value, each.timestamp_ms), (Fault, Unknown))
    ]
    assert Counter(each.value for each in keyed) == Counter(taken)
    want = expected(keyed)
    want.dead_letters = expected(given, check_keys=False).dead_letters
    assert await group.faults(want) == {}


TRACKERS = ("G-ABC1234567", "G-DEF7654321", "G-NOSECRET00")
SECRETS = {"G-ABC1234567": "first-secret-of-ga", "G-DEF7654321": "second-secret-of-ga"}
ACCOUNTS = """
[accounts.acme]
api_secrets = { "G-ABC1234567" = "env:GA_ONE", "G-DEF7654321" = "env:GA_TWO" }
"""
IN_FLIGHT = 8


def events(first, count):
    """Of a moment ago, five a visitor, each for two trackers that take them and one that has no secret."""
    now = time.time_ns() // 1_000
    return [
        made(
            number,
            client_id=f"{number // 5}.1700000000",
            timestamp_micros=now - 60_000_000 + number,
            trackers=tuple(Tracker(tracker, "1700000000") for tracker in TRACKERS),
        )
        for number in range(first, first + count)
    ]


def written(made_events):
    return [Written(b"acme/s/%s" % event.client_id.encode(), encode_event(event)) for event in made_events]


async def test_after_kills_of_deliver_each_event_has_one_receipt_and_the_ledger_agrees(group, monkeypatch):
    monkeypatch.setenv("GA_ONE", SECRETS[TRACKERS[0]])
    monkeypatch.setenv("GA_TWO", SECRETS[TRACKERS[1]])
    (group.directory / "accounts.toml").write_text(ACCOUNTS)
    topic = f"{group.prefix}ga-events"
    await create_topics(group.kafka.bootstrap, topic)
    good, aborted = events(0, 3_000), events(10_000, 500)
    async with AIOKafkaProducer(
        bootstrap_servers=group.kafka.bootstrap, transactional_id=f"{group.prefix}other"
    ) as producer:
        await producer.begin_transaction()
        for record in written(aborted):
            await producer.send(topic, record.value, key=record.key)
        await producer.abort_transaction()
    await produce(group.kafka.bootstrap, topic, [*written(good), Written(b"k", b"no event")])
    due = {(event.event_id, tracker) for event in good for tracker in TRACKERS}
    arrivals = []
    kills = 3
    async with Collector(secrets=SECRETS, on_arrival=arrivals.append) as collector:

        def start():
            accounts = group.directory / "accounts.toml"
            group.start(0, "deliver", accounts=accounts, ga_endpoint=collector.url, ga_in_flight=IN_FLIGHT)

        start()
        for kill in range(kills):
            end = time.monotonic() + PATIENCE_S
            while collector.summary()["distinct_events"] < (kill + 1) * len(good) * 2 // 5:
                assert time.monotonic() < end, group.logs()
                await asyncio.sleep(0.02)
            await asyncio.to_thread(group.workers[0].kill)
            start()
        await group.done("g-deliver", "ga-events")
        await group.stop()
    receipts = [decode_receipt(record.value) for record in await group.input("ga-receipts")]
    assert Counter((each.event_id, each.tracker_id) for each in receipts) == Counter(due)
    delivered = {(each.event_id, each.tracker_id) for each in receipts if each.outcome == "delivered"}
    assert delivered == {pair for pair in due if pair[1] in SECRETS}
    ledger = {record.key for record in await group.input("g-ledger-changelog")} - {ROOT_KEY}
    assert ledger == {f"{event}/{tracker}".encode() for event, tracker in delivered}
    assert len(await group.input("dead-letters")) == 1
    # The request itself is in no transaction: what was in flight at a kill may arrive twice.
    assert {(each.event_id, each.tracker_id) for each in arrivals} == delivered
    assert len(arrivals) - len(delivered) <= kills * IN_FLIGHT * 5
