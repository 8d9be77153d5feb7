"""Records of another chat system, translated in front of the worker: all of them, in order, under every guarantee."""

import json
import random
import time
from collections import Counter, defaultdict

import pytest

from schemas.dead_letter import decode_dead_letter
from schemas.interaction import Fault, Unknown
from streams.attribution import RuleBook
from streams.sources import FORMATS, Mapping
from streams.worker.translate import interactions_of
from tests.kafka import Written, create_topics, produce, read_topic
from tests.streams.cli.command import chat2ga as command

SOURCE = "smartsupp-webhook"
LARGE = {"max.message.bytes": "8388608"}
KINDS = ("contact_replied", "bot_replied", "agent_replied", "agent_joined", "agent_left", "rated", "closed", "opened")


def records_of(seed, conversations, length=12, bad=0.02):
    """Webhooks of Smartsupp's, those of a conversation in one partition and in their order; some are none."""
    draw = random.Random(seed)
    began_ms = round(time.time() * 1000) - 3_600_000
    under_way = [(f"c{n}", 0) for n in range(conversations)]
    while under_way:
        at = draw.randrange(len(under_way))
        conversation, number = under_way[at]
        under_way[at] = (conversation, number + 1)
        if number + 1 == length:
            under_way.pop(at)
        message = {"id": f"{conversation}-{number}", "content": {"text": "hello"}, "created_at": began_ms + number}
        data = {
            "conversation": {"id": conversation},
            "message": message,
            "agent_id": f"a{draw.randrange(3)}",
            "rating_value": draw.choice([1, 3, 5]),
        }
        record = {"event": f"conversation.{draw.choice(KINDS)}", "account_id": "acme", "data": data}
        value = b"{" if draw.random() < bad else json.dumps({**record, "timestamp": began_ms + number}).encode()
        yield Written(None, value, partition=sum(conversation.encode()) % 4, timestamp_ms=began_ms + number)


async def feed(chat2ga, records):
    topic = f"{chat2ga.prefix}chat-source-{SOURCE}"
    await create_topics(chat2ga.kafka.bootstrap, topic, config=LARGE)
    return topic, await produce(chat2ga.kafka.bootstrap, topic, records)


def translated(records):
    """By session key, what the records give, each with the time of its arrival; and the offsets of those at fault."""
    found, at_fault = defaultdict(list), set()
    for record in records:
        given = interactions_of(record.value, FORMATS[SOURCE], Mapping(), RuleBook(), record.timestamp_ms)
        if isinstance(given, Fault):
            at_fault.add((record.partition, record.offset))
        elif not isinstance(given, Unknown):
            for key, value in given:
                found[key].append((value, record.timestamp_ms))
    return found, at_fault


def by_session(records):
    found = defaultdict(list)
    for record in records:
        found[record.key].append((record.value, record.timestamp_ms))
    return found


def once(values):
    """Each in the place where it came first: what a crash repeats, it repeats behind what was there."""
    return list(dict.fromkeys(values))


@pytest.mark.parametrize("guarantee", ["at_least_once", "exactly_once"])
async def test_killed_again_and_again_it_gives_every_session_in_its_order(chat2ga, guarantee):
    chat2ga.settings |= {"sources": SOURCE, "processing_guarantee": guarantee, "max_run": 500}
    source, total = await feed(chat2ga, records_of(31, 2_000))
    chat2ga.start("a")
    for kill in range(3):
        await chat2ga.progressed((kill + 1) * total // 5, "translate")
        chat2ga.kill("a")
        chat2ga.start("a")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    want, at_fault = translated(await read_topic(chat2ga.kafka.bootstrap, source))
    found = by_session(await chat2ga.read(chat2ga.input))
    assert {key: once(values) for key, values in found.items()} == {key: once(values) for key, values in want.items()}
    if guarantee == "exactly_once":
        assert found == want, "something is there twice"
    letters = [decode_dead_letter(each.value) for each in await chat2ga.read(f"{chat2ga.prefix}dead-letters")]
    places = Counter((letter.partition, letter.offset) for letter in letters if letter.stage == "translate")
    assert places.keys() == at_fault
    assert guarantee == "at_least_once" or set(places.values()) == {1}
    assert {letter.stage for letter in letters} == {"translate"}, "what is translated is nobody else's dead letter"
    verdict = await chat2ga.verdict(await with_letters(chat2ga, at_fault))
    assert verdict.faults == {}, verdict


async def with_letters(chat2ga, at_fault):
    want = await chat2ga.expected()
    want.dead_letters = dict.fromkeys(at_fault, "$")
    return want


async def test_a_dead_letter_of_it_goes_back_to_where_it_came_from(chat2ga):
    chat2ga.settings |= {"sources": SOURCE, "dead_letter_share": 1.0}
    source, _ = await feed(chat2ga, [Written(b"mine", b"{", partition=2)])
    chat2ga.start("a")
    await chat2ga.caught_up("translate")
    settings = {"broker": chat2ga.kafka.url, "topic_prefix": chat2ga.prefix, "sources": SOURCE}
    done = command("dead-letters", "requeue", "--stage", "translate", "--yes", **settings)
    assert done.returncode == 0, done.stderr
    again = await read_topic(chat2ga.kafka.bootstrap, source)
    assert [(each.partition, each.key, each.value) for each in again] == [(2, b"mine", b"{")] * 2
    done = command("dead-letters", "requeue", "--stage", "translate", "--yes", **{**settings, "sources": ""})
    assert done.returncode == 1
    assert b"CHAT2GA_SOURCES" in done.stderr
    await chat2ga.caught_up("translate")
    assert await chat2ga.stop_all() == {"a": 0}


async def test_several_processes_share_what_there_is_to_translate(chat2ga):
    chat2ga.settings |= {"sources": SOURCE, "processes": 2}
    source, _ = await feed(chat2ga, records_of(32, 300, bad=0.0))
    chat2ga.start("a")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    want, _ = translated(await read_topic(chat2ga.kafka.bootstrap, source))
    assert by_session(await chat2ga.fed()) == want
