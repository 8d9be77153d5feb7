"""`exactly_once` under faults: who reads committed finds each event, dead letter and receipt once, and exact state."""

import asyncio
import random
import signal
from collections import Counter

import pytest
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from schemas.ga_event import decode_event, encode_event
from schemas.interaction import Fault, Unknown
from streams.attribution import RuleBook
from tests.guarantees.broken import program
from tests.guarantees.feeding import records_of
from tests.guarantees.harness import ACCOUNTS, FENCED, said
from tests.guarantees.judge import expected
from tests.guarantees.scenarios import (
    QUICK,
    one_of_three_brokers_is_killed,
    the_only_broker_is_restarted,
    whole_workers_are_killed,
    workers_join_and_leave,
)

EXACTLY_ONCE = {"processing_guarantee": "exactly_once"}


@pytest.fixture
def chat2ga(chat2ga):
    chat2ga.settings |= EXACTLY_ONCE
    return chat2ga


@pytest.fixture
def chat2ga_and_google(chat2ga_and_google):
    chat2ga_and_google.settings |= EXACTLY_ONCE
    return chat2ga_and_google


async def exact(chat2ga, want=None):
    """Nobody missed anything, did anything twice or left a wrong state; a repeat is a fault here."""
    verdict = await chat2ga.verdict(want)
    assert verdict.faults == {}, verdict


async def test_kills_at_random_moments_repeat_and_lose_nothing(chat2ga):
    moments = random.Random(20)
    total = await chat2ga.feed(sessions=10_000, seed=21)
    chat2ga.start("a")
    chat2ga.start("b")
    for kill in range(5):
        await chat2ga.progressed((kill + 1) * total // 8)
        await asyncio.sleep(moments.random())
        chat2ga.kill("ab"[kill % 2])
        chat2ga.start("ab"[kill % 2])
    await chat2ga.at_work()
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0, "b": 0}
    await exact(chat2ga)


@pytest.mark.parametrize("scenario", [workers_join_and_leave, whole_workers_are_killed])
async def test_under_faults_of_workers(chat2ga_and_google, scenario):
    await scenario.play(chat2ga_and_google, random.Random(2), QUICK)
    await exact(chat2ga_and_google)


async def test_while_the_only_broker_is_restarted(chat2ga_on_one):
    chat2ga_on_one.settings |= EXACTLY_ONCE
    await the_only_broker_is_restarted.play(chat2ga_on_one, random.Random(2), QUICK)
    await exact(chat2ga_on_one)


async def test_while_one_of_three_brokers_is_killed_and_comes_back(chat2ga_on_three):
    chat2ga_on_three.settings |= EXACTLY_ONCE
    await one_of_three_brokers_is_killed.play(chat2ga_on_three, random.Random(2), QUICK)
    await exact(chat2ga_on_three)


