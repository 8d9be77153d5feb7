"""Several endpoints at one gate: their names, how long each is left alone, and that one is not the other's matter."""

import asyncio
import logging

import pytest

from schemas.ga_event import Tracker
from streams.delivery import Pace, gate
from streams.delivery.breaker import FAILURES
from streams.delivery.gate import Gate
from streams.demo.collector import Collector, Misbehaviour
from streams.measurement import HOSTS, Answer
from streams.observe.metrics import GA_BREAKER_OPEN
from tests.streams.delivery.sink import Clock, Sink, delivery, micros, recent
from tests.streams.measurement.made import G

B = Tracker("G-B", "5")
OWN = "http://user:p4ssword@collector.example/of-ours"
ENDPOINTS = [(OWN, "own"), (HOSTS["global"], "global"), (HOSTS["eu"], "eu")]
FAILS = Answer("retry", "server_error", 503)
WORKS = Answer("delivered", "accepted", 204)
LANES, IN_FLIGHT = 30, 4


class Still(Clock):
    """Its time goes on by sleeping alone."""

    def __call__(self):
        return self.ahead_micros

    async def sleep(self, seconds):
        await super().sleep(seconds)
        self.ahead_micros += 1  # so that what is less than that goes by, too


@pytest.fixture
def gate_of():
    """Makes gates, and closes them: what they tell of endpoints is one for all."""
    made = []

    def make(pace):
        made.append(Gate(pace))
        return made[-1]

    yield make
    for one in made:
        one.close()


def answered(given, host, answer, times=1):
    """So many requests that are let in and answered so."""
    for _ in range(times):
        with given.enter(host, G.id) as entered:
            assert entered is not None
            entered.answer = answer


def open_now():
    return {name: GA_BREAKER_OPEN.labels(name)._value.get() for _, name in ENDPOINTS}


def told(caplog):
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name.startswith("streams")]


# -- the gate alone --------------------------------------------------------------------


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.999])
async def test_a_probe_waits_as_chance_has_it_between_nothing_and_its_bound(chance, gate_of):
    clock = Still()
    given = gate_of(Pace(first_s=8.0, chance=lambda: chance, now_s=clock.seconds))
    answered(given, OWN, FAILS, FAILURES)
    await given.wait(OWN, G.id, 60.0, Pace(sleep=clock.sleep, now_s=clock.seconds))
    assert sum(clock.slept) == pytest.approx(chance * 8.0, abs=0.1)
    answered(given, OWN, FAILS)
    clock.slept.clear()
    await given.wait(OWN, G.id, 60.0, Pace(sleep=clock.sleep, now_s=clock.seconds))
    assert sum(clock.slept) == pytest.approx(chance * 16.0, abs=0.1)


async def test_no_probe_waits_longer_than_the_pace_says(gate_of):
    clock = Still()
    given = gate_of(Pace(first_s=8.0, longest_s=10.0, chance=lambda: 0.5, now_s=clock.seconds))
    answered(given, OWN, FAILS, FAILURES)
    for waits_s in (4.0, 5.0, 5.0):
        clock.slept.clear()
        await given.wait(OWN, G.id, 60.0, Pace(sleep=clock.sleep, now_s=clock.seconds))
        assert sum(clock.slept) == pytest.approx(waits_s, abs=0.1)
        answered(given, OWN, FAILS)


@pytest.mark.parametrize(("host", "name"), ENDPOINTS)
def test_it_is_told_once_that_an_endpoint_fails_and_once_that_it_works_again_by_a_name_without_secrets(
    host, name, caplog, gate_of
):
    caplog.set_level(logging.DEBUG)
    given = gate_of(Pace(chance=lambda: 0.0))
    answered(given, host, FAILS, FAILURES - 1)
    assert not given.is_open(host)
    assert told(caplog) == []
    answered(given, host, FAILS, 3)
    assert given.is_open(host)
    assert open_now() == {each: float(each == name) for _, each in ENDPOINTS}
    fails = (
        "WARNING",
        f"GA's {name} endpoint fails (server_error, status 503): events are held, one request at a time asks anew",
    )
    assert told(caplog) == [fails]
    answered(given, host, WORKS, 3)
    assert not given.is_open(host)
    assert set(open_now().values()) == {0.0}
    assert told(caplog) == [fails, ("INFO", f"GA's {name} endpoint works again: events go out")]


def test_what_is_open_at_the_end_is_not_told_of_for_ever(gate_of):
    given = gate_of(Pace(chance=lambda: 0.0))
    answered(given, OWN, FAILS, FAILURES)
    assert open_now()["own"] == 1.0
    given.close()
    assert open_now()["own"] == 0.0


async def test_one_that_waits_is_let_go_when_its_time_is_up_though_the_endpoint_is_open(gate_of):
    clock = Still()
    given = gate_of(Pace(first_s=8.0, chance=lambda: 0.9, now_s=clock.seconds))
    answered(given, OWN, FAILS, FAILURES)
    await given.wait(OWN, G.id, 3.0, Pace(sleep=clock.sleep, now_s=clock.seconds))
    assert sum(clock.slept) == pytest.approx(3.0, abs=0.1)
    assert given.is_open(OWN)


# -- delivery to both of Google's hosts ------------------------------------------------------


