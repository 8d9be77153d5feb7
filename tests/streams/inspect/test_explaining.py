"""Live sessions are explained as the worker met them, on a real broker."""

import asyncio
import json
import time

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from schemas.ga_event import encode_event
from schemas.options import Options
from schemas.session import encode_session
from streams.attribution import RuleBook
from streams.inspect.explaining import explain_live
from streams.replay import Holding, KafkaPlace, Named, Sent, chain
from streams.replay.errors import ManySessions, NoSession
from streams.runs import pack
from streams.settings import Settings
from streams.worker.keying import partition_of
from streams.worker.topics import TopicNames, ensure_topics
from tests.kafka import Written, produce
from tests.streams.attribution.builders import BOT, a, joined, sent, typed
from tests.streams.cli.command import chat2ga, the_line

NOW_MS = time.time_ns() // 1_000_000
PARTITIONS = 3
BOOK = RuleBook()


def record(said, key=None, partition=None, arrived_ms=NOW_MS, **fields):
    """As it lies on the topic: of the session's partition, unless told otherwise."""
    whole = {"account_id": "acme", "session_id": "s", "timestamp": NOW_MS, **said, **fields}
    name = f"s/{whole['session_id']}" if whole["session_id"] else f"v/{whole['visitor_id']}"
    own = f"{whole['account_id']}/{name}".encode()
    where = partition_of(own, PARTITIONS) if partition is None else partition
    return Written(own if key is None else key, json.dumps(whole).encode(), where, arrived_ms)


def settings_of(kafka, prefix, **given):
    return Settings(broker=kafka.url, topic_prefix=prefix, partitions=PARTITIONS, **given)


async def live(kafka, prefix, *records, topic="chat-interactions", **given):
    settings = settings_of(kafka, prefix, **given)
    await ensure_topics(settings)
    await produce(kafka.bootstrap, settings.topic(topic), records)
    return settings


def offsets(explanation):
    return [step.at.offset for step in explanation.steps]


HOME = partition_of(b"acme/s/s", PARTITIONS)


async def test_a_session_is_explained_by_its_records_where_they_lie(kafka, prefix):
    settings = await live(
        kafka, prefix, record(sent(BOT)), record(typed(), session_id="t"), record(typed(), timestamp=NOW_MS - 1)
    )
    (explanation,) = await explain_live(settings, Named("acme/s/s"), BOOK)
    assert explanation.key == "acme/s/s"
    first, second = explanation.steps
    assert first.at == KafkaPlace(f"{prefix}chat-interactions", HOME, 0)
    names = [event.name for event in second.decision.events]
    assert names == ["Chatbot_interaction", "Chatbot_visitor_reaction"], "as they arrived, not by their time"
    assert explanation.first_kept is None
    (by_name,) = await explain_live(settings, Named("s"), BOOK)
    assert by_name == explanation


async def test_what_the_worker_does_not_apply_is_left_out_and_told(kafka, prefix):
    book = RuleBook(Options(max_ahead_s=10))
    settings = await live(
        kafka,
        prefix,
        record(joined()),
        record(joined({"id": "x", "name": "X"}), key=b"acme/s/other", partition=HOME),
        record(joined(), timestamp=NOW_MS, arrived_ms=NOW_MS - 11_000),
        record(a("dance")),
        Written(b"acme/s/s", b"nonsense", HOME, NOW_MS),
        Written(b"acme/s/s", None, HOME, NOW_MS),
        Written(b"acme/s/other", b"nonsense", HOME, NOW_MS),
        record(joined({"id": "y", "name": "Y"}), timestamp=NOW_MS, arrived_ms=NOW_MS - 10_000),
    )
    (explanation,) = await explain_live(settings, Named("acme/s/s"), book)
    assert offsets(explanation) == [0, 7]
    assert [(each.at.offset, each.code) for each in explanation.left] == [
        (1, "wrong_key"),
        (2, "ahead"),
        (3, "unknown_type"),
        (4, "not_json"),
        (5, "empty"),
    ]


async def test_records_that_lie_elsewhere_are_found_and_each_partition_has_its_own_state(kafka, prefix):
    elsewhere, third = (number for number in range(PARTITIONS) if number != HOME)
    settings = await live(kafka, prefix, record(sent(BOT), partition=elsewhere))
    (explanation,) = await explain_live(settings, Named("acme/s/s"), BOOK)
    assert explanation.steps[0].at.partition == elsewhere
    await produce(kafka.bootstrap, settings.topic("chat-interactions"), [record(typed(), partition=third)])
    both = await explain_live(settings, Named("acme/s/s"), BOOK)
    assert {each.steps[0].at.partition: len(each.steps) for each in both} == {elsewhere: 1, third: 1}
    await produce(kafka.bootstrap, settings.topic("chat-interactions"), [record(a("dance"), partition=HOME)])
    three = await explain_live(settings, Named("acme/s/s"), BOOK)
    assert [(len(each.steps), len(each.left)) for each in three] == [(0, 1), (1, 0), (1, 0)], (
        "its home, then the others"
    )
    (started,) = (each.steps[0].decision.events for each in both if each.steps[0].at.partition == third)
    assert [event.name for event in started] == ["Visitor_started_conversation"]


