"""Workers join and leave in order: nobody does anything twice, and a stop is clean and soon over."""

import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from random import Random

from tests.guarantees.scenarios import QUICK, a_worker_is_frozen_and_woken, workers_join_and_leave
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


async def test_joins_and_leaves_under_load_repeat_nothing_anywhere(chat2ga_and_google):
    verdict = await workers_join_and_leave.play(chat2ga_and_google, Random(1), QUICK)
    assert verdict.faults == {}, verdict


async def test_a_worker_that_was_taken_for_dead_and_wakes_does_nothing_wrong(chat2ga_and_google):
    verdict = await a_worker_is_frozen_and_woken.play(chat2ga_and_google, Random(1), QUICK)
    assert verdict.faults == {}, verdict
