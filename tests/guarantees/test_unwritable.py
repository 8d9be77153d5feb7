"""A topic that cannot be written stops the worker or holds it up: nothing is skipped, and once mended all is there."""

import asyncio
import json

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from schemas.catalog import topic_named
from tests.guarantees.broken import program
from tests.guarantees.harness import GROUP, Chat2ga, said
from tests.guarantees.test_poison import traffic
from tests.kafka import create_topics, end_offsets
from tests.kafka.needs import ExistingKafka
from tests.kafka.secure import PASSWORD, USER

CHANGELOGS = {"sessions": f"{GROUP}-sessions-changelog", "ledger": f"{GROUP}-ledger-changelog"}
WRITTEN_BY = {
    "ga-events": "attribute",
    "dead-letters": "attribute",
    CHANGELOGS["sessions"]: "attribute",
    "ga-receipts": "deliver",
    CHANGELOGS["ledger"]: "deliver",
}
each_topic = pytest.mark.parametrize("topic", list(WRITTEN_BY))


def configs_of(topic):
    return topic_named(topic.replace(f"{GROUP}-", "<group>-")).configs()


async def configured(chat2ga, topic, **config):
    client = AIOKafkaAdminClient(bootstrap_servers=chat2ga.kafka.bootstrap)
    await client.start()
    try:
        resource = ConfigResource(
            ConfigResourceType.TOPIC, f"{chat2ga.prefix}{topic}", configs={**configs_of(topic), **config}
        )
        await client.alter_configs([resource])
    finally:
        await client.close()


async def begun(chat2ga):
    """Both parts are at work, all topics are there, and some is done."""
    await chat2ga.feed(written for _, written in traffic(41, 40, bad=0.05))
    chat2ga.start("a")
    chat2ga.start("d", "deliver")
    await chat2ga.caught_up()


async def ends(chat2ga, topic):
    """The exit code and the last words of the part that writes it."""
    name = WRITTEN_BY[topic][0]
    worker = chat2ga.workers[name]
    code = await chat2ga.ended(name, 60)
    return code, "\n".join(said(worker))


async def mended(chat2ga):
    """Both parts work again, and are at the end of all there is."""
    for name, only in (("a", "attribute"), ("d", "deliver")):
        if name not in chat2ga.workers:
            chat2ga.start(name, only)
    await chat2ga.caught_up()
    assert set((await chat2ga.stop_all()).values()) == {0}
    return await chat2ga.verdict()


@each_topic
async def test_a_topic_whose_records_have_become_too_large_stops_the_worker(chat2ga_and_google, topic):
    chat2ga = chat2ga_and_google
    await begun(chat2ga)
    await configured(chat2ga, topic, **{"max.message.bytes": "100"})
    await chat2ga.feed(written for _, written in traffic(42, 40, bad=0.05))
    code, said = await ends(chat2ga, topic)
    assert code == 1
    assert f"{chat2ga.prefix}{topic}[" in said
    assert "max.message.bytes" in said
    assert "this is a bug" not in said
    await configured(chat2ga, topic)
    verdict = await mended(chat2ga)
    assert verdict.faults == {}, verdict


async def test_the_judge_sees_what_a_worker_skips_that_goes_on(chat2ga):
    await chat2ga.feed(written for _, written in traffic(41, 40, bad=0.05))
    chat2ga.start("a", program=program(guard="go_on"))
    await chat2ga.caught_up()
    await configured(chat2ga, "ga-events", **{"max.message.bytes": "100"})
    await chat2ga.feed(written for _, written in traffic(42, 40, bad=0.05))
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert "missing" in verdict.faults, verdict


@pytest.mark.parametrize("topic", ["ga-events", "dead-letters", "ga-receipts"])
async def test_a_topic_that_is_deleted_holds_the_worker_up_until_it_is_there_again(chat2ga_and_google, topic):
    """Nothing lies in it yet: what an operator deletes with a topic, no worker brings back."""
    chat2ga = chat2ga_and_google
    await chat2ga.feed([])
    chat2ga.start("a")
    chat2ga.start("d", "deliver")
    await chat2ga.at_work()
    client = AIOKafkaAdminClient(bootstrap_servers=chat2ga.kafka.bootstrap)
    await client.start()
    await client.delete_topics([f"{chat2ga.prefix}{topic}"])
    await client.close()
    fed = await chat2ga.feed(written for _, written in traffic(43, 40, bad=0.2))
    await asyncio.sleep(5)
    if WRITTEN_BY[topic] == "attribute":
        assert sum((await chat2ga.committed()).values()) < fed
    else:
        events = sum((await end_offsets(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}ga-events")).values())
        assert sum((await chat2ga.committed("deliver")).values()) < events
    ended = [name for name, worker in chat2ga.workers.items() if worker.process.exit_code is not None]
    for name in ended:
        assert await chat2ga.ended(name) == 1
    await create_topics(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}{topic}", config=configs_of(topic))
    verdict = await mended(chat2ga)
    assert verdict.faults == {}, verdict


# -- permissions -----------------------------------------------------------------------------------

TOPIC, LITERAL, ALL, WRITE, DENY, ALLOW = 2, 3, 2, 4, 2, 3  # of Kafka's ResourceType, PatternType, AclOperation …


async def asked(kafka, request):
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    try:
        return await client.send(client.get_random_node(), request)
    finally:
        await client.close()


async def denied(kafka, topic):
    """The worker may do anything with a topic but write."""
    for operation, permission in ((ALL, ALLOW), (WRITE, DENY)):
        answer = await asked(
            kafka,
            CreateAclsRequest(
                resource_type=TOPIC,
                resource_name=topic,
                resource_pattern_type_filter=LITERAL,
                principal=f"User:{USER}",
                host="*",
                operation=operation,
                permission_type=permission,
            ),
        )
        assert answer.to_object()["creation_responses"][0]["error_code"] == 0, answer


async def allowed(kafka, topic):
    await asked(
        kafka,
        DeleteAclsRequest(
            resource_type=TOPIC,
            resource_name=topic,
            resource_pattern_type_filter=LITERAL,
            principal=None,
            host=None,
            operation=1,  # any
            permission_type=1,
        ),
    )


@pytest.fixture
def chat2ga_and_permissions(secure_kafka, prefix, tmp_path, google):
    """Workers who have to say who they are; the tests themselves need not."""
    at = ExistingKafka(secure_kafka.bootstrap, secure_kafka.cluster.url_of("SASL"))
    user = {"broker_security": "sasl_plaintext", "broker_username": USER, "broker_password": PASSWORD}
    with Chat2ga(at, prefix, tmp_path, google=google, **user) as ours:
        yield ours


@each_topic
async def test_a_topic_that_may_not_be_written_stops_the_worker(chat2ga_and_permissions, topic):
    chat2ga = chat2ga_and_permissions
    await begun(chat2ga)
    await denied(chat2ga.kafka, f"{chat2ga.prefix}{topic}")
    await chat2ga.feed(written for _, written in traffic(44, 40, bad=0.05))
    code, said = await ends(chat2ga, topic)
    assert code == 1
    assert f"{chat2ga.prefix}{topic}[" in said
    assert "permission" in said
    assert PASSWORD not in said
    await allowed(chat2ga.kafka, f"{chat2ga.prefix}{topic}")
    verdict = await mended(chat2ga)
    assert verdict.faults == {}, verdict
    assert json.dumps(PASSWORD) not in chat2ga.logs()
