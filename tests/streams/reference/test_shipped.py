"""The contracts as they are shipped."""

import json

import pytest

from schemas.catalog import TOPICS, topic_named
from streams.reference import contract_files, schema_of
from streams.reference.shipped import schema_file


def test_every_public_topic_has_its_schema():
    for topic in TOPICS:
        if topic.encoding == "json":
            assert json.loads(schema_of(topic.name))["$id"] == schema_file(topic)


def test_topics_of_the_same_records_share_a_schema():
    assert schema_of("chat-interactions-keyed") == schema_of("chat-interactions")
    assert schema_file(topic_named("chat-interactions-keyed")) == "chat-interactions.schema.json"


@pytest.mark.parametrize("name", ["<group>-sessions-changelog", "<group>-ledger-changelog", "chat.interactions"])
def test_a_private_or_unknown_topic_has_none(name):
    with pytest.raises(KeyError):
        schema_of(name)


def test_what_is_shipped_is_the_schemas_and_the_document():
    schemas = {schema_file(topic) for topic in TOPICS if topic.encoding == "json"}
    assert set(contract_files()) == {*schemas, "asyncapi.yaml"}
