import asyncio
import logging
from dataclasses import replace

import pytest

from schemas.ga_event import Tracker
from streams.delivery import Pace
from streams.delivery.breaker import FAILURES
from streams.demo.collector import Collector, Misbehaviour
from streams.observe.metrics import GA_BREAKER_OPEN
from tests.kafka import free_ports
from tests.streams.delivery.sink import Clock, Sink, delivery, micros, recent
from tests.streams.measurement.made import G

B = Tracker("G-B", "5")
DOWN = Misbehaviour(status=503)
HOUR = 3_600_000_000


def is_open():
    return GA_BREAKER_OPEN.labels("own")._value.get()


QUICK = Pace(first_s=0.01, longest_s=0.05)


def quickly(endpoint, **given):
    """A delivery that waits little, in real time."""
    to_ga = delivery(endpoint, pace=QUICK, **given)
    to_ga._post = Counted(to_ga._post)
    return to_ga


class Counted:
    """Posts, and knows what began while the endpoint was open, and how much of that was under way at once."""

    def __init__(self, post):
        self.post, self.probes, self.now, self.most = post, 0, 0, 0

    def host(self, region):
        return self.post.host(region)

    async def __aenter__(self):
        await self.post.__aenter__()

    async def __aexit__(self, *error):
        await self.post.__aexit__(*error)

    async def __call__(self, *given):
        probe = is_open()
        self.probes += probe
        self.now += probe
        self.most = max(self.most, self.now)
        try:
            return await self.post(*given)
        finally:
            self.now -= probe


def lanes(number, **changes):
    return [recent(n, client_id=f"{n}.1", **changes) for n in range(number)]


TROUBLES = [
    pytest.param(Misbehaviour(status=429), id="throttled"),
    pytest.param(Misbehaviour(status=503), id="server error"),
    pytest.param(Misbehaviour(status=408), id="says timeout"),
    pytest.param(Misbehaviour(drop="untaken"), id="breaks off"),
    pytest.param(Misbehaviour(delay_s=60), id="does not answer"),
    pytest.param(Misbehaviour(status=503, answer_bytes=600, answer_every_s=0.02), id="trickles"),
]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_an_endpoint_that_keeps_failing_is_asked_by_one_probe_at_a_time_until_it_works(trouble, caplog):
    caplog.set_level(logging.INFO, "streams.delivery.gate")
    fails = 24 + FAILURES + 5  # each place once; those that took one before it opened; then probes
    collector = Collector(schedule=lambda number: trouble if number < fails else None)
    sink = Sink()
    # Little only where it is waited for: a good answer that a busy machine has late would be one more request.
    timeout_s = 1.0 if trouble.delay_s else 60.0
    async with collector as there, quickly(there.url, in_flight=24, timeout_s=timeout_s) as to_ga:
        await to_ga.deliver(lanes(200), sink.is_delivered, sink.settle)
        assert is_open() == 0
        assert to_ga._post.probes >= 2
        assert to_ga._post.most == 1
        assert there.summary()["requests"] == 200 + fails
    assert sink.outcomes == ["delivered"] * 200
    told = [record.getMessage() for record in caplog.records if record.name == "streams.delivery.gate"]
    assert len(told) == 2
    assert told[0].startswith("GA's own endpoint fails (")
    assert told[1] == "GA's own endpoint works again: events go out"


async def test_an_endpoint_that_is_not_there_is_opened_and_found_again():
    sink, back = Sink(), Collector(free_ports(1)[0])

    async def come_back():
        async with asyncio.timeout(10):
            while not is_open():  # noqa: ASYNC110 - a gauge
                await asyncio.sleep(0.005)
        await back.__aenter__()

    async with quickly(back.url, in_flight=16) as to_ga:
        await asyncio.gather(to_ga.deliver(lanes(50), sink.is_delivered, sink.settle), come_back())
    await back.__aexit__(None, None, None)
    assert sink.outcomes == ["delivered"] * 50


async def test_refusals_open_nothing():
    sink, collector = Sink(), Collector(schedule=lambda _: Misbehaviour(status=403))
    async with collector as there, delivery(there.url) as to_ga:
        await to_ga.deliver(lanes(5 * FAILURES), sink.is_delivered, sink.settle)
        assert not to_ga._gate.is_open(there.url)
    assert sink.outcomes == ["refused"] * 5 * FAILURES


async def held_open(collector, body, **given):
    """Run `body` while the endpoint is open and its probes wait an hour."""
    opened, sink = asyncio.Event(), Sink()

    async def sleep(seconds):
        if is_open():
            opened.set()
        await asyncio.sleep(seconds)

    async with collector as there, delivery(there.url, in_flight=FAILURES, pace=Pace(), **given) as to_ga:
        to_ga._pace = replace(to_ga._pace, sleep=sleep)
        task = asyncio.create_task(to_ga.deliver(lanes(3 * FAILURES), sink.is_delivered, sink.settle))
        async with asyncio.timeout(10):
            await opened.wait()
            await body(to_ga, task, sink, there)