async def test_an_event_is_found_by_its_record_and_a_visitor_and_a_conversation_by_theirs(kafka, prefix):
    said = [record(sent(BOT), visitor_id="v"), record(typed(), conversation_id="c")]
    other = record(joined(), session_id="t", visitor_id="v")
    settings = await live(kafka, prefix, *said, other)
    (explanation,) = await explain_live(settings, Named("acme/s/s"), BOOK)
    event = explanation.steps[1].decision.events[1]
    events = [
        Written(b"x", b"no event", 0),
        Written(b"acme/s/t", b'{"event_id":"e","account_id":"acme"}', 0),
        Written(b"acme/s/s", encode_event(event), 0),
    ]
    await produce(kafka.bootstrap, settings.topic("ga-events"), events)
    (by_event,) = await explain_live(settings, Sent(event.event_id), BOOK)
    assert by_event == explanation
    assert chain(by_event, event.event_id) == explanation.steps
    (by_conversation,) = await explain_live(settings, Holding(conversation="c"), BOOK)
    assert by_conversation == explanation
    by_visitor = await explain_live(settings, Holding(visitor="v"), BOOK)
    assert {each.key for each in by_visitor} == {"acme/s/s", "acme/s/t"}
    with pytest.raises(NoSession, match="longer ago than the topic keeps"):
        await explain_live(settings, Sent(event.event_id, "beta"), BOOK)
    with pytest.raises(NoSession, match="no interaction of the 3 records names conversation 'd'"):
        await explain_live(settings, Holding(conversation="d"), BOOK)


async def test_what_is_not_there_or_means_several_is_told(kafka, prefix):
    settings = await live(kafka, prefix, record(joined()), record(joined(), account_id="beta"))
    with pytest.raises(ManySessions, match="acme/s/s"):
        await explain_live(settings, Named("s"), BOOK)
    (explanation,) = await explain_live(settings, Named("s", "beta"), BOOK)
    assert explanation.key == "beta/s/s"
    for name in ("nobody", "acme/s/nobody"):
        with pytest.raises(NoSession, match="none of the 2 records"):
            await explain_live(settings, Named(name), BOOK)


async def test_with_rekey_it_reads_what_the_worker_s_attribute_reads(kafka, prefix):
    settings = await live(kafka, prefix, record(joined()), topic="chat-interactions-keyed", rekey=True)
    (explanation,) = await explain_live(settings, Named("acme/s/s"), BOOK)
    assert explanation.steps[0].at.topic == f"{prefix}chat-interactions-keyed"


async def test_where_the_first_records_are_gone_it_says_from_where_on_it_knows(kafka, prefix):
    settings = await live(kafka, prefix, record(sent(BOT)), record(joined()), record(typed()))
    topic = settings.topic("chat-interactions")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, HOME): RecordsToDelete(1)})
    finally:
        await admin.close()
    (explanation,) = await explain_live(settings, Named("acme/s/s"), BOOK)
    assert explanation.first_kept == KafkaPlace(topic, HOME, 1)
    assert [event.name for event in explanation.steps[-1].decision.events] == ["Visitor_started_conversation"]


def test_people_and_programs_read_it_with_places_in_kafka(kafka, prefix):
    given = {"broker": kafka.url, "topic_prefix": prefix, "partitions": PARTITIONS}
    asyncio.run(live(kafka, prefix, record(sent(BOT)), record(typed())))
    done = chat2ga("explain", "--live", "--session", "acme/s/s", "--json", **given)
    told = json.loads(done.stdout)
    assert [(each["topic"], each["partition"], each["offset"]) for each in told["interactions"]] == [
        (f"{prefix}chat-interactions", HOME, offset) for offset in (0, 1)
    ]
    as_input = chat2ga("explain", f"kafka:{prefix}chat-interactions", "--session", "acme/s/s", "--json", **given)
    assert {**json.loads(as_input.stdout), "table": None} == told
    text = chat2ga("explain", "--live", "--session", "acme/s/s", **given).stdout.decode()
    assert f"{prefix}chat-interactions[{HOME}] offset 1" in text
    assert "holds nothing of it" in text
    done = chat2ga("explain", "--live", "--session", "acme/s/s", **{**given, "topic_prefix": f"{prefix}none-"})
    assert done.returncode == 1
    assert "CHAT2GA_TOPIC_PREFIX" in the_line(done)


def test_what_the_worker_s_table_holds_stands_beside_it(kafka, prefix):
    given = {"broker": kafka.url, "topic_prefix": prefix, "partitions": PARTITIONS}
    settings = asyncio.run(live(kafka, prefix, record(sent(BOT)), record(joined()), record(typed())))
    (explanation,) = asyncio.run(explain_live(settings, Named("acme/s/s"), BOOK))
    state = explanation.steps[1].decision.session
    changelog = TopicNames(settings).sessions_changelog

    def held(session):
        stored = Written(b"acme/s/s", pack(1, 0, 0, encode_session(session)), HOME)
        asyncio.run(produce(kafka.bootstrap, changelog, [stored]))
        told = json.loads(chat2ga("explain", "--live", "--session", "acme/s/s", "--json", **given).stdout)["table"]
        return told, chat2ga("explain", "--live", "--session", "acme/s/s", **given).stdout.decode()

    told, text = held(state)
    assert (told["topic"], told["offset"], told["last_offset"]) == (changelog, 0, 1)
    assert (told["applied"], told["pending"], told["differences"]) == (2, 1, [])
    assert "1 of these interactions are not applied yet" in text
    assert "holds what is explained" in text
    told, text = held(msgspec.structs.replace(state, box_open=True))
    assert told["differences"] == [{"what": "box_open", "explained": False, "stored": True}]
    assert told["state"]["box_open"] is True
    assert "box_open: false -> true" in text
