"""What an operator asks of a real broker: topics as they should be, dead letters read and put back."""

import asyncio
import time

import pytest

from schemas.catalog import topic_named
from schemas.dead_letter import DeadLetter, encode_dead_letter
from streams.inspect.admin import CannotRequeue, Kept, broker_findings, dead_letters, requeuing
from streams.inspect.reading import NoTopic
from streams.settings import Settings
from streams.worker.broker import BrokerUnreachable
from streams.worker.topics import ensure_topics
from tests.kafka import Written, create_topics, free_ports, produce, read_topic


@pytest.fixture
def ours(kafka, prefix):
    return Settings(broker=kafka.url, topic_prefix=prefix, group="g", partitions=2)


def letter(prefix, **fields):
    whole = {
        "topic": f"{prefix}chat-interactions",
        "partition": 1,
        "offset": 7,
        "timestamp_ms": 1_700_000_000_000,
        "stage": "attribute",
        "field": "page",
        "code": "invalid",
        "reason": "Expected an object",
        "key": b"acme/s/s",
        "value": b'{"page": 1}',
    }
    return DeadLetter(**{**whole, **fields})


def written(made, partition=0, timestamp_ms=None):
    return Written(made.key, encode_dead_letter(made), partition, timestamp_ms)


async def collected(settings, **wanted):
    return [kept async for kept in dead_letters(settings, **wanted)]


def kinds(findings):
    return {finding.what: finding.kind for finding in findings}


# -- the topics -----------------------------------------------------------------------


async def test_topics_that_the_worker_would_create_are_no_fault_unless_it_may_not(ours):
    found = kinds(await broker_findings(ours))
    assert found.pop("broker") == "good"
    assert len(found) == 6
    assert set(found.values()) == {"note"}
    denied = kinds(await broker_findings(ours.model_copy(update={"topics_create": False})))
    assert set(denied.values()) == {"good", "fault"}


async def test_topics_as_the_worker_creates_them_are_good(ours):
    await ensure_topics(ours)
    found = await broker_findings(ours)
    assert {finding.kind for finding in found} == {"good"}
    assert {finding.says for finding in found[1:]} == {"2 partitions"}


async def test_a_changelog_that_is_not_compacted_or_takes_no_large_record_is_a_fault(kafka, prefix, ours):
    changelog = f"{prefix}g-sessions-changelog"
    await create_topics(kafka.bootstrap, changelog, partitions=2, config={"cleanup.policy": "delete"})
    await ensure_topics(ours)
    says = [finding.says for finding in await broker_findings(ours) if finding.kind == "fault"]
    assert len(says) == 2
    assert "cleanup.policy=compact" in says[0]
    assert f"max.message.bytes={topic_named('<group>-sessions-changelog').max_message_bytes}" in says[1]


async def test_a_changelog_with_other_partitions_than_its_topic_is_a_fault(kafka, prefix, ours):
    await create_topics(
        kafka.bootstrap, f"{prefix}chat-interactions", partitions=3, config=topic_named("chat-interactions").configs()
    )
    configs = topic_named("<group>-sessions-changelog").configs()
    await create_topics(kafka.bootstrap, f"{prefix}g-sessions-changelog", partitions=2, config=configs)
    faults = {finding.what: finding.says for finding in await broker_findings(ours) if finding.kind == "fault"}
    assert list(faults) == [f"{prefix}g-sessions-changelog"]
    assert "2 partitions" in faults[f"{prefix}g-sessions-changelog"]
    assert "has 3" in faults[f"{prefix}g-sessions-changelog"]


async def test_with_rekey_the_keyed_topic_is_looked_at_too(ours):
    found = kinds(await broker_findings(ours.model_copy(update={"rekey": True})))
    assert f"{ours.topic_prefix}chat-interactions-keyed" in found


# -- no broker ------------------------------------------------------------------------


