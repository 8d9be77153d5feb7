"""What befalls chat2ga, scenario by scenario: a quick dose for each test, a long one for the soak.

A scenario feeds, hurts, waits until all is done, and says what the judge has found;
it raises AssertionError where more was seen than the judge looks at. Chance comes
from the seed that it is given: the same seed, the same moments, as far as two
processes and a broker can be held to that.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from streams.demo.collector import Misbehaviour
from tests.guarantees.feeding import records_of
from tests.guarantees.harness import IN_FLIGHT, Chat2ga, Only
from tests.guarantees.judge import Verdict
from tests.kafka import KafkaCluster, Written

__all__ = ["LONG", "QUICK", "SCENARIOS", "Dose", "Scenario"]

STOP_S: Final = 10.0
"""A graceful stop ends by then: orchestrators kill after ten seconds or more."""
TERMINATED: Final = 128 + signal.SIGTERM
"""The exit code of a command that was told to stop before it was at work."""
LEVEL_BYTES: Final = 48 * 1024 * 1024
"""More memory than this is not level: runs under way are bounded by far less."""
MISSED_SOON: Final = {"session_timeout_s": 3, "heartbeat_s": 0.5}
"""For workers that are killed: a group that waits six seconds for each dead one sees few kills a minute."""
IN_SMALL_RUNS: Final = {"max_run": 200, "commit_interval_s": 0.5}
"""So that a kill at any moment meets work under way."""


@dataclass(frozen=True)
class Dose:
    """How much of it."""

    faults: int  # kills, joins and leaves, and the like
    outage_s: float  # how long a broker or GA is away
    per_s: float  # records fed a second
    backlog: int  # sessions that lie there when it begins


QUICK: Final = Dose(faults=4, outage_s=12.0, per_s=600.0, backlog=1_500)
LONG: Final = Dose(faults=15, outage_s=60.0, per_s=800.0, backlog=6_000)


@dataclass(frozen=True)
class Scenario:
    """A scenario and the number of Kafka nodes that it takes."""

    play: Callable[[Chat2ga, Random, Dose], Awaitable[Verdict]]
    nodes: int

    @property
    def name(self) -> str:
        """As a sentence's beginning."""
        return self.play.__name__.replace("_", " ")


SCENARIOS: Final[dict[str, Scenario]] = {}
"""By the name of the function: what the soak draws from."""


def scenario(nodes: int = 1) -> Callable[[Callable[[Chat2ga, Random, Dose], Awaitable[Verdict]]], Scenario]:
    """Enter a function among the scenarios."""

    def enter(play: Callable[[Chat2ga, Random, Dose], Awaitable[Verdict]]) -> Scenario:
        entered = SCENARIOS[play.__name__] = Scenario(play, nodes)
        return entered

    return enter


async def _some_time(rng: Random, longest_s: float = 3.0) -> None:
    """Until a random moment, whatever is under way then."""
    await asyncio.sleep(rng.uniform(0.2, longest_s))


def _endless(rng: Random) -> Iterator[Written]:
    """More sessions than any scenario lasts."""
    return records_of(rng.randrange(1_000_000), 10_000_000)


async def _all_done(chat2ga: Chat2ga) -> Verdict:
    """All is done in the end, by the workers that are there, and they stop in order."""
    await chat2ga.caught_up()
    codes = await chat2ga.stop_all()
    assert set(codes.values()) == {0}, codes
    return await chat2ga.verdict()


# -- crashes ----------------------------------------------------------------------------------


async def _kill_again_and_again(chat2ga: Chat2ga, rng: Random, dose: Dose, part: Only) -> None:
    """One of two workers at a time, at random moments; each comes back."""
    for _ in range(dose.faults):
        await _some_time(rng)
        name = rng.choice(("a", "b"))
        chat2ga.kill(name)
        await _some_time(rng, 0.5)
        chat2ga.start(name, part)
        await chat2ga.at_work(name)