@pytest.fixture
async def regions(monkeypatch):
    """A collector in place of each of Google's hosts, which fails for as long as `down` names it."""
    down = {}

    def mood(region):
        return lambda _number: down.get(region)

    async with Collector(schedule=mood("global")) as world, Collector(schedule=mood("eu")) as eu:
        there = {"global": world, "eu": eu}
        for region, collector in there.items():
            monkeypatch.setitem(HOSTS, region, collector.url)
            monkeypatch.setitem(gate._NAMES, collector.url, region)
        yield there, down


def of_both():
    """One account at each host, in turns, each event a lane of its own."""
    where = ({"account_id": "acme", "trackers": (B,)}, {"account_id": "eu", "trackers": (G,)})
    return [recent(n, client_id=f"{n}.1", **where[n % 2]) for n in range(2 * LANES)]


async def until(holds):
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - counts of others
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("failing", ["global", "eu"])
@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Misbehaviour(status=503), id="server errors"),
        pytest.param(Misbehaviour(drop="untaken"), id="breaks off"),
        pytest.param(Misbehaviour(delay_s=60), id="does not answer"),
    ],
)
async def test_while_one_of_googles_hosts_fails_the_other_takes_all_that_is_its(regions, failing, trouble):
    collectors, down = regions
    (well,) = collectors.keys() - {failing}
    down[failing] = trouble
    sink, pace = Sink(), Pace(first_s=0.01, longest_s=0.1)
    # Little only where it is waited for: a good answer that a busy machine has late would be one more request.
    timeout_s = 1.0 if trouble.delay_s else 60.0
    async with delivery(None, in_flight=IN_FLIGHT, timeout_s=timeout_s, pace=pace) as to_ga:
        delivering = asyncio.create_task(to_ga.deliver(of_both(), sink.is_delivered, sink.settle))
        await until(lambda: open_now()[failing] and len(sink.receipts) == LANES)
        before = collectors[failing].summary()["requests"]
        await until(lambda: collectors[failing].summary()["requests"] > before)  # probes go on
        assert open_now() == {"own": 0.0, well: 0.0, failing: 1.0}
        assert sink.outcomes == ["delivered"] * LANES
        assert {receipt.account_id for receipt in sink.receipts} == {"acme" if well == "global" else "eu"}
        assert collectors[well].summary()["requests"] == LANES
        assert collectors[well].summary()["requests_failed"] == 0
        assert not delivering.done()
        down.clear()
        await asyncio.wait_for(delivering, 20)
        assert set(open_now().values()) == {0.0}
    assert sink.outcomes == ["delivered"] * 2 * LANES
    for collector in collectors.values():
        assert collector.summary()["distinct_events"] == LANES


async def test_while_one_of_googles_hosts_is_left_alone_for_an_hour_no_place_in_flight_is_kept_for_it(regions):
    collectors, down = regions
    down["eu"] = Misbehaviour(status=503, retry_after="3600")
    sink = Sink()
    async with delivery(None, in_flight=IN_FLIGHT, pace=Pace(first_s=0.01)) as to_ga:
        delivering = asyncio.create_task(to_ga.deliver(of_both(), sink.is_delivered, sink.settle))
        await until(lambda: open_now()["eu"] and len(sink.receipts) == LANES)
        more = [recent(10_000 + n, client_id=f"{n}.3", trackers=(B,)) for n in range(LANES)]
        await asyncio.wait_for(to_ga.deliver(more, sink.is_delivered, sink.settle), 10)
        delivering.cancel()
        await asyncio.wait({delivering})
    assert sink.outcomes == ["delivered"] * 2 * LANES
    assert collectors["eu"].summary()["requests"] < FAILURES + IN_FLIGHT


async def test_while_both_of_googles_hosts_fail_each_is_probed_and_comes_back_by_itself(regions):
    collectors, down = regions
    down.update(dict.fromkeys(collectors, Misbehaviour(status=503)))
    sink, pace = Sink(), Pace(first_s=0.01, longest_s=0.1)
    async with delivery(None, in_flight=IN_FLIGHT, pace=pace) as to_ga:
        delivering = asyncio.create_task(to_ga.deliver(of_both(), sink.is_delivered, sink.settle))
        await until(lambda: open_now() == {"own": 0.0, "global": 1.0, "eu": 1.0})
        assert sink.outcomes == []
        del down["eu"]
        await until(lambda: len(sink.receipts) == LANES)
        assert open_now() == {"own": 0.0, "global": 1.0, "eu": 0.0}
        del down["global"]
        await asyncio.wait_for(delivering, 20)
    assert sink.outcomes == ["delivered"] * 2 * LANES


async def test_what_turns_too_old_at_the_failing_host_is_settled_and_at_the_other_nothing_is(regions):
    _, down = regions
    down["eu"] = Misbehaviour(status=503)
    clock, sink = Clock(), Sink()
    old = micros() - 71 * 3_600_000_000
    events = [recent(n, account_id="eu", client_id=f"{n}.1", timestamp_micros=old) for n in range(LANES)]
    fresh = [recent(LANES + n, account_id="acme", client_id=f"{n}.2", timestamp_micros=old) for n in range(LANES)]
    async with delivery(None, clock, in_flight=IN_FLIGHT) as to_ga:
        await to_ga.deliver([*fresh, *events], sink.is_delivered, sink.settle)
    outcomes = {(receipt.account_id, receipt.outcome) for receipt in sink.receipts}
    assert outcomes == {("acme", "delivered"), ("eu", "expired")}
    assert len(sink.receipts) == 2 * LANES