class AtOnce(Collector):
    """Answers none of the requests that open the breaker before all of them are there: then no other begins."""

    def __init__(self, **given):
        super().__init__(**given)
        self.came, self.all_there = 0, asyncio.Event()

    async def _answer(self, *given):
        self.came += 1
        if self.came == FAILURES:
            self.all_there.set()
            await asyncio.sleep(0)  # for those that wait are woken in the next round, and all answer in the same
        await self.all_there.wait()
        return await super()._answer(*given)


async def test_while_it_is_open_quiet_and_cancel_work_at_once_and_nothing_is_settled():
    async def body(to_ga, task, sink, there):
        async with asyncio.timeout(10), to_ga.quiet():  # not the hour that it is asked to wait
            before = there.summary()["requests"]
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert sink.outcomes == []
        assert len(to_ga._lanes) == 0
        assert there.summary()["requests"] == before == FAILURES  # and nobody asked since

    await held_open(AtOnce(schedule=lambda _: Misbehaviour(status=503, retry_after="3600")), body)


class Stuck(Counted):
    """The first probe never ends."""

    def __init__(self, post):
        super().__init__(post)
        self.stuck = asyncio.Event()

    async def __call__(self, *given):
        if is_open() and not self.stuck.is_set():
            self.stuck.set()
            await asyncio.Event().wait()
        return await super().__call__(*given)


async def test_a_probe_that_is_cancelled_makes_room_for_another_calls():
    sink, down = Sink(), True
    collector = Collector(schedule=lambda _: DOWN if down else None)
    async with collector as there, quickly(there.url, in_flight=FAILURES) as to_ga:
        to_ga._post = Stuck(to_ga._post)
        first = asyncio.create_task(to_ga.deliver(lanes(FAILURES), sink.is_delivered, sink.settle))
        async with asyncio.timeout(10):
            await to_ga._post.stuck.wait()
            other = asyncio.create_task(to_ga.deliver([recent(99)], sink.is_delivered, sink.settle))
            await asyncio.sleep(0.05)
            assert to_ga._post.probes == 0  # one at a time, and that one is stuck
            first.cancel()
            down = False
            await other
    assert sink.outcomes == ["delivered"]


async def test_while_it_is_open_only_what_is_too_old_is_settled():
    clock, sink = Clock(), Sink()
    old = lanes(20, timestamp_micros=micros() - 71 * HOUR)
    async with Collector(schedule=lambda _: DOWN) as there, delivery(there.url, clock, in_flight=20) as to_ga:
        await to_ga.deliver(old, sink.is_delivered, sink.settle)
    assert sink.outcomes == ["expired"] * 20


async def test_a_429_holds_its_tracker_and_no_other():
    asked, others = [], asyncio.Event()

    class Watching(Collector):
        async def _answer(self, request, arrivals, violations):
            asked.append((request.query["measurement_id"], clock.ahead_micros / 1e6))
            if sum(tracker == B.id for tracker, _ in asked) == 5:
                others.set()
            return await super()._answer(request, arrivals, violations)

    class Patient(Clock):
        """Its time goes on once the other tracker has all that is its."""

        async def sleep(self, seconds):
            await others.wait()
            await super().sleep(seconds)

    sink, clock = Sink(), Patient()
    collector = Watching(schedule={0: Misbehaviour(status=429, retry_after="60")}.get)
    async with collector as there, delivery(there.url, clock, in_flight=1) as to_ga:
        events = [*lanes(1, trackers=(G,)), *lanes(5, trackers=(G, B))[1:], recent(9, client_id="9.1", trackers=(B,))]
        async with asyncio.timeout(30):
            await to_ga.deliver(events, sink.is_delivered, sink.settle)
    assert asked[0] == (G.id, 0)
    assert asked[1:6] == [(B.id, 0)] * 5
    assert min(ahead for tracker, ahead in asked[1:] if tracker == G.id) > 30
    assert len(sink.ledger) == 10


async def test_a_tracker_gets_no_more_than_its_rate_and_others_are_not_held_up():
    asked = []

    class Watched(Counted):
        """When requests begin: from there to the collector each takes a time of its own."""

        async def __call__(self, request, *given):
            asked.append((request.tracker_id, asyncio.get_running_loop().time()))
            return await super().__call__(request, *given)

    sink, pace_per_s = Sink(), 20.0
    async with Collector() as there, quickly(there.url, tracker_per_s=pace_per_s) as to_ga:
        to_ga._post = Watched(to_ga._post)
        await to_ga.deliver(lanes(50) + lanes(60, trackers=(B,))[50:], sink.is_delivered, sink.settle)
    at = [when for tracker, when in asked if tracker == G.id]
    assert len(at) == 50
    assert at[-1] - at[0] >= (50 - pace_per_s) / pace_per_s * 0.95
    assert at[-1] - at[0] < 4.0
    assert max(when for tracker, when in asked if tracker == B.id) < at[-1]
    assert len(sink.ledger) == 60
