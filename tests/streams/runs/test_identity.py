"""The request for topic ids, held to a real Kafka: it knows the same topics as aiokafka's own, and ids beside."""

from contextlib import asynccontextmanager

import pytest
from aiokafka.client import AIOKafkaClient

from streams.runs.identity import UNKNOWN_ID, identify
from tests.kafka import create_topics, delete_topics


@asynccontextmanager
async def client_of(kafka):
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()


async def test_a_topic_has_an_id_and_its_partitions_and_one_that_is_missing_is_left_out(kafka, prefix):
    await create_topics(kafka.bootstrap, f"{prefix}three", partitions=3)
    await create_topics(kafka.bootstrap, f"{prefix}one", partitions=1)
    async with client_of(kafka) as client:
        found = await identify(client, [f"{prefix}three", f"{prefix}one", f"{prefix}none"])
        again = await identify(client, [f"{prefix}three"])
    assert {name: identity.partitions for name, identity in found.items()} == {f"{prefix}three": 3, f"{prefix}one": 1}
    assert len({identity.id for identity in found.values()} | {UNKNOWN_ID}) == 3
    assert again[f"{prefix}three"] == found[f"{prefix}three"]


async def test_a_topic_made_again_has_another_id(kafka, prefix):
    await create_topics(kafka.bootstrap, f"{prefix}topic", partitions=1)
    async with client_of(kafka) as client:
        before = await identify(client, [f"{prefix}topic"])
        await delete_topics(kafka.bootstrap, prefix)
        await create_topics(kafka.bootstrap, f"{prefix}topic", partitions=1)
        after = await identify(client, [f"{prefix}topic"])
    assert before[f"{prefix}topic"].id != after[f"{prefix}topic"].id


async def test_a_broker_that_has_no_ids_tells_the_partitions(kafka, prefix, monkeypatch):
    await create_topics(kafka.bootstrap, f"{prefix}topic", partitions=2)
    async with client_of(kafka) as client:
        send = client.send

        async def to_an_old_broker(node, request):
            if "Identify" in type(request).__name__:
                request.prepare({3: (0, 9)})  # the versions of Kafka 2.7
            return await send(node, request)

        monkeypatch.setattr(client, "send", to_an_old_broker)
        found = await identify(client, [f"{prefix}topic"])
    assert found[f"{prefix}topic"] == (UNKNOWN_ID, 2)


@pytest.mark.parametrize("topics", [[], ["nothing"]])
async def test_nothing_is_created_by_asking(kafka, topics):
    async with client_of(kafka) as client:
        assert await identify(client, topics) == {}
