"""The judge sees what the guards prevent: with one broken it names the loss, the repeat or the wrong credit.

Each pair of tests does the same to the worker, ended or frozen at the same point:
once as it is, once with the guard broken.
"""

import asyncio
import json
import signal
import time

import pytest

from streams.demo.collector import Misbehaviour
from tests.guarantees import records_of
from tests.guarantees.broken import program
from tests.guarantees.harness import IN_FLIGHT
from tests.kafka import Written

NOTHING: set[str] = set()


async def attribute_ended(chat2ga, guard, at, after):
    """`attribute` ends at this point, and then works as it should."""
    chat2ga.settings |= {"max_run": 50, "session_timeout_s": 3, "heartbeat_s": 0.5}
    await chat2ga.feed(sessions=300, seed=11)
    chat2ga.start("a", program=program(guard=guard, at=at, after=after))
    assert await chat2ga.ended("a") == -signal.SIGKILL
    chat2ga.start("a")
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    return await chat2ga.verdict()


@pytest.mark.parametrize("at", ["outputs acknowledged", "before state", "state acknowledged", "offset committed"])
async def test_killed_at_any_point_attribute_loses_nothing(chat2ga, at):
    verdict = await attribute_ended(chat2ga, "", at, 3 if at != "offset committed" else 1)
    assert verdict.faults == {}, verdict


@pytest.mark.parametrize(
    ("guard", "at", "after", "named"),
    [
        pytest.param("commit_before_acks", "offset committed", 1, "session_missing", id="commit_before_acks"),
        pytest.param("state_before_outputs", "state acknowledged", 12, "missing", id="state_before_outputs"),
    ],
)
async def test_the_judge_sees_a_loss(chat2ga, guard, at, after, named):
    verdict = await attribute_ended(chat2ga, guard, at, after)
    assert {"missing", named} <= verdict.faults.keys(), verdict


@pytest.mark.parametrize(
    ("guard", "named"),
    [
        pytest.param("", NOTHING, id="as it is"),
        pytest.param(
            "no_offset_in_the_state", {"missing", "not_expected", "wrong_session"}, id="no_offset_in_the_state"
        ),
    ],
)
async def test_the_judge_sees_a_wrong_credit(chat2ga, guard, named):
    """A chatbot of yesterday's session must not be credited with today's message because it was read twice."""
    chat2ga.settings |= {"session_timeout_s": 3, "heartbeat_s": 0.5}
    today = int(time.time() * 1000) - 3_600_000
    said = {"account_id": "acme", "session_id": "s1", "visitor_id": "v1"}
    bot = {"kind": "chatbot", "id": "bot", "name": "Bot"}
    yesterdays = {
        **said,
        "type": "automation_sent",
        "automation": bot,
        "interaction_id": "1",
        "timestamp": today - 90_000_000,
    }
    visit = {**said, "type": "page_viewed", "interaction_id": "2", "timestamp": today}
    message = {**said, "type": "visitor_message", "interaction_id": "3", "timestamp": today + 1_000}

    def written(*interactions):
        return [Written(b"acme/s/s1", json.dumps(one).encode(), timestamp_ms=one["timestamp"]) for one in interactions]

    await chat2ga.feed(written(yesterdays, visit))
    # The run's state is written, its offset is not committed: it is read again.
    chat2ga.start("a", program=program(guard=guard, at="state acknowledged"))
    assert await chat2ga.ended("a") == -signal.SIGKILL
    chat2ga.start("a", program=program(guard=guard))
    await chat2ga.caught_up()
    await chat2ga.feed(written(message))
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert verdict.faults.keys() == named, verdict


@pytest.mark.parametrize("guard", ["slow_state", "no_drain"])
async def test_the_judge_sees_a_repeat_at_a_join(chat2ga, guard):
    await chat2ga.feed(sessions=300, seed=12)
    chat2ga.start("a", program=program(guard=guard))
    await chat2ga.published(1)
    chat2ga.start("b")
    await chat2ga.at_work("b")
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert verdict.faults == {}, verdict
    assert (verdict.repeats > 0) == (guard == "no_drain"), verdict


