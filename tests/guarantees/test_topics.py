"""Topics that are not what they were: noticed at the start or at first sight, named with the remedy, never skipped.

Each ends with an exit code that is not 0 and nothing of the new records committed.
"""

import base64
import json
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.structs import OffsetAndMetadata

from streams.runs import ROOT_KEY
from tests.guarantees.broken import program
from tests.guarantees.harness import GROUP, said
from tests.kafka import Written, create_topics, produce, read_topic

LARGE = {"max.message.bytes": "8388608"}
NOTICED_S = 40.0  # the topics are looked at every 15 s


async def deleted(kafka, *topics):
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    try:
        await client.delete_topics(list(topics))
    finally:
        await client.close()


async def made_again(chat2ga, topic, **config):
    await deleted(chat2ga.kafka, topic)
    await create_topics(chat2ga.kafka.bootstrap, topic, partitions=4, config=config or None)


async def partitions_raised(kafka, topic, number):
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    try:
        await client.create_partitions({topic: NewPartitions(total_count=number)})
    finally:
        await client.close()


async def worked(chat2ga, sessions=100):
    """Some sessions are taken, and the worker has ended as it was told to."""
    total = await chat2ga.feed(sessions=sessions, seed=21)
    chat2ga.start("a")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    return total


async def ended_with(chat2ga, worker, *words):
    code = await chat2ga.ended("a", NOTICED_S)
    (line, *others) = dict.fromkeys(said(worker))
    assert code == 1
    assert not others, others
    assert "bug" not in line
    missing = [word for word in words if word not in line]
    assert not missing, line


# -- the input made again ------------------------------------------------------------------------


async def test_an_input_made_again_and_shorter_is_noticed_at_the_start(chat2ga):
    await worked(chat2ga)
    await made_again(chat2ga, chat2ga.input)
    worker = chat2ga.start("a")
    await ended_with(chat2ga, worker, f"{chat2ga.input}[", "deleted and made again", "another consumer group")


async def test_an_input_made_again_and_longer_is_noticed_at_the_start(chat2ga):
    total = await worked(chat2ga)
    await made_again(chat2ga, chat2ga.input, **LARGE)
    assert await chat2ga.feed(sessions=300, seed=22) > total
    events = await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}ga-events")
    worker = chat2ga.start("a")
    await ended_with(chat2ga, worker, f"{chat2ga.input}[", "deleted and made again", "another consumer group")
    assert await chat2ga.committed() == {}
    assert await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}ga-events") == events


async def test_with_the_guard_broken_the_judge_sees_what_was_skipped(chat2ga):
    """Of a session that was known, the new topic's records at its old offsets are taken for seen ones."""
    await chat2ga.feed(message_of("s1", number) for number in range(50))
    chat2ga.start("a")
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    await made_again(chat2ga, chat2ga.input)
    await chat2ga.feed(message_of("s1", number, offline=True) for number in range(60))
    chat2ga.start("a", program=program(guard="no_lineage"))
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert verdict.faults.get("missing") == 51, verdict  # the one that began it, and fifty


def message_of(session, number, *, offline=False):
    value = {
        "type": "visitor_message",
        "account_id": "acme",
        "session_id": session,
        "interaction_id": f"{number}{'-again' * offline}",
        "timestamp": f"2026-01-31T12:{number // 60:02}:{number % 60:02}Z",
        "online": not offline,
    }
    return Written(f"acme/s/{session}".encode(), json.dumps(value).encode(), partition=0)


@pytest.mark.parametrize("longer", [False, True], ids=["shorter", "longer"])
async def test_an_input_made_again_under_a_running_worker_is_noticed(chat2ga, longer):
    total = await chat2ga.feed(sessions=100, seed=23)
    worker = chat2ga.start("a")
    await chat2ga.caught_up()
    await made_again(chat2ga, chat2ga.input, **LARGE)
    fed = await chat2ga.feed(sessions=300 if longer else 10, seed=24)
    assert (fed > total) == longer
    await ended_with(chat2ga, worker, chat2ga.input, "another consumer group")


