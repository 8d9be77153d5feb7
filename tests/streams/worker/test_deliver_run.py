"""The deliver agent, run by run, over real HTTP and without a broker: what it writes, in which order, and when not.

The broker is a list here that can be told to wait or to refuse; on a real Kafka:
test_deliver.py, test_deliver_refused.py and tests/guarantees.
"""

import asyncio
import gc
import logging
import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiokafka.structs import ConsumerRecord
from faust.types.tuples import TP

from schemas.dead_letter import decode_dead_letter
from schemas.ga_event import Tracker, decode_event, encode_event
from schemas.receipt import decode_receipt
from streams.demo.collector import Collector, Misbehaviour
from streams.observe.metrics import GA_REQUESTS
from streams.runs import Run, RunApp, RunTable, Writes, consumer_thread
from streams.runs.errors import PublishFailed, TransactionFailed
from streams.runs.run import RunMessage
from streams.runs.writing import Work
from streams.settings import load_settings
from streams.worker.dead_letters import DeadLetterWindow
from streams.worker.deliver import Deliver
from streams.worker.topics import TopicNames, Topics
from tests.streams.delivery.sink import Clock, delivery, recent
from tests.streams.measurement.made import G

B = Tracker("G-B", "5")
SETTINGS = load_settings()
NAMES = TopicNames(SETTINGS)
TOPICS = Topics(SETTINGS, dict.fromkeys(NAMES.catalogued(SETTINGS), 4))


class Broker:
    """What was written, in its order."""

    def __init__(self):
        self.written = []
        self.open = asyncio.Event()
        self.open.set()
        self.refuses = None
        self.asked = 0

    async def publish_to(self, topic, partition, records):
        if not records:
            return None
        self.asked += 1
        await self.open.wait()
        if self.refuses == topic:
            raise PublishFailed(topic, partition, len(records), "told to")
        self.written += [(topic, record) for record in records]
        return len(self.of(topic)) - 1

    def of(self, topic):
        return [record for name, record in self.written if name == topic]

    @property
    def receipts(self):
        return [decode_receipt(record.value) for record in self.of(NAMES.receipts)]

    @property
    def letters(self):
        return [decode_dead_letter(record.value) for record in self.of(NAMES.dead_letters)]

    @property
    def ledger(self):
        return [record.key.decode() for record in self.of(NAMES.ledger_changelog)]


@pytest.fixture
async def sink():
    """Makes an agent that delivers to this endpoint."""
    apps = []

    async def make(to_ga, broker):
        app = RunApp("test", broker="kafka://127.0.0.1:1")
        app.publish_to = broker.publish_to
        table = RunTable(app, name="ledger", changelog=NAMES.ledger_changelog, partitions=4, source=NAMES.events)
        app.finalize()
        apps.append(app)
        await table.open(0)
        return Deliver(app, delivery=to_ga, table=table, topics=TOPICS, window=DeadLetterWindow(10_000, 1.0))

    yield make
    for app in apps:
        app.consumer._thread.thread_loop.close()  # of a thread that never began


def run_of(events, first_offset=0):
    now_ms = time.time_ns() // 1_000_000
    values = [event if isinstance(event, bytes) else encode_event(event) for event in events]
    records = [
        ConsumerRecord(NAMES.events, 0, first_offset + n, now_ms, 0, b"k%d" % n, value, None, 0, 0, ())
        for n, value in enumerate(values)
    ]
    return Run(NAMES.events, 0, records, first_offset + len(records))


class Refusing(Collector):
    """Refuses all requests of some trackers; the others' are as any collector's."""

    def __init__(self, *refuse, **given):
        super().__init__(**given)
        self.refuse = set(refuse)

    async def _answer(self, request, arrivals, violations):
        if arrivals[0].tracker_id in self.refuse:
            return web.Response(status=403)
        return await super()._answer(request, arrivals, violations)


def events_of(number, **changes):
    return [recent(n, client_id=f"{n}.1", trackers=(G, B), **changes) for n in range(number)]