@scenario()
async def attribute_is_killed(chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """`attribute` is killed -9 many times, at random moments; what `deliver` makes of it is exact too."""
    chat2ga.settings |= {**MISSED_SOON, **IN_SMALL_RUNS}
    await chat2ga.feed(sessions=dose.backlog, seed=rng.randrange(1_000_000))
    for name in ("a", "b"):
        chat2ga.start(name, "attribute")
    chat2ga.start("deliver", "deliver")
    await chat2ga.at_work("deliver")
    async with chat2ga.feeding(_endless(rng), per_s=dose.per_s) as feeder:
        await _kill_again_and_again(chat2ga, rng, dose, "attribute")
        await feeder.stop()
    verdict = await _all_done(chat2ga)
    assert verdict.arrivals_repeated == 0, f"the ledger stops what attribute repeats\n{verdict}"
    return verdict


@scenario()
async def deliver_is_killed(chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """`deliver` is killed -9 many times: at GA no more requests are repeated than were in flight at the kills."""
    assert chat2ga.google is not None
    chat2ga.settings |= {**MISSED_SOON, **IN_SMALL_RUNS}
    await chat2ga.feed(sessions=dose.backlog, seed=rng.randrange(1_000_000))
    chat2ga.start("attribute", "attribute")
    for name in ("a", "b"):
        chat2ga.start(name, "deliver")
    async with (
        chat2ga.google.behaving(Misbehaviour(delay_s=0.03)),  # so that there is always something in flight
        chat2ga.feeding(_endless(rng), per_s=dose.per_s / 4) as feeder,
    ):
        await chat2ga.at_work("a", "b")
        await _kill_again_and_again(chat2ga, rng, dose, "deliver")
        await feeder.stop()
    verdict = await _all_done(chat2ga)
    assert verdict.repeats == 0, f"nobody touched attribute\n{verdict}"
    assert verdict.requests_repeated <= dose.faults * IN_FLIGHT, verdict
    return verdict


@scenario()
async def whole_workers_are_killed(chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """Workers of both parts are killed -9, sometimes two at once."""
    chat2ga.settings |= {**MISSED_SOON, **IN_SMALL_RUNS}
    await chat2ga.feed(sessions=dose.backlog, seed=rng.randrange(1_000_000))
    names = ("a", "b")
    for name in names:
        chat2ga.start(name, None)
    await chat2ga.at_work()
    killed = 0
    async with chat2ga.feeding(_endless(rng), per_s=dose.per_s / 2) as feeder:
        for _ in range(max(dose.faults // 2, 1)):
            await _some_time(rng)
            victims = rng.sample(names, rng.choice((1, 2)))
            for name in victims:
                chat2ga.kill(name)
                killed += 1
            for name in victims:
                chat2ga.start(name, None)
            await chat2ga.at_work()
        await feeder.stop()
    verdict = await _all_done(chat2ga)
    assert verdict.requests_repeated <= killed * IN_FLIGHT, verdict
    return verdict


# -- membership ----------------------------------------------------------------------------------


@scenario()
async def workers_join_and_leave(chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """Workers join and leave in order, under load: nobody does anything twice, and nothing stands still."""
    chat2ga.settings |= IN_SMALL_RUNS
    await chat2ga.feed(sessions=dose.backlog, seed=rng.randrange(1_000_000))
    chat2ga.start("w0", None)
    await chat2ga.at_work()
    async with chat2ga.feeding(_endless(rng), per_s=dose.per_s) as feeder:
        for number in range(1, dose.faults + 1):
            await _some_time(rng)
            if len(chat2ga.workers) > 1 and (len(chat2ga.workers) == 4 or rng.random() < 0.4):
                await _stop(chat2ga, rng.choice(list(chat2ga.workers)))
            else:
                chat2ga.start(f"w{number}", None)
                if rng.random() < 0.5:  # the next one may come before this one is ready
                    await chat2ga.at_work()
            # Whoever is there goes on: no partition stands still for longer than a rebalance takes.
            await chat2ga.progressed(feeder.written // 2)
        await feeder.stop()
    await chat2ga.caught_up()
    for name in list(chat2ga.workers):
        await _stop(chat2ga, name)
    verdict = await chat2ga.verdict()
    assert verdict.repeats == 0, f"who leaves in order makes nobody do anything twice\n{verdict}"
    assert verdict.arrivals_repeated == 0, verdict
    return verdict


async def _stop(chat2ga: Chat2ga, name: str) -> None:
    """Tell a worker to stop: it ends within ten seconds, with 0 if it has ever been at work."""
    worker = chat2ga.workers[name]
    code, seconds = await chat2ga.stop(name)
    may_be = {0} if "at work" in worker.process.text() else {0, TERMINATED}
    assert code in may_be, f"worker {name} ended with {code}\n{worker.process.tail()}"
    assert seconds < STOP_S, f"worker {name} took {seconds:.1f} s to stop\n{worker.process.tail()}"


@scenario()
async def a_worker_is_frozen_and_woken(chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """A worker stands still beyond the session time-out, another takes over, and then it is woken."""
    chat2ga.settings |= {**MISSED_SOON, **IN_SMALL_RUNS}
    await chat2ga.feed(sessions=dose.backlog, seed=rng.randrange(1_000_000))
    for name in ("a", "b"):
        chat2ga.start(name, None)
    await chat2ga.at_work()
    frozen = 0
    async with chat2ga.feeding(_endless(rng), per_s=dose.per_s) as feeder:
        for _ in range(max(dose.faults // 3, 1)):
            await _some_time(rng)
            name = rng.choice(("a", "b"))
            chat2ga.freeze(name)
            frozen += 1
            await chat2ga.progressed(feeder.written)  # what was written so far, in all partitions: it was replaced
            await _some_time(rng)
            chat2ga.wake(name)
            await chat2ga.progressed(feeder.written)  # a fenced one is noticed, and started again
        await feeder.stop()
    verdict = await _all_done(chat2ga)
    assert verdict.requests_repeated <= frozen * IN_FLIGHT, verdict
    return verdict


# -- brokers ---------------------------------------------------------------------------------------


@scenario(nodes=3)
async def one_of_three_brokers_is_killed(chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """A broker is killed -9 under load and comes back after a while: work goes on without it and with it."""
    kafka = chat2ga.kafka
    assert isinstance(kafka, KafkaCluster)
    chat2ga.settings |= IN_SMALL_RUNS
    await chat2ga.feed(sessions=dose.backlog, seed=rng.randrange(1_000_000))
    for name in ("a", "b"):
        chat2ga.start(name, None)
    await chat2ga.at_work()
    async with chat2ga.feeding(_endless(rng), per_s=dose.per_s / 2) as feeder:
        for _ in range(max(dose.faults // 4, 1)):
            await _some_time(rng)
            node = rng.choice(kafka.nodes)
            await asyncio.to_thread(kafka.kill, node)
            before = feeder.written
            await asyncio.sleep(dose.outage_s / 4)
            await chat2ga.progressed(before)  # on the two that are left
            await asyncio.to_thread(kafka.restart, node)
            await _some_time(rng)
        await feeder.stop()
    return await _all_done(chat2ga)


@scenario()
async def the_only_broker_is_restarted(chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """The only broker is killed -9 and comes back: work resumes by itself."""
    kafka = chat2ga.kafka
    assert isinstance(kafka, KafkaCluster)
    chat2ga.settings |= IN_SMALL_RUNS
    await chat2ga.feed(sessions=dose.backlog, seed=rng.randrange(1_000_000))
    chat2ga.start("a", None)
    await chat2ga.at_work()
    async with chat2ga.feeding(_endless(rng), per_s=dose.per_s / 2) as feeder:
        for _ in range(max(dose.faults // 4, 1)):
            await _some_time(rng)
            await asyncio.to_thread(kafka.kill, 1)
            await _some_time(rng)
            await asyncio.to_thread(kafka.restart, 1)
            await _some_time(rng)
        await feeder.stop()
    return await _all_done(chat2ga)


@scenario()
async def the_broker_is_out_of_reach(chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """Nobody answers for a while, and every connection stays open: work resumes by itself."""
    kafka = chat2ga.kafka
    assert isinstance(kafka, KafkaCluster)
    chat2ga.settings |= IN_SMALL_RUNS
    await chat2ga.feed(sessions=dose.backlog, seed=rng.randrange(1_000_000))
    for name in ("a", "b"):
        chat2ga.start(name, None)
    await chat2ga.at_work()
    async with chat2ga.feeding(_endless(rng), per_s=dose.per_s / 2) as feeder:
        await _some_time(rng)
        kafka.freeze(1)
        await asyncio.sleep(dose.outage_s)
        kafka.wake(1)
        await _some_time(rng)
        await feeder.stop()
    return await _all_done(chat2ga)


# -- Google Analytics ----------------------------------------------------------------------------------

TROUBLES: Final = {
    "slow": Misbehaviour(delay_s=2.0),
    "500s": Misbehaviour(status=500),
    "503s": Misbehaviour(status=503),
    "throttling": Misbehaviour(status=429, retry_after="2"),
    "hanging up before it takes a request": Misbehaviour(drop="untaken"),
    "hanging up after it took a request": Misbehaviour(drop="taken"),
    "refusing connections": None,
}


@scenario()
async def ga_is_in_trouble(chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """GA is in trouble of any kind: the sink holds its place, attribution goes on, memory is level, all arrives."""
    return await ga_is(rng.choice(list(TROUBLES)), chat2ga, rng, dose)


async def ga_is(trouble: str, chat2ga: Chat2ga, rng: Random, dose: Dose) -> Verdict:
    """As above, in this trouble."""
    google = chat2ga.google
    assert google is not None
    await chat2ga.feed(sessions=dose.backlog // 4, seed=rng.randrange(1_000_000))
    chat2ga.start("attribute", "attribute")
    chat2ga.start("deliver", "deliver")
    await chat2ga.at_work()
    mood = TROUBLES[trouble]
    async with chat2ga.feeding(_endless(rng), per_s=dose.per_s) as feeder:
        await chat2ga.progressed(1, "deliver")
        async with google.refusing() if mood is None else google.behaving(mood):
            await asyncio.sleep(dose.outage_s / 2)
            before, held = feeder.written, await chat2ga.metric("deliver", "process_resident_memory_bytes")
            await chat2ga.progressed(before)  # attribution goes on
            await asyncio.sleep(dose.outage_s / 2)
            grown = await chat2ga.metric("deliver", "process_resident_memory_bytes") - held
            failing = await chat2ga.metric("deliver", "chat2ga_ga_failing_trackers")
            health = await chat2ga.workers["deliver"].get("/healthz")
        await feeder.stop()
    assert grown < LEVEL_BYTES, f"{grown / 1e6:.0f} MB more while GA was {trouble}"
    if trouble != "slow":
        assert failing > 0, "that GA fails is not visible in the metrics"
        assert "failing" in health, f"that GA fails is not visible in {health}"
    await chat2ga.caught_up(timeout_s=300.0)  # a request waits for up to a minute between two tries
    assert await chat2ga.metric("deliver", "chat2ga_ga_failing_trackers") == 0
    verdict = await _all_done(chat2ga)
    if trouble != "hanging up after it took a request":
        assert verdict.arrivals_repeated == 0, verdict
    return verdict
