"""chat2ga on the Kafka of the tests: alone, with a collector in Google's place, or on three nodes."""

import pytest

from tests.guarantees.google import Google
from tests.guarantees.harness import Chat2ga, secrets


@pytest.fixture
async def google():
    """A collector in Google's place."""
    async with Google(secrets=secrets()) as collector:
        yield collector


@pytest.fixture
def chat2ga(kafka, prefix, tmp_path):
    """Workers without a collector, on one node."""
    with Chat2ga(kafka, prefix, tmp_path) as ours:
        yield ours


@pytest.fixture
def chat2ga_and_google(kafka, prefix, tmp_path, google):
    """Workers and a collector, on one node."""
    with Chat2ga(kafka, prefix, tmp_path, google=google) as ours:
        yield ours


@pytest.fixture
def chat2ga_on_three(kafka_cluster, prefix, tmp_path, google):
    """Workers and a collector, on three nodes: each topic has three copies, of which two must be in sync."""
    with Chat2ga(kafka_cluster, prefix, tmp_path, google=google, copies=3) as ours:
        yield ours


@pytest.fixture
def chat2ga_on_one(kafka_alone, prefix, tmp_path, google):
    """Workers and a collector, on one node that can be killed."""
    with Chat2ga(kafka_alone, prefix, tmp_path, google=google) as ours:
        yield ours
