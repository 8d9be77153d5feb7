"""The worker on a real Kafka gives what a replay gives, whatever happens to its processes."""

import asyncio
import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from streams.demo.traffic import Mix, sessions
from tests.kafka import WorkerProcess, Written, create_topics, end_offsets, produce, read_topic
from tests.streams.worker.judge import expected, judge

ROOT = Path(__file__).parents[3]
QUICK = {"session_timeout_s": 6, "heartbeat_s": 1, "rebalance_timeout_s": 10, "partitions": 4, "store": "rocksdb"}


def records_of(seed, n, *, mean_interactions=5.0):
    """Sample traffic with redeliveries, tab copies, late and bad records; by key, as senders partition."""
    for record in sessions(seed, n, mix=Mix(mean_interactions=mean_interactions, starts_per_s=50.0)):
        if record.key is not None:
            yield Written(record.key, record.value, timestamp_ms=record.arrival_ms)


class Group:
    """Some workers of one group, each with a directory of its own."""

    def __init__(self, kafka, prefix, directory, **settings):
        self.kafka, self.prefix, self.directory, self.settings = kafka, prefix, directory, {**QUICK, **settings}
        self.workers: dict[int, WorkerProcess] = {}

    def start(self, number):
        self.workers[number] = WorkerProcess(
            self.kafka.url,
            self.directory / str(number),
            only="attribute",
            topic_prefix=self.prefix,
            group="g",
            **self.settings,
        ).start()
        return self.workers[number]

    async def done(self, timeout_s=120.0):
        """Wait until the whole input is committed."""
        end = time.monotonic() + timeout_s
        ends = await end_offsets(self.kafka.bootstrap, f"{self.prefix}chat-interactions")
        while True:
            committed = await self.committed()
            if all(committed.get(partition, 0) >= offset for partition, offset in ends.items()):
                return
            if time.monotonic() > end:
                raise TimeoutError(f"committed {committed} of {ends}\n{self.logs()}")
            await asyncio.sleep(0.2)

    async def committed(self):
        found = {}
        for worker in self.workers.values():
            if worker.process.exit_code is not None:
                continue
            try:
                text = await worker.get("/metrics")
            except OSError:
                continue
            for line in text.splitlines():
                if line.startswith("chat2ga_committed_offset{"):
                    labels, _, value = line.rpartition(" ")
                    partition = int(labels.split('partition="')[1].split('"')[0])
                    found[partition] = max(found.get(partition, 0), int(float(value)))
        return found

    async def progressed(self, records, timeout_s=60.0):
        """Wait until so many records are committed: a fault is to meet work under way."""
        end = time.monotonic() + timeout_s
        while sum((await self.committed()).values()) < records:
            assert time.monotonic() < end, self.logs()
            await asyncio.sleep(0.05)

    def logs(self):
        return "\n".join(f"--- {number}\n{worker.process.tail(15)}" for number, worker in self.workers.items())

    def stop(self):
        return {number: worker.terminate() for number, worker in self.workers.items()}


@pytest.fixture
def group(kafka, prefix, tmp_path):
    workers = Group(kafka, prefix, tmp_path)
    yield workers
    for worker in workers.workers.values():
        worker.kill()


async def fill(kafka, prefix, records):
    await create_topics(kafka.bootstrap, f"{prefix}chat-interactions", config={"max.message.bytes": "8388608"})
    return await produce(kafka.bootstrap, f"{prefix}chat-interactions", records)


async def the_input(kafka, prefix):
    return await read_topic(kafka.bootstrap, f"{prefix}chat-interactions")