async def test_a_committed_offset_beyond_the_end_is_noticed_at_the_start(chat2ga):
    await worked(chat2ga)
    at = TopicPartition(chat2ga.input, 1)
    consumer = AIOKafkaConsumer(bootstrap_servers=chat2ga.kafka.bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([at])
        await consumer.commit({at: OffsetAndMetadata(1_000_000, "")})
    finally:
        await consumer.stop()
    worker = chat2ga.start("a")
    await ended_with(chat2ga, worker, f"{chat2ga.input}[1]", "offset 999999", "another consumer group")


# -- the number of partitions ---------------------------------------------------------------------


async def test_more_partitions_of_the_input_are_noticed_at_the_start(chat2ga):
    await worked(chat2ga)
    await partitions_raised(chat2ga.kafka, chat2ga.input, 6)
    worker = chat2ga.start("a")
    assert await chat2ga.ended("a", NOTICED_S) == 1
    assert f"{chat2ga.input} has 6 partitions and its changelog" in worker.process.text()


async def test_more_partitions_of_the_input_are_noticed_under_a_running_worker(chat2ga):
    await chat2ga.feed(sessions=100, seed=25)
    worker = chat2ga.start("a")
    await chat2ga.caught_up()
    await partitions_raised(chat2ga.kafka, chat2ga.input, 6)
    await produce(
        chat2ga.kafka.bootstrap, chat2ga.input, [message_of("s9", 1)._replace(partition=5) for _ in range(10)]
    )
    await ended_with(chat2ga, worker, f"{chat2ga.input} has 6 partitions and its changelog", "another consumer group")
    assert 5 not in await chat2ga.committed()


# -- the changelog -----------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["rocksdb", "memory"])
async def test_a_changelog_made_again_is_noticed_at_the_start(chat2ga, store):
    chat2ga.settings["store"] = store
    await worked(chat2ga)
    changelog = f"{chat2ga.prefix}{GROUP}-sessions-changelog"
    await made_again(chat2ga, changelog, **{"cleanup.policy": "compact"})
    worker = chat2ga.start("a")
    await ended_with(chat2ga, worker, f"{changelog}[", "deleted and made again", "local store")


async def test_a_changelog_made_again_under_a_running_worker_is_noticed(chat2ga):
    await chat2ga.feed(sessions=100, seed=26)
    worker = chat2ga.start("a")
    await chat2ga.caught_up()
    changelog = f"{chat2ga.prefix}{GROUP}-sessions-changelog"
    await made_again(chat2ga, changelog, **{"cleanup.policy": "compact"})
    await ended_with(chat2ga, worker, changelog, "deleted and made again")


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        pytest.param(b"not an entry", "bytes are no entry", id="of nobody"),
        pytest.param(b"\x02" + bytes(30), "entry version 2; this version reads 1", id="of a newer version"),
    ],
)
async def test_a_changelog_record_that_cannot_be_read_is_named(chat2ga, stored, reason):
    await worked(chat2ga)
    changelog = f"{chat2ga.prefix}{GROUP}-sessions-changelog"
    await produce(chat2ga.kafka.bootstrap, changelog, [Written(b"acme/s/s1", stored, partition=2)])
    end = len([record for record in await read_topic(chat2ga.kafka.bootstrap, changelog) if record.partition == 2])
    worker = chat2ga.start("a")
    await ended_with(chat2ga, worker, f"{changelog}[2] offset {end - 1}", reason, "tombstone")


async def test_ga_events_made_again_costs_the_deliver_part_nothing_but_what_lay_there(chat2ga_and_google):
    """Its ledger goes by event ids: that another topic has taken the old one's place makes none of them wrong."""
    chat2ga = chat2ga_and_google
    await chat2ga.feed(sessions=50, seed=27)
    chat2ga.start("a")
    chat2ga.start("d", "deliver")
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    events = await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}ga-events")
    await made_again(chat2ga, f"{chat2ga.prefix}ga-events")
    twice = [Written(event.key, event.value, partition=event.partition) for event in events]
    await produce(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}ga-events", twice)
    chat2ga.start("d", "deliver")
    await chat2ga.caught_up("deliver")
    assert await chat2ga.stop_all() == {"d": 0}
    verdict = await chat2ga.verdict()
    assert (verdict.faults, verdict.arrivals_repeated) == ({}, 0), verdict


async def test_the_input_is_named_once_a_partition_however_often_a_worker_starts(chat2ga):
    for _ in range(2):
        await worked(chat2ga, sessions=20)
    changelog = await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}{GROUP}-sessions-changelog")
    assert [record.partition for record in changelog if record.key == ROOT_KEY] == [0, 1, 2, 3]


# -- changelogs of every version ------------------------------------------------------------------------

NOON = 1_769_860_800_000  # 2026-01-31T12:00:00Z, the time of those changelogs
CHANGELOGS = sorted((Path(__file__).parent / "changelogs").glob("*.jsonl"))


@pytest.mark.parametrize("file", CHANGELOGS, ids=lambda file: f"version {file.stem}")
async def test_a_changelog_of_an_older_version_is_read_and_its_session_goes_on(chat2ga, file):
    """`<version>.jsonl` was written by that version, and is never written again; a change of the format adds one."""
    changelog = f"{chat2ga.prefix}{GROUP}-sessions-changelog"
    await create_topics(chat2ga.kafka.bootstrap, changelog, config={"cleanup.policy": "compact"})
    kept = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    await produce(
        chat2ga.kafka.bootstrap,
        changelog,
        [Written(one["key"].encode(), base64.b64decode(one["bytes"]), partition=0) for one in kept],
    )
    said_by = {"account_id": "acme", "session_id": "s1", "visitor_id": "v1"}
    bot = {"kind": "chatbot", "id": "bot", "name": "Welcome"}
    seen = {**said_by, "type": "automation_sent", "interaction_id": "i0", "timestamp": NOON, "automation": bot}
    answer = {**said_by, "type": "visitor_message", "interaction_id": "i1", "timestamp": NOON + 1_000, "text": "hi"}
    await chat2ga.feed(
        Written(b"acme/s/s1", json.dumps(each).encode(), partition=0, timestamp_ms=each["timestamp"])
        for each in (seen, answer)
    )
    chat2ga.start("a")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    events = await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}ga-events")
    told = [(event["name"], event["label"]) for event in (json.loads(record.value) for record in events)]
    assert told == [("Chatbot_interaction", "Welcome"), ("Chatbot_visitor_reaction", "Welcome")]
