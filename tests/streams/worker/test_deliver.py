"""The sink on a real Kafka and over real HTTP: each event arrives, whatever happens to the worker or to GA."""

import asyncio
import time
from collections import Counter

import pytest

from schemas.ga_event import Tracker, encode_event
from schemas.receipt import decode_receipt
from streams.delivery.breaker import FAILURES
from streams.demo.collector import Collector, Misbehaviour
from tests.kafka import WorkerProcess, Written, create_topics, end_offsets, produce, read_topic
from tests.streams.measurement.made import made

TRACKERS = ("G-ABC1234567", "G-DEF7654321")
IN_FLIGHT = 8
ACCOUNTS = """
[accounts.acme]
api_secrets = { "G-ABC1234567" = "env:GA_ONE", "G-DEF7654321" = "env:GA_TWO" }
"""
SECRETS = {"G-ABC1234567": "first-secret-of-ga", "G-DEF7654321": "second-secret-of-ga"}


class Delivering:
    """`chat2ga worker --only deliver` with a collector in Google's place."""

    def __init__(self, kafka, prefix, directory, collector, monkeypatch):
        self.kafka, self.prefix, self.directory, self.collector = kafka, prefix, directory, collector
        self.workers = {}
        (directory / "accounts.toml").write_text(ACCOUNTS)
        monkeypatch.setenv("GA_ONE", SECRETS[TRACKERS[0]])
        monkeypatch.setenv("GA_TWO", SECRETS[TRACKERS[1]])

    async def fill(self, count):
        """Events of a moment ago, of many visitors, each for two trackers."""
        topics = ("ga-events", "ga-receipts", "dead-letters")
        await create_topics(self.kafka.bootstrap, *[f"{self.prefix}{topic}" for topic in topics])
        now = time.time_ns() // 1_000
        events = [
            made(
                number,
                client_id=f"{number // 5}.1700000000",
                timestamp_micros=now - 60_000_000 + number,
                trackers=tuple(Tracker(tracker, "1700000000") for tracker in TRACKERS),
            )
            for number in range(count)
        ]
        written = [Written(b"acme/s/%d" % (n // 5), encode_event(event)) for n, event in enumerate(events)]
        await produce(self.kafka.bootstrap, f"{self.prefix}ga-events", written)
        return {(event.event_id, tracker) for event in events for tracker in TRACKERS}

    def start(self, number, **settings):
        self.workers[number] = WorkerProcess(
            self.kafka.url,
            self.directory / str(number),
            only="deliver",
            topic_prefix=self.prefix,
            group="g",
            accounts=self.directory / "accounts.toml",
            ga_endpoint=self.collector.url,
            ga_in_flight=IN_FLIGHT,
            session_timeout_s=6,
            heartbeat_s=1,
            rebalance_timeout_s=10,
            **{"log_level": "debug", **settings},
        ).start()

    async def arrived(self, count, timeout_s=90.0):
        end = time.monotonic() + timeout_s
        while self.collector.summary()["distinct_events"] < count:
            assert time.monotonic() < end, f"{self.collector.summary()}\n{self.logs()}"
            await asyncio.sleep(0.02)

    async def settled(self, count, timeout_s=60.0):
        """Wait until the receipts say that so many were delivered."""
        end = time.monotonic() + timeout_s
        while (await self.receipts())["delivered"] < count:
            assert time.monotonic() < end, self.logs()
            await asyncio.sleep(0.2)

    async def receipts(self):
        records = await read_topic(self.kafka.bootstrap, f"{self.prefix}ga-receipts")
        return Counter(decode_receipt(record.value).outcome for record in records)

    def logs(self):
        return "\n".join(worker.process.tail(15) for worker in self.workers.values())

    def texts(self):
        return "".join(worker.process.text() for worker in self.workers.values())


@pytest.fixture
async def arrivals():
    return []


@pytest.fixture
async def delivering(kafka, prefix, tmp_path, monkeypatch, arrivals):
    async with Collector(secrets=SECRETS, on_arrival=arrivals.append) as collector:
        sink = Delivering(kafka, prefix, tmp_path, collector, monkeypatch)
        yield sink
        for worker in sink.workers.values():
            worker.kill()


def pairs(arrivals):
    return {(arrival.event_id, arrival.tracker_id) for arrival in arrivals}


async def test_each_event_arrives_once_at_each_of_its_trackers_and_has_one_receipt(delivering, arrivals):
    due = await delivering.fill(1_500)
    delivering.start(0)
    await delivering.settled(len(due))
    assert await asyncio.to_thread(delivering.workers[0].terminate) == 0
    assert pairs(arrivals) == due
    assert len(arrivals) == len(due)
    assert delivering.collector.summary()["violations"] == {}
    assert await delivering.receipts() == {"delivered": len(due)}


async def test_after_kills_nothing_is_missing_and_at_most_what_was_in_flight_arrives_twice(delivering, arrivals):
    due = await delivering.fill(3_000)
    delivering.start(0)
    kills = 3
    for kill in range(kills):
        await delivering.arrived((kill + 1) * len(due) // 5)
        await asyncio.to_thread(delivering.workers[0].kill)
        delivering.start(0)
    await delivering.arrived(len(due))
    await delivering.settled(len(due) - kills * IN_FLIGHT * 25)
    assert await asyncio.to_thread(delivering.workers[0].terminate) == 0
    assert pairs(arrivals) == due
    requests_twice = len(arrivals) - len(due)
    # A request carries the events of one visitor at one tracker: five here at most.
    assert requests_twice <= kills * IN_FLIGHT * 5


async def test_a_worker_that_joins_and_one_that_leaves_in_order_post_nothing_twice(delivering, arrivals):
    due = await delivering.fill(3_000)
    delivering.start(0)
    await delivering.arrived(len(due) // 5)
    delivering.start(1)
    await delivering.workers[1].ready()
    await delivering.arrived(len(due) // 2)
    assert await asyncio.to_thread(delivering.workers[0].terminate) == 0
    await delivering.arrived(len(due))
    assert await asyncio.to_thread(delivering.workers[1].terminate) == 0
    assert pairs(arrivals) == due
    assert len(arrivals) == len(due)


async def test_while_ga_fails_the_sink_holds_its_place_and_all_arrives_after(delivering, arrivals):
    """Ten failures open the endpoint; then each is one probe's, and the waits between them double."""
    due = await delivering.fill(300)
    delivering.collector.misbehave(Misbehaviour(status=503, times=FAILURES))
    delivering.collector.misbehave(Misbehaviour(status=429, retry_after="1", times=2))
    delivering.collector.misbehave(Misbehaviour(drop="untaken", times=2))
    delivering.start(0)
    await delivering.settled(len(due))
    assert await asyncio.to_thread(delivering.workers[0].terminate) == 0
    assert pairs(arrivals) == due
    assert len(arrivals) == len(due)
    assert await delivering.receipts() == {"delivered": len(due)}


async def test_a_stop_while_ga_is_gone_ends_in_ten_seconds_and_commits_nothing_undelivered(delivering, arrivals):
    due = await delivering.fill(200)
    delivering.collector.misbehave(Misbehaviour(status=503, times=1_000_000))
    delivering.start(0)
    await delivering.workers[0].ready()
    end = time.monotonic() + 60
    while delivering.collector.summary()["requests"] < 20:
        assert time.monotonic() < end, delivering.logs()
        await asyncio.sleep(0.05)
    began = time.monotonic()
    assert await asyncio.to_thread(delivering.workers[0].terminate) == 0
    assert time.monotonic() - began < 10
    assert arrivals == []
    delivering.collector._planned.clear()
    delivering.start(0)
    await delivering.settled(len(due))
    assert pairs(arrivals) == due


async def test_what_is_no_event_is_a_dead_letter_and_the_rest_goes_on(delivering, arrivals):
    due = await delivering.fill(50)
    await produce(delivering.kafka.bootstrap, f"{delivering.prefix}ga-events", [Written(b"k", b"not an event")])
    delivering.start(0)
    await delivering.settled(len(due))
    end = time.monotonic() + 60
    while not sum((await end_offsets(delivering.kafka.bootstrap, f"{delivering.prefix}dead-letters")).values()):
        assert time.monotonic() < end, delivering.logs()
        await asyncio.sleep(0.1)
    assert pairs(arrivals) == due


async def test_no_secret_is_in_the_log_at_debug_level_nor_in_any_topic(delivering):
    due = await delivering.fill(100)
    delivering.collector.misbehave(Misbehaviour(status=500, times=5))
    delivering.collector.misbehave(Misbehaviour(status=400, times=1))
    delivering.collector.misbehave(Misbehaviour(drop="untaken", times=3))
    delivering.start(0)
    await delivering.settled(len(due) - 5)
    await asyncio.to_thread(delivering.workers[0].terminate)
    written = delivering.texts()
    assert '"level":"debug"' in written, "nothing is logged at debug level: this test shows nothing"
    for topic in ("ga-events", "ga-receipts", "dead-letters", "g-ledger-changelog"):
        written += str(await read_topic(delivering.kafka.bootstrap, f"{delivering.prefix}{topic}"))
    assert [secret for secret in SECRETS.values() if secret in written] == []
