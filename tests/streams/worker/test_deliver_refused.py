"""What GA refuses for good: a receipt and a dead letter, and once it is mended it is put back and taken."""

import asyncio
import time
from collections import Counter, defaultdict

import pytest
from aiohttp import web

from schemas.dead_letter import decode_dead_letter
from schemas.ga_event import decode_event
from schemas.receipt import decode_receipt
from streams.demo.collector import Collector
from tests.kafka import read_topic
from tests.streams.cli.command import chat2ga
from tests.streams.worker.test_deliver import SECRETS, TRACKERS, Delivering

BOTH = set(TRACKERS)


class Refusing(Collector):
    """A collector that refuses all requests of some trackers."""

    def __init__(self, refuse, **given):
        super().__init__(**given)
        self.refuse = set(refuse)
        self.refused = 0  # events, as often as they came

    async def _answer(self, request, arrivals, violations):
        if arrivals[0].tracker_id in self.refuse:
            self.refused += len(arrivals)
            return web.Response(status=403)
        return await super()._answer(request, arrivals, violations)


class Refused(Delivering):
    """A sink whose collector refuses."""

    isolation = "read_uncommitted"

    async def read(self, topic):
        return await read_topic(self.kafka.bootstrap, f"{self.prefix}{topic}", isolation=self.isolation)

    async def receipts(self):
        return Counter(decode_receipt(record.value).outcome for record in await self.read("ga-receipts"))

    async def letters(self):
        return [decode_dead_letter(record.value) for record in await self.read("dead-letters")]

    async def until(self, count, **wanted):
        """Wait until there are so many dead letters, and these receipts."""
        end = time.monotonic() + 60
        while True:
            letters, receipts = len(await self.letters()), await self.receipts()
            if letters >= count and all(receipts[outcome] >= many for outcome, many in wanted.items()):
                return
            assert time.monotonic() < end, f"{letters} {receipts}\n{self.logs()}"
            await asyncio.sleep(0.2)

    async def until_each(self, due):
        """Wait until each of these has been delivered or refused, and of what was refused each has its dead letter.

        What a killed worker has done twice counts once.
        """
        end = time.monotonic() + 60
        while True:
            ended = defaultdict(set)
            for record in await self.read("ga-receipts"):
                receipt = decode_receipt(record.value)
                ended[receipt.outcome].add((receipt.event_id, receipt.tracker_id))
            letters = await self.letters()
            kept = {(decode_event(each.value).event_id, name) for each in letters for name in each.trackers}
            if due <= ended["delivered"] | (ended["refused"] & kept):
                return
            counts = {outcome: len(pairs) for outcome, pairs in ended.items()}
            assert time.monotonic() < end, f"{len(kept)} {counts}\n{self.logs()}"
            await asyncio.sleep(0.2)

    async def requeue(self):
        given = {"broker": self.kafka.url, "topic_prefix": self.prefix}
        done = await asyncio.to_thread(chat2ga, "dead-letters", "requeue", "--code", "refused", "--yes", **given)
        assert done.returncode == 0, done.stderr
        return done.stderr.decode()

    async def stop(self):
        assert await asyncio.to_thread(self.workers[0].terminate) == 0


@pytest.fixture
async def refusing(kafka, prefix, tmp_path, monkeypatch):
    arrivals = []
    async with Refusing(BOTH, secrets=SECRETS, on_arrival=arrivals.append) as collector:
        sink = Refused(kafka, prefix, tmp_path, collector, monkeypatch)
        sink.arrivals = arrivals
        yield sink
        for worker in sink.workers.values():
            worker.kill()


def came(arrivals):
    return Counter((arrival.event_id, arrival.tracker_id) for arrival in arrivals)


