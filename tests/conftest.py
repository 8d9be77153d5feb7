"""Fixtures of every area: a real Kafka, and names of one's own on it."""

import asyncio
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import hypothesis
import pytest

from tests.bookkeeping import Bookkeeping
from tests.kafka import KafkaCluster, delete_topics
from tests.kafka.needs import REQUIRE_KAFKA, TEST_BROKER, ExistingKafka, existing_kafka
from tests.kafka.secure import SecureKafka, secured

# No deadline: on a busy machine it would fail tests for being slow. The blob repeats a failure anywhere.
hypothesis.settings.register_profile("chat2ga", deadline=None, print_blob=True)
hypothesis.settings.load_profile("chat2ga")

Kafka = KafkaCluster | ExistingKafka


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """One node for all tests of a process, or the broker of CHAT2GA_TEST_BROKER. Use `prefix` to be alone on it."""
    existing = existing_kafka()
    if existing is not None:
        yield existing
        return
    with KafkaCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def _three_nodes() -> Iterator[KafkaCluster]:
    with KafkaCluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture
def kafka_cluster(_three_nodes: KafkaCluster) -> Iterator[KafkaCluster]:
    """Three nodes, to be killed and restarted: each test finds all of them at work."""
    yield _three_nodes
    _three_nodes.restore()


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """One node with a listener for each way of TLS and SASL, and an authorizer; of its clear one, `prefix` is."""
    with secured(tmp_path_factory.mktemp("certificates")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def _one_node() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        yield cluster


@pytest.fixture
def kafka_alone(_one_node: KafkaCluster) -> Iterator[KafkaCluster]:
    """One node that nobody else uses, to be killed, frozen and restarted."""
    yield _one_node
    _one_node.restore()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    """A topic prefix of this test's own, for use with a Kafka of the above. Its topics go when it ends."""
    mine = f"t{uuid.uuid4().hex[:10]}-"
    yield mine
    for name in ("kafka", "kafka_cluster", "kafka_alone", "secure_kafka"):
        if name in request.fixturenames:
            with ThreadPoolExecutor(1) as thread:  # the test's own event loop may still be there
                thread.submit(asyncio.run, delete_topics(request.getfixturevalue(name).bootstrap, mine)).result()


def pytest_configure(config: pytest.Config) -> None:
    """Settings of the caller's environment must not change what tests see."""
    for name in list(os.environ):
        if name.startswith("CHAT2GA_") and name not in (TEST_BROKER, REQUIRE_KAFKA):
            del os.environ[name]
    config.pluginmanager.register(Bookkeeping(config))