async def test_two_workers_and_one_that_joins_midway_give_what_a_replay_gives(kafka, prefix, group, tmp_path):
    total = await fill(kafka, prefix, records_of(seed=1, n=20_000))
    group.start(0)
    group.start(1)
    await group.progressed(total // 4)
    group.start(2)
    await group.done()
    assert group.stop() == {0: 0, 1: 0, 2: 0}

    records = await the_input(kafka, prefix)
    want = expected(records)
    verdict = await judge(kafka.bootstrap, prefix, "g", want)
    assert verdict.faults == {}
    assert verdict.repeats == 0, "a worker that joins makes nobody do anything twice"
    # A file has neither record keys nor arrivals: what only these make a dead letter is none in a replay.
    of_kafka = ("key", "timestamp")
    in_a_file = [r for r in records if want.dead_letters.get((r.partition, r.offset)) not in of_kafka]
    replayed = await asyncio.to_thread(replay, in_a_file, tmp_path)
    got = defaultdict(list)
    for record in await read_topic(kafka.bootstrap, f"{prefix}ga-events"):
        got[session_of(record.value)].append(record.value)
    assert got.keys() == replayed.keys()
    assert [key for key in got if got[key] != replayed[key]] == []


def replay(records, directory):
    """What `chat2ga replay` makes of the same input, by session."""
    lines = directory / "input.jsonl"
    by_partition = sorted(records, key=lambda record: (record.partition, record.offset))
    whole = [record.value for record in by_partition if record.value is not None and b"\n" not in record.value]
    lines.write_bytes(b"\n".join(whole) + b"\n")
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "replay", str(lines), "--to", "-", "--order", "arrival"],
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


async def test_three_kills_under_load_lose_nothing_and_repeat_only_to_the_byte(kafka, prefix, group):
    total = await fill(kafka, prefix, records_of(seed=2, n=12_000))
    group.start(0)
    group.start(1)
    for kill in range(3):
        await group.progressed((kill + 1) * total // 5)
        group.workers[kill % 2].kill()
        group.start(kill % 2)
    await group.done()
    group.stop()
    verdict = await judge(kafka.bootstrap, prefix, "g", expected(await the_input(kafka, prefix)))
    assert verdict.faults == {}


async def test_a_worker_that_is_told_to_stop_drains_commits_and_ends_in_ten_seconds(kafka, prefix, group):
    total = await fill(kafka, prefix, records_of(seed=3, n=8_000))
    group.start(0)
    group.start(1)
    await group.progressed(total // 4)
    began = time.monotonic()
    assert group.workers[0].terminate() == 0
    assert time.monotonic() - began < 10
    del group.workers[0]
    await group.done()
    group.stop()
    verdict = await judge(kafka.bootstrap, prefix, "g", expected(await the_input(kafka, prefix)))
    assert (verdict.faults, verdict.repeats) == ({}, 0)


async def test_a_restart_reads_only_the_tail_of_the_changelog_behind_the_local_store(kafka, prefix, group):
    await fill(kafka, prefix, records_of(seed=4, n=2_000))
    group.start(0)
    await group.done()
    assert group.stop() == {0: 0}
    await produce(kafka.bootstrap, f"{prefix}chat-interactions", records_of(seed=5, n=500))
    group.start(0)
    await group.done()
    recovered = metric(await group.workers[0].get("/metrics"), "chat2ga_recovered_records_total")
    group.stop()
    assert recovered <= 4  # one a partition at most: the record that the store stands at
    verdict = await judge(kafka.bootstrap, prefix, "g", expected(await the_input(kafka, prefix)))
    assert verdict.faults == {}


async def test_without_a_local_store_the_whole_changelog_is_read_before_it_is_ready(kafka, prefix, group):
    group.settings["store"] = "memory"
    await fill(kafka, prefix, records_of(seed=6, n=2_000))
    group.start(0)
    await group.done()
    group.stop()
    changelog = len(await read_topic(kafka.bootstrap, f"{prefix}g-sessions-changelog"))
    await produce(kafka.bootstrap, f"{prefix}chat-interactions", records_of(seed=7, n=500))
    group.start(0)
    await group.workers[0].ready()
    assert metric(await group.workers[0].get("/metrics"), "chat2ga_recovered_records_total") >= changelog
    await group.done()
    group.stop()
    verdict = await judge(kafka.bootstrap, prefix, "g", expected(await the_input(kafka, prefix)))
    assert verdict.faults == {}


def metric(text, name):
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))
    )