# -- when it goes out ---------------------------------------------------------------------------


async def test_an_event_waits_for_no_company_and_a_backlog_shares_requests(sink):
    broker, clock = Broker(), Clock()
    async with Collector() as there, delivery(there.url, clock) as to_ga:
        agent = await sink(to_ga, broker)
        await agent.handle(run_of([recent(1)]))
        assert there.summary()["requests"] == 1
        await agent.handle(run_of([recent(number) for number in range(2, 27)], first_offset=1))
        assert (there.summary()["requests"], there.summary()["events"]) == (2, 26)
    assert clock.slept == []


async def test_nothing_goes_out_while_the_group_may_have_given_the_partitions_to_others(sink):
    broker, heard = Broker(), consumer_thread.clock_s()
    async with Collector() as there, delivery(there.url) as to_ga:
        agent = await sink(to_ga, broker)
        thread, timeout_s = agent._app.consumer._thread, agent._app.conf.broker_session_timeout
        thread.heard_at = heard - timeout_s - 1
        handling = asyncio.create_task(agent.handle(run_of([recent(1)])))
        await asyncio.sleep(0.5)
        assert there.summary()["requests"] == 0
        assert not handling.done()
        thread.heard_at = consumer_thread.clock_s()  # the group has answered
        await asyncio.wait_for(handling, 30)
    assert [receipt.outcome for receipt in broker.receipts] == ["delivered"]


# -- what is refused -------------------------------------------------------------------------


async def test_a_dead_letter_for_each_event_that_a_tracker_refuses_naming_that_tracker_alone(sink):
    broker, events = Broker(), events_of(20)
    async with Refusing(B.id) as there, delivery(there.url) as to_ga:
        await (await sink(to_ga, broker)).handle(run_of(events))
    assert Counter(receipt.outcome for receipt in broker.receipts) == {"delivered": 20, "refused": 20}
    assert [decode_event(letter.value).event_id for letter in broker.letters] == [event.event_id for event in events]
    assert [(letter.offset, letter.trackers) for letter in broker.letters] == [(n, (B.id,)) for n in range(20)]
    assert {key.partition("/")[2] for key in broker.ledger} == {G.id}


async def test_what_both_trackers_refuse_is_one_dead_letter_that_names_both(sink):
    broker = Broker()
    async with Refusing(B.id, G.id) as there, delivery(there.url) as to_ga:
        await (await sink(to_ga, broker)).handle(run_of(events_of(3)))
    assert [set(letter.trackers) for letter in broker.letters] == [{B.id, G.id}] * 3
    assert broker.ledger == []


async def test_what_is_not_refused_is_no_dead_letter_whatever_else_becomes_of_it(sink):
    broker = Broker()
    events = [
        recent(1),
        recent(2, account_id="free"),
        recent(3, account_id="gone"),
        recent(4, timestamp_micros=0),
        recent(5, client_id=" "),
    ]
    async with Collector() as there, delivery(there.url) as to_ga:
        await (await sink(to_ga, broker)).handle(run_of(events))
    assert Counter(receipt.outcome for receipt in broker.receipts) == dict.fromkeys(
        ("delivered", "plan", "no_secret", "expired", "rejected"), 1
    )
    assert broker.letters == []


async def test_a_refusal_is_put_away_once_all_of_the_run_is_settled_and_before_the_run_is_finished(sink):
    """Given up earlier, the run is read again: the dead letter would be there twice, or of what was then taken."""
    broker, held = Broker(), asyncio.Event()
    collector = Refusing(B.id, schedule={1: Misbehaviour(delay_s=60)}.get, on_arrival=lambda _: held.set())
    async with collector as there, delivery(there.url, in_flight=1, timeout_s=120) as to_ga:
        handling = asyncio.create_task((await sink(to_ga, broker)).handle(run_of(events_of(5))))
        async with asyncio.timeout(10):
            while len(broker.receipts) < 2 or not held.is_set():  # noqa: ASYNC110 - a list
                await asyncio.sleep(0.01)
        assert "refused" in {receipt.outcome for receipt in broker.receipts}
        assert broker.letters == []
        handling.cancel()
        await asyncio.wait({handling})
    assert broker.letters == []


