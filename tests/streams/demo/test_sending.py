"""Sending sample traffic: what the broker took is known, what it would not take is passed over."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.decoding import decode_interaction
from schemas.interaction import Fault
from streams.demo import sending as module
from streams.demo.broker import BROKER_SETTINGS, embedded_broker, free_port
from streams.demo.sending import live_traffic, paced, sending
from streams.demo.traffic import Mix, Record, sessions
from streams.settings import Settings
from streams.worker.broker import BrokerUnreachable

TOPIC = "chat-interactions"


@pytest.fixture
async def settings(tmp_path):
    async with embedded_broker(tmp_path) as url:
        yield Settings(broker=url, **BROKER_SETTINGS)


async def create(settings: Settings, partitions: int = 4) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server(settings))
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, partitions, 1, topic_configs={"max.message.bytes": "8388608"})])
    await admin.close()


def server(settings: Settings) -> str:
    return settings.broker.removeprefix("kafka://")


async def read(settings: Settings, n: int) -> list[Any]:
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=server(settings), auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [await asyncio.wait_for(consumer.getone(), 20) for _ in range(n)]
    finally:
        await consumer.stop()


async def test_what_was_sent_lies_in_the_topic_in_its_order_and_with_its_times(settings):
    await create(settings)
    records = list(sessions(1, 100, mix=Mix(bad=0.05)))  # the one of five megabytes among them
    async with sending(settings) as sender:
        await sender.send(records)
        await sender.flush()
    assert (sender.sent, sender.too_large) == (len(records), 0)
    got = await read(settings, len(records))
    by_key, sent_by_key, behind = defaultdict(list), defaultdict(list), Counter()
    for each in got:
        by_key[each.key].append((each.value, each.timestamp))
        behind[each.partition] = max(behind[each.partition], each.offset + 1)
    for record in records:
        if record.key:  # those without one are spread over the partitions
            sent_by_key[record.key].append((record.value, record.arrival_ms))
    del by_key[None]
    assert by_key == sent_by_key
    assert sender.next_offsets == behind


async def test_a_record_that_is_too_large_is_counted_and_the_rest_goes_on(settings):
    await create(settings, partitions=1)
    large = Record(b"k", b"x" * 9_000_000, 1_000)  # larger than a request may be
    small = Record(b"k", b"small", 1_001)
    async with sending(settings) as sender:
        await sender.send([small, large, small])
        await sender.flush()
    assert (sender.sent, sender.too_large) == (2, 1)
    assert [each.value for each in await read(settings, 2)] == [b"small", b"small"]


async def test_paced_traffic_ends_with_its_records_or_when_told(settings):
    await create(settings)
    async with sending(settings) as sender:
        await paced(sender, iter(list(sessions(1, 3))), 1e9, asyncio.Event())
        await sender.flush()
        assert sender.sent == len(list(sessions(1, 3)))
        told = asyncio.Event()
        told.set()
        await paced(sender, live_traffic(1, 100.0), 100.0, told)
        await sender.flush()
    assert sender.sent == len(list(sessions(1, 3)))


async def test_no_broker_is_an_error_that_says_what_was_tried():
    settings = Settings(broker=f"kafka://127.0.0.1:{free_port()}", **BROKER_SETTINGS)
    with pytest.raises(BrokerUnreachable, match=settings.broker):
        async with sending(settings):
            pass


@pytest.mark.parametrize("rate", [2.0, 50.0, 1_000.0])
def test_live_traffic_does_not_run_ahead_of_the_clock_while_it_thickens(rate):
    now_ms = time.time() * 1_000
    ahead_ms = [
        record.arrival_ms - (now_ms + number / rate * 1_000)
        for number, record in enumerate(islice(live_traffic(1, rate), 50_000))
    ]
    assert max(ahead_ms) < 0
    assert ahead_ms[0] > -4_000_000  # and of about now it is


def test_live_traffic_is_sound_but_for_what_is_bad_on_purpose():
    for record in islice(live_traffic(1, 50.0), 3_000):
        decoded = decode_interaction(record.value, record.arrival_ms * 1_000 + 3_600_000_000)
        assert not isinstance(decoded, Fault) or record.note == "bad"


def test_live_traffic_thickens_to_its_rate():
    records = list(islice(live_traffic(1, 100.0), 120_000))
    last = records[-1].arrival_ms
    a_minute = sum(record.arrival_ms > last - 120_000 and record.arrival_ms <= last - 60_000 for record in records)
    assert a_minute / 60 == pytest.approx(100.0, rel=0.25)


# -- the command ------------------------------------------------------------------------------


def command(*arguments: str, **environment: str) -> list[Any]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("CHAT2GA_")} | environment
    ran = subprocess.run(
        [sys.executable, "-m", "streams.demo.traffic", *arguments], env=env, capture_output=True, text=True, check=False
    )
    return [ran.returncode, ran.stdout, ran.stderr]


async def test_the_command_sends_for_so_long_and_says_how_many(settings):
    await create(settings)
    arguments = ("--broker", settings.broker, "--rate", "300", "--seconds", "1", "--seed", "3")
    code, out, err = await asyncio.to_thread(command, *arguments, CHAT2GA_IDEMPOTENCE="false")
    assert (code, err) == (0, "")
    sent = int(out.split()[0])
    assert out == f"{sent} records sent\n"
    types = [json.loads(each.value)["type"] for each in await read(settings, 5)]
    assert types[0] == "visit_started"
    assert sent > 100


async def test_it_sends_for_so_long_however_long_it_takes_to_connect(settings, monkeypatch):
    await create(settings)

    @asynccontextmanager
    async def slowly(given):
        async with sending(given) as sender:
            await asyncio.sleep(1.2)
            yield sender

    monkeypatch.setattr(module, "sending", slowly)
    assert (await module._send(settings, 300.0, 1.0, 3)).sent > 0


def test_the_command_without_a_broker_is_one_line_and_no_success():
    code, out, err = command("--broker", f"kafka://127.0.0.1:{free_port()}", "--seconds", "1")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "127.0.0.1" in err
