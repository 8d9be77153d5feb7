"""`chat2ga ingest` as a process: what is answered 200 is on the topic, and it ends as it is told to."""

import asyncio
import json
import logging
import time

import aiohttp
import pytest

from schemas.catalog import topic_named
from streams.sources import FORMATS
from streams.worker.keying import partition_of
from tests.kafka import IngestProcess, free_ports, read_topic
from tests.streams.ingest.signing import interaction, signed, webhook

SECRET = "hunter2-hunter2"
SIGNATURE = FORMATS["smartsupp-webhook"].signature
assert SIGNATURE is not None
ENDPOINTS = """
[endpoints.acme]
format = "smartsupp-webhook"
secret = "env:INGEST_SECRET"

[endpoints.site]
format = "interaction"
secret = "env:INGEST_SECRET"
"""
TOKEN = {"Authorization": f"Bearer {SECRET}"}


def process(kafka, directory, prefix, **given):
    settings = {"topic_prefix": prefix, "partitions": 4, **given}
    return IngestProcess(kafka.url, directory, ENDPOINTS, {"INGEST_SECRET": SECRET}, **settings)


async def posted(session, url, body, headers):
    async with session.post(url, data=body, headers=headers) as answer:
        raw = await answer.read()
        return answer.status, json.loads(raw) if raw else None


async def test_what_is_taken_is_on_the_topic_keyed_as_sent_and_the_topic_is_the_catalogues(kafka, prefix, tmp_path):
    bodies = {n: webhook(n, f"c{n}") for n in range(20)}
    lines = [interaction(n, f"s{n % 3}") for n in range(10)]
    async with process(kafka, tmp_path, prefix) as ingest, aiohttp.ClientSession() as session:
        answers = await asyncio.gather(
            *[posted(session, ingest.at("acme"), body, signed(SIGNATURE, SECRET, body)) for body in bodies.values()]
        )
        assert answers == [(200, {"accepted": 1})] * 20
        body = b"\n".join(json.dumps(each).encode() for each in lines)
        assert await posted(session, ingest.at("site"), body, TOKEN) == (200, {"accepted": 10})
        assert (await posted(session, ingest.at("acme"), bodies[0], {}))[0] == 401
        counted = await ingest.get("/metrics")
        assert ingest.terminate() == 0
    records = await read_topic(kafka.bootstrap, f"{prefix}chat-interactions")
    assert len(records) == 30
    assert all(record.partition == partition_of(record.key, 4) for record in records)
    assert {record.key.decode() for record in records} == {f"acme/s/c{n}" for n in range(20)} | {
        f"acme/s/s{n}" for n in range(3)
    }
    ours = [json.loads(record.value) for record in records if record.key == b"acme/s/s0"]
    assert ours == [each for each in lines if each["session_id"] == "s0"]
    assert abs(records[0].timestamp_ms - time.time() * 1000) < 60_000
    assert 'chat2ga_ingest_requests_total{outcome="accepted"} 21.0' in counted
    assert 'chat2ga_ingest_requests_total{outcome="unauthorised"} 1.0' in counted
    assert 'chat2ga_ingest_records_total{outcome="written"} 30.0' in counted
    assert topic_named("chat-interactions").producers[1] == "ingest"


async def test_it_is_ready_while_kafka_is_there_and_alive_all_the_same(kafka_alone, prefix, tmp_path):
    async with process(kafka_alone, tmp_path, prefix, ingest_timeout_s=1) as ingest, aiohttp.ClientSession() as session:
        body = webhook()
        await asyncio.to_thread(kafka_alone.kill, 1)
        with pytest.raises(OSError, match="503"):
            await ingest.get("/readyz")
        assert json.loads(await ingest.get("/healthz")) == {"ingest": "away"}
        assert (await posted(session, ingest.at("acme"), body, signed(SIGNATURE, SECRET, body)))[0] == 503
        await asyncio.to_thread(kafka_alone.restart, 1)
        await ingest.ready()
        assert (await posted(session, ingest.at("acme"), body, signed(SIGNATURE, SECRET, body)))[0] == 200
        assert ingest.terminate() == 0
    assert len(await read_topic(kafka_alone.bootstrap, f"{prefix}chat-interactions")) == 1


async def test_a_stop_answers_what_was_begun_and_is_over_in_time_also_while_kafka_is_away(
    kafka_alone, prefix, tmp_path
):
    async with (
        process(kafka_alone, tmp_path, prefix, ingest_timeout_s=30) as ingest,
        aiohttp.ClientSession() as session,
    ):
        body = webhook()
        kafka_alone.freeze(1)
        waiting = asyncio.create_task(posted(session, ingest.at("acme"), body, signed(SIGNATURE, SECRET, body)))
        async with asyncio.timeout(30):
            while "chat2ga_ingest_in_flight 1.0" not in await ingest.get("/metrics"):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        began = time.monotonic()
        code = await asyncio.to_thread(ingest.terminate)
        assert (code, time.monotonic() - began < 9.5) == (1, True)
        assert (await waiting)[0] == 503
        kafka_alone.wake(1)
    assert "requests are not finished within 8 s" in ingest.process.text()


async def test_nothing_that_was_sent_is_logged(kafka, prefix, tmp_path):
    body = webhook(text="m4rk3d")
    async with process(kafka, tmp_path, prefix, log_level="debug") as ingest, aiohttp.ClientSession() as session:
        for headers in (signed(SIGNATURE, SECRET, body), {"X-Smartsupp-Hmac": "m4rk3d"}):
            await posted(session, ingest.at("acme"), body, headers)
        await posted(session, ingest.at("site"), b"m4rk3d", TOKEN)
        assert ingest.terminate() == 0
    logged = ingest.process.text()
    assert logging.getLevelName(logging.INFO).lower() in logged
    assert "m4rk3d" not in logged
    assert SECRET not in logged


async def test_two_at_one_address_is_told(kafka, prefix, tmp_path):
    async with process(kafka, tmp_path / "a", prefix) as first:
        port = first.at("").split(":")[2].partition("/")[0]
        second = process(kafka, tmp_path / "b", prefix, ingest_port=port).start()
        assert await asyncio.to_thread(second.process.wait, 60) == 1
        assert "CHAT2GA_INGEST_PORT" in second.process.tail(1)


async def test_without_a_broker_one_line_says_so(tmp_path):
    broker = f"kafka://127.0.0.1:{free_ports(1)[0]}"
    ingest = IngestProcess(broker, tmp_path, ENDPOINTS, {"INGEST_SECRET": SECRET}, log_level="error").start()
    assert await asyncio.to_thread(ingest.process.wait, 90) == 1
    (line,) = ingest.process.text().splitlines()
    assert broker in line