async def test_a_worker_frozen_beyond_its_session_and_woken_is_fenced_and_publishes_nothing(chat2ga):
    total = await chat2ga.feed(sessions=16_000, seed=23)
    woken = chat2ga.start("a")
    await chat2ga.progressed(total // 10)
    chat2ga.freeze("a")
    total += await chat2ga.feed(sessions=2_000, seed=28)  # or all might be done by then
    done = sum((await chat2ga.committed()).values())
    chat2ga.start("b")
    await chat2ga.progressed(done + (total - done) // 2)  # and nobody but its successor does
    chat2ga.wake("a")
    assert await chat2ga.ended("a", 30) == FENCED
    assert "fenced: another worker uses g." in said(woken)[-1]
    assert "never retrieved" not in woken.process.text()
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"b": 0}
    await exact(chat2ga)


async def test_re_keyed_records_are_there_once(chat2ga):
    chat2ga.settings["rekey"] = True
    total = await chat2ga.feed(sessions=6_000, seed=24)
    chat2ga.start("a")
    for kill in range(3):
        await chat2ga.progressed((kill + 1) * total // 5, "rekey")
        chat2ga.kill("a")
        chat2ga.start("a")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    given, keyed = await chat2ga.fed(), await chat2ga.read(f"{chat2ga.prefix}chat-interactions-keyed")
    rules = RuleBook(accounts=ACCOUNTS)
    taken = [
        each.value for each in given if not isinstance(rules.decode(each.value, each.timestamp_ms), (Fault, Unknown))
    ]
    assert Counter(each.value for each in keyed) == Counter(taken)
    want = expected(keyed, accounts=ACCOUNTS)
    want.dead_letters = expected(given, accounts=ACCOUNTS, check_keys=False).dead_letters
    await exact(chat2ga, want)


async def test_what_another_application_aborted_in_ga_events_is_never_posted(chat2ga_and_google):
    chat2ga = chat2ga_and_google
    await chat2ga.feed(sessions=50, seed=25)
    chat2ga.start("a")
    await chat2ga.caught_up("attribute")
    topic = f"{chat2ga.prefix}ga-events"
    async with AIOKafkaProducer(
        bootstrap_servers=chat2ga.kafka.bootstrap, transactional_id=f"{chat2ga.prefix}other"
    ) as producer:
        await producer.begin_transaction()
        for record in await chat2ga.read(topic):
            event = decode_event(record.value)
            aborted = replace(event, event_id=event.event_id[::-1])
            await producer.send(topic, encode_event(aborted), key=record.key, partition=record.partition)
        await producer.abort_transaction()
    await chat2ga.feed(sessions=50, seed=26)  # so that something lies behind it
    chat2ga.start("d", "deliver")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0, "d": 0}
    await exact(chat2ga)


# -- with a guard broken -----------------------------------------------------------------------------


async def frozen_or_ended(chat2ga, guard, at, by="KILL"):
    """The worker is stopped in the middle of a transaction, or behind it: there are events in each by then."""
    chat2ga.settings |= {"max_run": 50, "session_timeout_s": 3, "heartbeat_s": 0.5}
    await chat2ga.feed(records_of(27, 300, bad=0.1))
    chat2ga.start("a", program=program(guard=guard, at=at, after=18, by=by))


@pytest.mark.parametrize(
    ("guard", "at", "named"),
    [
        pytest.param("", "all in the transaction", set(), id="as it is, before the commit"),
        pytest.param("", "transaction committed", set(), id="as it is, behind the commit"),
        pytest.param("outputs_outside", "all in the transaction", {"repeated"}, id="outputs outside"),
        pytest.param("state_outside", "all in the transaction", {"missing"}, id="state outside"),
        pytest.param("offset_outside", "transaction committed", {"repeated"}, id="offset outside"),
        pytest.param("fences_nobody", "all in the transaction", {"missing"}, id="a transaction is left open"),
    ],
)
async def test_the_judge_sees_what_is_not_in_the_transaction(chat2ga, guard, at, named):
    await frozen_or_ended(chat2ga, guard, at)
    assert await chat2ga.ended("a") == -signal.SIGKILL
    chat2ga.start("a", program=program(guard=guard if guard == "fences_nobody" else ""))
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert named <= verdict.faults.keys(), verdict
    assert named or verdict.faults == {}, verdict


@pytest.mark.parametrize(("guard", "named"), [("", set()), ("fences_nobody", {"repeated"})])
async def test_the_judge_sees_what_one_that_is_not_fenced_commits(chat2ga, guard, named):
    await frozen_or_ended(chat2ga, guard, "all in the transaction", by="STOP")
    await chat2ga.frozen("a")
    chat2ga.start("b", program=program(guard=guard))
    await chat2ga.caught_up()
    chat2ga.wake("a")
    if guard:
        await chat2ga.at_work()
    else:
        assert await chat2ga.ended("a") == FENCED
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert named <= verdict.faults.keys(), verdict
    assert named or verdict.faults == {}, verdict