async def one_taken_for_dead(chat2ga, guard="", then=""):
    """Frozen with changes of the state in its hands, it wakes when its successor is far ahead, and writes them."""
    chat2ga.settings |= {"max_run": 50, "session_timeout_s": 3, "heartbeat_s": 0.5}
    records = list(records_of(13, 400))
    before, after = records[: len(records) // 2], records[len(records) // 2 :]
    await chat2ga.feed(before)
    chat2ga.start("a", program=program(guard=guard, at="before state", after=2, by="STOP", then=then))
    await chat2ga.frozen("a")
    chat2ga.start("b", program=program(guard=guard))
    await chat2ga.caught_up()
    chat2ga.wake("a")
    return after


@pytest.mark.parametrize(
    ("guard", "named"),
    [
        pytest.param("", NOTHING, id="as it is"),
        pytest.param("strays_stand", {"lost_by_compaction"}, id="strays_stand"),
    ],
)
async def test_the_judge_sees_what_one_taken_for_dead_turns_back(chat2ga, guard, named):
    after = await one_taken_for_dead(chat2ga, guard, then="KILL")
    assert await chat2ga.ended("a") == -signal.SIGKILL
    # Every other session has ended: what it has lost, nothing that comes later writes again.
    goes_on = set(list(dict.fromkeys(record.key for record in after))[::2])
    await chat2ga.feed([record for record in after if record.key in goes_on])
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert verdict.stale_writes > 0, f"nothing was turned back: this test shows nothing\n{verdict}"
    assert verdict.faults.keys() == named, verdict


async def test_one_taken_for_dead_goes_on_with_what_its_successor_knows(chat2ga):
    after = await one_taken_for_dead(chat2ga)
    await chat2ga.at_work()
    await chat2ga.stop("b")  # all partitions are the woken one's again
    await chat2ga.feed(after)
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert verdict.stale_writes > 0, f"nothing was turned back: this test shows nothing\n{verdict}"
    assert verdict.faults == {}, verdict


async def deliver_ended(chat2ga, guard, at, after):
    """`deliver` ends at this point, and goes on with the same guard."""
    chat2ga.settings |= {"max_run": 50, "session_timeout_s": 3, "heartbeat_s": 0.5, "commit_interval_s": 2.0}
    await chat2ga.feed(sessions=300, seed=15)
    chat2ga.start("attribute")
    await chat2ga.caught_up("attribute")
    chat2ga.start("d", "deliver", program=program(guard=guard, at=at, after=after))
    assert await chat2ga.ended("d") == -signal.SIGKILL
    chat2ga.start("d", "deliver", program=program(guard=guard))
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    return await chat2ga.verdict()


@pytest.mark.parametrize(
    ("at", "after"),
    [
        pytest.param("ga answered", 20, id="GA has answered"),
        pytest.param("outputs acknowledged", 3, id="receipts are written"),
        pytest.param("state acknowledged", 3, id="the ledger is written"),
    ],
)
async def test_killed_at_any_point_deliver_repeats_at_most_what_was_in_flight(chat2ga_and_google, at, after):
    verdict = await deliver_ended(chat2ga_and_google, "", at, after)
    assert verdict.faults == {}, verdict
    assert verdict.requests_repeated <= IN_FLIGHT, verdict


@pytest.mark.parametrize("guard", ["", "no_ledger"])
async def test_the_judge_sees_repeats_at_ga(chat2ga_and_google, guard):
    """Runs are delivered whole, and not committed."""
    verdict = await deliver_ended(chat2ga_and_google, guard, "run finished", 4)
    assert verdict.faults == {}, verdict
    assert (verdict.requests_repeated > IN_FLIGHT) == bool(guard), verdict


async def test_the_judge_sees_what_never_reached_ga(chat2ga_and_google):
    verdict = await deliver_ended(chat2ga_and_google, "commit_before_delivery", "offset committed", 1)
    assert verdict.faults.keys() == {"missing_at_ga", "receipt_missing", "ledger_missing"}, verdict


async def test_the_judge_sees_what_was_not_tried_again(chat2ga_and_google):
    await chat2ga_and_google.feed(sessions=50, seed=16)
    chat2ga_and_google.google.misbehave(Misbehaviour(status=503, times=5))
    chat2ga_and_google.start("a", None, program=program(guard="one_try"))
    await chat2ga_and_google.caught_up()
    await chat2ga_and_google.stop_all()
    verdict = await chat2ga_and_google.verdict()
    assert verdict.faults.keys() == {"missing_at_ga"}, verdict


@pytest.mark.parametrize("guard", ["", "no_lapse"])
async def test_the_judge_sees_what_one_taken_for_dead_posts(chat2ga_and_google, guard):
    """It is frozen with requests in flight, and wakes when its successor has posted all the rest."""
    chat2ga_and_google.settings |= {"session_timeout_s": 3, "heartbeat_s": 1, "commit_interval_s": 1}
    await chat2ga_and_google.feed(sessions=600, seed=17)
    chat2ga_and_google.start("attribute")
    await chat2ga_and_google.caught_up("attribute")
    chat2ga_and_google.start("d", "deliver", program=program(guard=guard, at="ga answered", after=20, by="STOP"))
    await chat2ga_and_google.frozen("d")
    chat2ga_and_google.start("e", "deliver")
    await chat2ga_and_google.caught_up()
    chat2ga_and_google.wake("d")
    await chat2ga_and_google.feed(sessions=50, seed=18)
    await chat2ga_and_google.caught_up()
    await chat2ga_and_google.stop_all()
    verdict = await chat2ga_and_google.verdict()
    assert verdict.faults == {}, verdict
    assert (verdict.requests_repeated > IN_FLIGHT) == bool(guard), verdict


@pytest.mark.parametrize("guard", ["", "impatient"])
async def test_the_harness_sees_a_worker_that_does_not_outlast_its_broker(chat2ga_on_one, guard):
    """Frozen while there is a backlog: something is always being written."""
    kafka = chat2ga_on_one.kafka
    chat2ga_on_one.settings["max_run"] = 100
    total = await chat2ga_on_one.feed(sessions=8_000, seed=19)
    chat2ga_on_one.start("a", program=program(guard=guard))
    await chat2ga_on_one.published(total // 40)  # seen at once, where commits are a second apart
    kafka.freeze(1)
    await asyncio.sleep(6)
    kafka.wake(1)
    if guard:
        with pytest.raises(RuntimeError, match="worker a ended with 1"):
            await chat2ga_on_one.caught_up("attribute")
    else:
        await chat2ga_on_one.caught_up("attribute")
