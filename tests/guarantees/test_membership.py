"""Workers join and leave in order: nobody does anything twice, and a stop is clean and soon over."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

import pytest

from schemas.receipt import decode_receipt
from streams.demo.collector import Misbehaviour
from tests.guarantees.feeding import records_of
from tests.guarantees.harness import IN_FLIGHT
from tests.guarantees.scenarios import (
    IN_SMALL_RUNS,
    QUICK,
    STOP_S,
    TERMINATED,
    a_worker_is_frozen_and_woken,
    workers_join_and_leave,
)
from tests.kafka import read_topic

ROOT = Path(__file__).parents[2]


async def test_two_workers_and_one_that_joins_midway_give_what_a_replay_gives(chat2ga, tmp_path):
    total = await chat2ga.feed(sessions=20_000, seed=1)
    chat2ga.start("a")
    chat2ga.start("b")
    await chat2ga.progressed(total // 4)
    chat2ga.start("c")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0, "b": 0, "c": 0}

    want = await chat2ga.expected()
    verdict = await chat2ga.verdict(want)
    assert verdict.faults == {}, verdict
    assert verdict.repeats == 0, "a worker that joins makes nobody do anything twice"
    # A file has neither record keys nor arrivals: what only these make a dead letter is none in a replay.
    of_kafka = ("key", "timestamp")
    in_a_file = [r for r in await chat2ga.fed() if want.dead_letters.get((r.partition, r.offset)) not in of_kafka]
    replayed = await asyncio.to_thread(replay, in_a_file, tmp_path)
    got = defaultdict(list)
    for record in await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}ga-events"):
        got[session_of(record.value)].append(record.value)
    assert got.keys() == replayed.keys()
    assert [key for key in got if got[key] != replayed[key]] == []


def replay(records, directory):
    """What `chat2ga replay` makes of the same input, by session."""
    lines = directory / "input.jsonl"
    by_partition = sorted(records, key=lambda record: (record.partition, record.offset))
    whole = [record.value for record in by_partition if record.value is not None and b"\n" not in record.value]
    lines.write_bytes(b"\n".join(whole) + b"\n")
    accounts = ("--accounts", str(directory / "accounts.toml"))
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "replay", str(lines), "--to", "-", "--order", "arrival", *accounts],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    events = defaultdict(list)
    for line in done.stdout.splitlines():
        events[session_of(line)].append(line)
    return events


def session_of(value):
    event = json.loads(value)
    return event["account_id"], event["session_id"]


async def test_a_worker_that_is_told_to_stop_drains_commits_and_ends_in_ten_seconds(chat2ga):
    total = await chat2ga.feed(sessions=8_000, seed=3)
    chat2ga.start("a")
    chat2ga.start("b")
    await chat2ga.progressed(total // 4)
    code, seconds = await chat2ga.stop("a")
    assert code == 0
    assert seconds < 10
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert (verdict.faults, verdict.repeats) == ({}, 0), verdict


async def test_a_worker_that_is_told_to_stop_during_its_start_ends_in_ten_seconds_at_any_moment(chat2ga):
    """Also before it has ever joined the group, and while another member is at work."""
    await chat2ga.feed(sessions=500, seed=7)
    chat2ga.start("at work")
    await chat2ga.at_work()

    async def start_and_stop(after_s):
        name = f"after {after_s:.1f} s"
        worker = chat2ga.start(name)
        await asyncio.sleep(after_s)
        code, seconds = await chat2ga.stop(name)
        assert code in (0, TERMINATED, -signal.SIGTERM), worker.process.tail()
        assert seconds < STOP_S, worker.process.tail()

    for after_s in (0.6, 0.9, 1.2, 1.6, 2.2, 3.0):
        await start_and_stop(after_s)
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"at work": 0}
    verdict = await chat2ga.verdict()
    assert (verdict.faults, verdict.repeats) == ({}, 0), verdict


async def test_joins_and_leaves_under_load_repeat_nothing_anywhere(chat2ga_and_google):
    verdict = await workers_join_and_leave.play(chat2ga_and_google, Random(1), QUICK)
    assert verdict.faults == {}, verdict


async def test_a_worker_that_was_taken_for_dead_and_wakes_does_nothing_wrong(chat2ga_and_google):
    verdict = await a_worker_is_frozen_and_woken.play(chat2ga_and_google, Random(1), QUICK)
    assert verdict.faults == {}, verdict


@pytest.mark.parametrize("guarantee", ["at_least_once", "exactly_once"])
async def test_a_stop_that_meets_a_join_hands_on_only_what_is_finished_and_committed(chat2ga_and_google, guarantee):
    chat2ga, google = chat2ga_and_google, chat2ga_and_google.google
    chat2ga.settings |= {**IN_SMALL_RUNS, "processing_guarantee": guarantee}
    await chat2ga.feed(records_of(5, 3_000, bad=0.2))
    chat2ga.start("a", None)
    await chat2ga.progressed(1, "deliver")
    slow = google.behaving(Misbehaviour(delay_s=1.5))
    async with slow, chat2ga.feeding(records_of(6, 100_000, bad=0.2), per_s=400) as feeder:
        chat2ga.start("b", None)
        await chat2ga.joining("deliver")  # who is at work hears of it a heartbeat later
        code, seconds = await chat2ga.stop("a")
        await chat2ga.at_work("b")
        feeder.enough()
        await feeder.finished()
    assert (code, seconds < 10) == (0, True), seconds
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"b": 0}
    verdict = await chat2ga.verdict()
    assert (verdict.faults, verdict.repeats, verdict.arrivals_repeated) == ({}, 0, 0), verdict
    receipts = [decode_receipt(record.value) for record in await chat2ga.read(f"{chat2ga.prefix}ga-receipts")]
    # A run given up half delivered is read again: at least once, what GA has of it gets a second receipt, `repeated`.
    first = [each for each in receipts if chat2ga.exactly_once or each.outcome == "delivered"]
    assert max(Counter((each.event_id, each.tracker_id) for each in first).values()) == 1


async def test_a_stop_is_over_in_ten_seconds_also_where_ga_takes_that_long_to_answer(chat2ga_and_google):
    chat2ga, google = chat2ga_and_google, chat2ga_and_google.google
    await chat2ga.feed(sessions=200, seed=4)
    # It would wait for an answer for longer than a stop may take, whenever it has asked.
    worker = chat2ga.start("a", None, ga_timeout_s=120)
    await chat2ga.caught_up()  # or all might be delivered before GA is slow
    async with google.behaving(Misbehaviour(delay_s=60.0)):
        asked = google.requests
        await chat2ga.feed(sessions=2_000, seed=5)
        await chat2ga.until(lambda: so_many(google, asked + IN_FLIGHT), "GA is not asked")
        code, seconds = await chat2ga.stop("a")
    assert (code, seconds < 10) == (0, True), seconds
    assert worker.process.text().count("requests in flight are given up") == 1
    chat2ga.start("a", None)
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    verdict = await chat2ga.verdict()
    assert (verdict.faults, verdict.repeats) == ({}, 0), verdict
    assert verdict.requests_repeated <= IN_FLIGHT


async def so_many(google, requests):
    return google.requests >= requests