async def test_every_kind_of_bad_record_is_a_dead_letter_and_the_stream_goes_on(kafka, prefix, group):
    total = await fill(
        kafka,
        prefix,
        [
            Written(record.key, record.value, timestamp_ms=record.arrival_ms)
            for record in sessions(8, 400, mix=Mix(bad=0.2, starts_per_s=50.0))
        ],
    )
    group.start(0)
    await group.done()
    assert group.stop() == {0: 0}
    want = expected(await the_input(kafka, prefix))
    assert len(want.dead_letters) > total // 20
    verdict = await judge(kafka.bootstrap, prefix, "g", want)
    assert verdict.faults == {}


async def test_a_record_too_large_to_be_written_again_keeps_its_head_size_hash_and_place(kafka, prefix, group):
    import hashlib

    from schemas.dead_letter import HEAD_BYTES, decode_dead_letter

    large = b'{"type": "page_viewed", "text": "' + b"x" * 5_000_000 + b'"}'
    await fill(kafka, prefix, [Written(b"acme/s/s1", large, partition=2)])
    group.start(0)
    await group.done()
    group.stop()
    (record,) = await read_topic(kafka.bootstrap, f"{prefix}dead-letters")
    letter = decode_dead_letter(record.value)
    assert (letter.topic, letter.partition, letter.offset) == (f"{prefix}chat-interactions", 2, 0)
    assert (letter.field, letter.code, letter.truncated, letter.size) == ("$", "too_large", True, len(large))
    assert letter.value == large[:HEAD_BYTES]
    assert letter.sha256 == hashlib.sha256(large).hexdigest()


async def test_when_most_records_are_dead_letters_the_worker_stops_and_commits_nothing_of_them(kafka, prefix, group):
    poison = [Written(b"k", b"poison %d" % n, partition=0) for n in range(3_000)]
    await fill(kafka, prefix, poison)
    worker = group.start(0)
    assert await asyncio.to_thread(worker.process.wait, 60) != 0
    assert "are dead letters (limit 50%)" in worker.process.text()
    assert len(await read_topic(kafka.bootstrap, f"{prefix}dead-letters")) < len(poison)


async def test_an_input_that_is_not_keyed_by_session_is_re_keyed(kafka, prefix, group):
    group.settings["rekey"] = "true"
    by_nobody = [
        Written(b"any", record.value, partition=hash_of(record.key) % 4, timestamp_ms=record.timestamp_ms)
        for record in records_of(seed=9, n=600)
    ]
    await fill(kafka, prefix, by_nobody)
    group.start(0)
    await group.done()
    keyed = f"{prefix}chat-interactions-keyed"
    end = sum((await end_offsets(kafka.bootstrap, keyed)).values())
    deadline = time.monotonic() + 60
    while lag(await group.workers[0].get("/metrics"), keyed) or not end:
        assert time.monotonic() < deadline, group.logs()
        await asyncio.sleep(0.2)
    assert group.stop() == {0: 0}
    want = expected(await the_input(kafka, prefix), check_keys=False)
    records = await read_topic(kafka.bootstrap, keyed)
    from_keyed = expected(records)
    assert from_keyed.sessions == want.sessions
    verdict = await judge(kafka.bootstrap, prefix, "g", from_keyed)
    verdict.wrong_dead_letters = 0  # those stand at their places in the input
    assert verdict.faults == {}


def hash_of(key):
    """Any partitioner but Kafka's own; a session's records together, so that their order is known."""
    return sum(key)


def lag(text, topic):
    lines = [
        line for line in text.splitlines() if line.startswith("chat2ga_lag_records{") and f'topic="{topic}"' in line
    ]
    return not lines or sum(float(line.rpartition(" ")[2]) for line in lines)
