"""The harness itself: a cluster that starts, dies, comes back and leaves nothing behind."""

import asyncio
import os

import pytest

from tests.kafka import KafkaCluster, Written, create_topics, end_offsets, produce, read_topic

TEN = [Written(b"key %d" % (number % 3), b"value %d" % number) for number in range(10)]


async def test_what_was_written_is_read_in_order_by_partition(kafka, prefix):
    await create_topics(kafka.bootstrap, f"{prefix}one", partitions=3)
    assert await produce(kafka.bootstrap, f"{prefix}one", TEN) == 10
    found = await read_topic(kafka.bootstrap, f"{prefix}one")
    assert sorted(record.value for record in found) == sorted(record.value for record in TEN)
    for key in (b"key 0", b"key 1", b"key 2"):
        assert [record.value for record in found if record.key == key] == [
            record.value for record in TEN if record.key == key
        ]


async def test_a_written_record_keeps_partition_time_and_headers(kafka, prefix):
    await create_topics(kafka.bootstrap, f"{prefix}two", partitions=2)
    written = Written(None, b"x", partition=1, timestamp_ms=1_700_000_000_000, headers=(("from", b"test"),))
    await produce(kafka.bootstrap, f"{prefix}two", [written])
    (found,) = await read_topic(kafka.bootstrap, f"{prefix}two")
    assert (found.partition, found.timestamp_ms, found.headers) == (1, 1_700_000_000_000, (("from", b"test"),))
    assert await end_offsets(kafka.bootstrap, f"{prefix}two") == {0: 0, 1: 1}


async def test_a_record_without_key_and_value_is_written_too(kafka, prefix):
    await create_topics(kafka.bootstrap, f"{prefix}nothing", partitions=2)
    await produce(kafka.bootstrap, f"{prefix}nothing", [Written(None, None, partition=1, timestamp_ms=5)])
    (found,) = await read_topic(kafka.bootstrap, f"{prefix}nothing")
    assert (found.partition, found.timestamp_ms, found.key, found.value) == (1, 5, None, None)


async def test_an_empty_topic_is_read_to_its_end(kafka, prefix):
    await create_topics(kafka.bootstrap, f"{prefix}empty")
    assert await read_topic(kafka.bootstrap, f"{prefix}empty") == []


async def test_an_acknowledged_record_survives_the_kill_of_each_broker(kafka_cluster, prefix):
    topic = f"{prefix}copied"
    await create_topics(kafka_cluster.bootstrap, topic, partitions=3, replication=3)
    await produce(kafka_cluster.bootstrap, topic, TEN)
    expected = [record.value for record in TEN]
    for node in kafka_cluster.nodes:
        kafka_cluster.kill(node)
        expected.append(b"while %d was gone" % node)
        await produce(kafka_cluster.bootstrap, topic, [Written(None, expected[-1])])
        await asyncio.to_thread(kafka_cluster.restart, node)
        found = await read_topic(kafka_cluster.bootstrap, topic)
        assert sorted(record.value for record in found) == sorted(expected)


async def test_a_node_that_a_test_has_killed_is_back_for_the_next(kafka_cluster):
    before = {node: kafka_cluster.pid(node) for node in kafka_cluster.nodes}
    kafka_cluster.kill(2)
    await asyncio.to_thread(kafka_cluster.restore)
    after = {node: kafka_cluster.pid(node) for node in kafka_cluster.nodes}
    assert {node for node in after if after[node] != before[node]} == {2}


def test_closing_leaves_no_process_and_no_data(kafka_cluster):
    del kafka_cluster  # wanted for what it says of the machine: brokers of our own can run here
    with KafkaCluster() as cluster:
        pid, data = cluster.pid(1), cluster.directory
        assert data.is_dir()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not data.exists()


def test_properties_that_kafka_does_not_take_are_told_in_its_words(kafka_cluster):
    del kafka_cluster
    with (
        pytest.raises(RuntimeError, match=r"log\.segment\.bytes"),
        KafkaCluster(properties={"log.segment.bytes": "few"}),
    ):
        raise AssertionError("it started")