async def test_a_broker_that_refuses_is_told_with_what_to_type():
    settings = Settings(broker=f"kafka://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(BrokerUnreachable, match=r"docker compose up -d kafka.*make demo"):
        await broker_findings(settings)


async def test_a_broker_that_takes_the_call_and_says_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("streams.inspect.reading.ANSWER_S", 2.0)
    called = []
    async with await asyncio.start_server(lambda *streams: called.append(streams), "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        with pytest.raises(BrokerUnreachable, match="no answer within"):
            await broker_findings(Settings(broker=f"kafka://127.0.0.1:{port}"))
        for _, writer in called:
            writer.close()
    assert called


# -- the dead letters -----------------------------------------------------------------


async def test_without_their_topic_there_are_none_and_that_is_told(ours):
    with pytest.raises(NoTopic, match="CHAT2GA_TOPIC_PREFIX"):
        await collected(ours)


async def test_an_empty_topic_has_none(ours):
    await ensure_topics(ours)
    assert await collected(ours) == []
    assert await collected(ours, at=(0, 0)) == []
    assert await collected(ours, since_ms=0) == []


async def test_all_partitions_are_read_to_their_end_each_in_order(kafka, prefix, ours):
    await ensure_topics(ours)
    made = [letter(prefix, offset=n, value=b"x" * 50_000) for n in range(60)]
    await produce(kafka.bootstrap, f"{prefix}dead-letters", [written(each, n % 2) for n, each in enumerate(made)])
    found = await collected(ours)
    assert [kept.letter for kept in found if kept.partition == 0] == made[::2]
    assert [kept.letter for kept in found if kept.partition == 1] == made[1::2]
    assert [kept.offset for kept in found if kept.partition == 1] == list(range(30))


async def test_one_is_found_by_its_place_and_none_where_there_is_none(kafka, prefix, ours):
    await ensure_topics(ours)
    made = [letter(prefix, offset=n) for n in range(3)]
    await produce(kafka.bootstrap, f"{prefix}dead-letters", [written(each, 1) for each in made])
    assert [kept.letter for kept in await collected(ours, at=(1, 1))] == [made[1]]
    assert await collected(ours, at=(1, 3)) == []
    assert await collected(ours, at=(0, 0)) == []
    assert await collected(ours, at=(9, 0)) == []


async def test_since_leaves_out_what_is_older(kafka, prefix, ours):
    await ensure_topics(ours)
    now_ms = time.time_ns() // 1_000_000  # the broker removes what is too old
    times = [now_ms - 3_000, now_ms - 2_000, now_ms - 1_000]
    made = [written(letter(prefix, offset=n), 0, at) for n, at in enumerate(times)]
    await produce(kafka.bootstrap, f"{prefix}dead-letters", made)
    assert [kept.offset for kept in await collected(ours, since_ms=times[1])] == [1, 2]
    assert await collected(ours, since_ms=times[2] + 1) == []


async def test_a_record_that_is_none_of_ours_is_shown_as_such_and_stops_nothing(kafka, prefix, ours):
    await ensure_topics(ours)
    strange = [Written(None, b"not a letter", 0), Written(b"key", None, 0), written(letter(prefix))]
    await produce(kafka.bootstrap, f"{prefix}dead-letters", strange)
    assert [kept.letter for kept in await collected(ours)] == [None, None, letter(prefix)]


# -- putting back -----------------------------------------------------------------------


@pytest.mark.parametrize("idempotence", [True, False])
async def test_what_is_put_back_has_its_bytes_its_key_and_its_partition(kafka, prefix, ours, idempotence):
    settings = ours.model_copy(update={"idempotence": idempotence})
    await ensure_topics(settings)
    made = [
        letter(prefix, value=b"\xff\x00", key=None),
        letter(prefix, value=b"2", partition=0),
        letter(prefix, value=None),
    ]
    events = letter(prefix, topic=f"{prefix}ga-events", stage="deliver", value=b"e" * 2_000_000)
    async with requeuing(settings) as requeue:
        for each in [*made, events]:
            await requeue.put_back(requeue.check(Kept(0, 0, 0, each)))
    back = await read_topic(kafka.bootstrap, f"{prefix}chat-interactions")
    assert {(record.partition, record.key, record.value) for record in back} == {
        (each.partition, each.key, each.value) for each in made
    }
    assert [record.value for record in await read_topic(kafka.bootstrap, f"{prefix}ga-events")] == [events.value]


async def test_a_partition_that_there_is_not_any_more_leaves_it_to_the_key(kafka, prefix, ours):
    await ensure_topics(ours)
    async with requeuing(ours) as requeue:
        await requeue.put_back(letter(prefix, partition=9))
    assert [record.value for record in await read_topic(kafka.bootstrap, f"{prefix}chat-interactions")] == [
        b'{"page": 1}'
    ]


async def test_what_cannot_be_put_back_is_told_why(prefix, ours):
    await ensure_topics(ours)
    async with requeuing(ours) as requeue:
        with pytest.raises(CannotRequeue, match=r"3:4.*only the head of its 9,000,000 bytes.*offset 7"):
            requeue.check(Kept(3, 4, 0, letter(prefix, truncated=True, size=9_000_000)))
        with pytest.raises(CannotRequeue, match="no dead letter of chat2ga's"):
            requeue.check(Kept(3, 4, 0, None))
        with pytest.raises(CannotRequeue, match="CHAT2GA_TOPIC_PREFIX"):
            requeue.check(Kept(3, 4, 0, letter("other-")))
        with pytest.raises(CannotRequeue, match="neither key nor value"):
            requeue.check(Kept(3, 4, 0, letter(prefix, key=None, value=None)))