async def test_a_run_is_not_finished_while_its_dead_letters_are_not_written(sink):
    broker = Broker()
    broker.refuses = NAMES.dead_letters
    async with Refusing(B.id) as there, delivery(there.url) as to_ga:
        with pytest.raises(PublishFailed):
            await (await sink(to_ga, broker)).handle(run_of(events_of(2)))
    assert Counter(receipt.outcome for receipt in broker.receipts) == {"delivered": 2, "refused": 2}


async def test_what_is_no_event_is_put_away_first_and_the_rest_goes_out(sink):
    broker = Broker()
    async with Collector() as there, delivery(there.url) as to_ga:
        await (await sink(to_ga, broker)).handle(run_of([b"no event", recent(1)]))
    assert [(letter.offset, letter.code) for letter in broker.letters] == [(0, "not_event")]
    assert [receipt.outcome for receipt in broker.receipts] == ["delivered"]


# -- a write that fails ------------------------------------------------------------------------


@pytest.fixture
async def unheard():
    """What the loop tells of tasks whose end nobody asked for."""
    gc.collect()  # of what other tests have left it is told before
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    yield told
    await asyncio.sleep(0.05)
    gc.collect()
    await asyncio.sleep(0)
    assert told == []


@asynccontextmanager
async def holding_back(broker, sink):
    """A run of which all requests are answered: one receipt is being written, and will fail; the others wait for it."""
    broker.open.clear()
    broker.refuses = NAMES.receipts
    answers = GA_REQUESTS.labels("accepted")._value
    before = answers.get()
    collector = Collector(schedule=lambda number: Misbehaviour(delay_s=0.3) if number else None)
    async with collector as there, delivery(there.url, in_flight=8) as to_ga:
        handling = asyncio.create_task((await sink(to_ga, broker)).handle(run_of(events_of(4))))
        async with asyncio.timeout(10):
            while answers.get() < before + 8:  # noqa: ASYNC110 - a count
                await asyncio.sleep(0.01)
        assert broker.asked == 1
        yield handling


async def test_a_write_that_fails_is_told_once_and_nothing_that_waited_for_it_counts_as_written(sink, unheard):
    broker = Broker()
    async with holding_back(broker, sink) as handling:
        broker.open.set()
        with pytest.raises(PublishFailed):
            await handling
        await asyncio.sleep(0.1)
    assert broker.asked == 1, "behind a write that has failed nothing more is written"
    assert broker.written == []


async def test_a_write_that_fails_after_its_run_was_given_up_is_told_in_the_log(sink, unheard, caplog):
    broker = Broker()
    async with holding_back(broker, sink) as handling:
        handling.cancel()
        await asyncio.wait({handling})
        broker.open.set()
        await asyncio.sleep(0.1)
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "ga-events[0]" in told[0]
    assert "told to" in told[0]


# -- exactly once: what is written for a partition that was given up ------------------------------------


async def test_who_writes_for_a_partition_that_is_not_open_any_more_is_told_so():
    app = RunApp("test", broker="kafka://127.0.0.1:1", exactly_once=True)
    app.finalize()
    run = run_of([recent(1)])
    await app.writing.close()
    with pytest.raises(TransactionFailed, match=r"ga-events\[0\].*given up"):
        await app.write(run, Writes())

    given_up = asyncio.Event()

    async def turn():
        await given_up.wait()
        return True

    work = Work(RunMessage(run, 1), Writes(), None)
    finishing = asyncio.create_task(app.writing.finish(work, turn))
    await asyncio.sleep(0)
    await app.writing.close()
    given_up.set()
    with pytest.raises(TransactionFailed, match=r"ga-events\[0\].*given up"):
        await finishing
    assert not work.finished
    assert TP(NAMES.events, 0) not in app.consumer.committed_next_offsets
    app.consumer._thread.thread_loop.close()  # of a thread that never began