async def test_put_back_it_goes_to_the_tracker_that_refused_it_and_to_no_other(refusing):
    refusing.collector.refuse = {TRACKERS[1]}
    due = await refusing.fill(60)
    events = {decode_event(record.value).event_id: record for record in await refusing.read("ga-events")}
    refusing.start(0)
    await refusing.until(60, refused=60, delivered=60)
    letters = await refusing.letters()
    assert {letter.trackers for letter in letters} == {(TRACKERS[1],)}
    assert {letter.reason for letter in letters} == {f"Refused for good: {TRACKERS[1]} with status 403"}
    for letter in letters:
        record = events.pop(decode_event(letter.value).event_id)
        assert (letter.topic, letter.partition, letter.offset, letter.key, letter.value) == (
            f"{refusing.prefix}ga-events",
            *record[:2],
            *record[3:5],
        )
        assert (letter.stage, letter.field, letter.code) == ("deliver", "trackers", "refused")
    assert events == {}
    refusing.collector.refuse = set()
    assert "60 requeued, 0 cannot be" in await refusing.requeue()
    await refusing.until(60, refused=60, delivered=120, repeated=60)
    await refusing.stop()
    assert came(refusing.arrivals) == dict.fromkeys(due, 1)
    assert await refusing.receipts() == {"refused": 60, "delivered": 120, "repeated": 60}
    assert len(await refusing.letters()) == 60


async def test_an_endpoint_that_refuses_everything_stops_no_worker_and_loses_nothing(refusing):
    due = await refusing.fill(60)
    refusing.start(0, dead_letter_window=10, dead_letter_share=0.01)
    await refusing.until(60, refused=120)
    assert {frozenset(letter.trackers) for letter in await refusing.letters()} == {frozenset(BOTH)}
    assert refusing.collector.refused == 120
    # Still refused: once more, and as often as there are events, however many dead letters they have by now.
    await refusing.requeue()
    await refusing.until(120, refused=240)
    assert "60 requeued, 0 cannot be, 60 are the same events once more" in await refusing.requeue()
    await refusing.until(180, refused=360)
    assert refusing.collector.refused == 360, "refused once each time, not again and again"
    assert refusing.workers[0].process.exit_code is None
    metrics = await refusing.workers[0].get("/metrics")
    assert 'chat2ga_dead_letters_total{code="refused",stage="deliver"} 180.0' in metrics
    assert f"chat2ga_ga_failing_trackers {len(BOTH):.1f}" in metrics
    refusing.collector.refuse = set()
    await refusing.requeue()
    await refusing.until(180, delivered=len(due))
    await refusing.stop()
    assert came(refusing.arrivals) == dict.fromkeys(due, 1)
    told = [line for line in refusing.texts().splitlines() if "refuses events for good" in line]
    assert len(told) == len(BOTH)


@pytest.mark.parametrize("guarantee", ["at_least_once", "exactly_once"])
async def test_kills_leave_no_refusal_without_its_dead_letter(refusing, guarantee):
    refusing.isolation = "read_committed" if guarantee == "exactly_once" else "read_uncommitted"
    refusing.collector.refuse = {TRACKERS[1]}
    due = await refusing.fill(1_500)
    refusing.start(0, processing_guarantee=guarantee, max_run=300)
    for kill in range(3):
        end = time.monotonic() + 60
        while refusing.collector.refused < (kill + 1) * 400:
            assert time.monotonic() < end, refusing.logs()
            await asyncio.sleep(0.02)
        await asyncio.to_thread(refusing.workers[0].kill)
        refusing.start(0, processing_guarantee=guarantee, max_run=300)
    await refusing.until_each(due)
    await refusing.stop()
    refused = Counter()
    for record in await refusing.read("ga-receipts"):
        receipt = decode_receipt(record.value)
        if receipt.outcome == "refused":
            refused[receipt.event_id, receipt.tracker_id] += 1
    kept = Counter((letter.partition, letter.offset) for letter in await refusing.letters())
    named = {(decode_event(each.value).event_id, name) for each in await refusing.letters() for name in each.trackers}
    assert set(refused) == named == {pair for pair in due if pair[1] == TRACKERS[1]}
    assert len(kept) == 1_500
    if guarantee == "exactly_once":
        assert set(refused.values()) == set(kept.values()) == {1}
