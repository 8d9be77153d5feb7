"""A topic as the input of a replay, on a real broker: what it held when the replay began, by arrival."""

import asyncio
import json
import time

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streams.attribution import RuleBook
from streams.inspect.topic_input import BadTopic, is_topic, topic_inputs
from streams.replay import Replay, replay
from streams.replay.plan import Limits
from streams.settings import Settings
from tests.kafka import Written, create_topics, produce
from tests.streams.replay.replays import AS_OF_MS, LINES, reference

HOUR_MS = 3_600_000
NOW_MS = time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    "name", ["kafka:", "kafka:a b", "kafka:t/", "kafka:t/x", "kafka:t/1:5", "kafka:t/1:5-x", "kafka:t/1:-5-6"]
)
def test_a_topic_is_named_in_one_way(name):
    assert is_topic(name)
    with pytest.raises(BadTopic, match="expected kafka:TOPIC"):
        topic_inputs(Settings(), name)


def record(session, second):
    return json.dumps(
        {"type": "contact_form_sent", "account_id": "a", "session_id": session, "timestamp": NOW_MS - HOUR_MS + second}
    ).encode()


@pytest.fixture
async def chats(kafka, prefix):
    """Three partitions with four records each, one a minute, and the settings to read them."""
    await create_topics(kafka.bootstrap, f"{prefix}chats", partitions=3)
    records = [
        Written(b"k", record(f"s{partition}", 4 * partition + n), partition, NOW_MS - HOUR_MS + n * 60_000)
        for partition in range(3)
        for n in range(4)
    ]
    await produce(kafka.bootstrap, f"{prefix}chats", records)
    return Settings(broker=kafka.url), f"kafka:{prefix}chats"


def values(inputs):
    return [
        [
            json.loads(value)["timestamp"] - NOW_MS + HOUR_MS
            for piece in each.pieces(0, 10_000, len)
            for _, value in piece.lines()
        ]
        for each in inputs
    ]


async def read(chats, suffix="", **wanted):
    settings, name = chats
    return await asyncio.to_thread(lambda: values(topic_inputs(settings, f"{name}{suffix}", **wanted)))


async def test_each_partition_is_an_input_by_offset_or_by_time(chats):
    assert await read(chats) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert await read(chats, "/1") == [[4, 5, 6, 7]]
    assert await read(chats, "/1:1-3") == [[5, 6]]
    assert await read(chats, "/2:2-") == [[10, 11]]
    assert await read(chats, "/2:-1") == [[8]]
    assert await read(chats, "/2:7-9") == [[]]
    begin = NOW_MS - HOUR_MS
    assert await read(chats, since_ms=begin + 60_001) == [[2, 3], [6, 7], [10, 11]]
    assert await read(chats, "/0", since_ms=begin + 60_000, until_ms=begin + 120_001) == [[1, 2]]
    assert await read(chats, "/0", since_ms=NOW_MS) == [[]]


async def test_a_partition_that_is_not_there_is_told_with_those_that_are(chats):
    with pytest.raises(BadTopic, match="no partition 3: it has 0 to 2"):
        await read(chats, "/3")


async def test_a_replay_of_a_topic_is_that_of_its_records_and_dead_letters_say_where_they_lie(kafka, prefix, tmp_path):
    topic = f"{prefix}chats"
    await create_topics(kafka.bootstrap, topic, partitions=1)
    # A record is as old as its arrival says: this is what the reference takes for it too.
    await produce(kafka.bootstrap, topic, [Written(b"k", line, 0, AS_OF_MS) for line in LINES[:2_000]])
    await produce(kafka.bootstrap, topic, [Written(b"k", b'{"a":\n1}', 0, AS_OF_MS)])
    settings = Settings(broker=kafka.url)

    def run():
        wanted = Replay(
            inputs=topic_inputs(settings, f"kafka:{topic}"),
            out=str(tmp_path / "out.jsonl"),
            book=RuleBook(),
            dead_letters=str(tmp_path / "dead.jsonl"),
        )
        return replay(wanted)

    tally = await asyncio.to_thread(run)
    assert (tmp_path / "out.jsonl").read_bytes().splitlines() == reference(LINES[:2_000])
    letters = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_bytes().splitlines()]
    assert tally.records == 2_001
    assert letters[-1]["value"] == '{"a":\n1}'
    assert (letters[-1]["file"], letters[-1]["line"]) == (f"kafka:{topic}/0", 2_001)


async def test_what_arrives_after_the_beginning_is_not_read_also_where_the_replay_goes_on(chats, kafka, tmp_path):
    settings, name = chats
    work = str(tmp_path / "work")

    def run(progress=lambda *_: None):
        inputs, out = topic_inputs(settings, name), str(tmp_path / "out.jsonl")
        limits = Limits(chunk_bytes=200, bucket_bytes=200, max_buckets=2)
        return replay(Replay(inputs=inputs, out=out, book=RuleBook(), work=work, limits=limits), progress)

    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await asyncio.to_thread(run, interrupted)
    await produce(kafka.bootstrap, name.removeprefix("kafka:"), [Written(b"k", record("late", 5), 0, NOW_MS)])
    assert (await asyncio.to_thread(run)).records == 12


async def test_records_that_are_gone_when_a_replay_goes_on_are_told(chats, kafka, tmp_path):
    settings, name = chats
    (first, *_) = await asyncio.to_thread(topic_inputs, settings, name)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(name.removeprefix("kafka:"), 0): RecordsToDelete(2)})
    finally:
        await admin.close()
    with pytest.raises(BadTopic, match="from offset 0 on are gone: it begins at 2"):
        await asyncio.to_thread(lambda: list(first.at(first.position).pieces(0, 10_000, len)))
    assert await read(chats, "/0") == [[2, 3]]
