"""The AsyncAPI document: valid by AsyncAPI's own schema, and true of the catalogue."""

import copy
import json
import re
from typing import get_args

import pytest
import yaml
from jsonschema import Draft7Validator

from schemas.catalog import TOPICS
from schemas.dead_letter import Stage
from streams.reference.asyncapi import asyncapi, asyncapi_yaml
from streams.reference.json_schemas import json_schemas
from tests.schemas.golden import ROOT

OFFICIAL = Draft7Validator(json.loads((ROOT / "tests/schemas/vendored/asyncapi-3.0.0.json").read_bytes()))
DOCUMENT = asyncapi()


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_it_is_valid_by_the_official_schema():
    OFFICIAL.validate(DOCUMENT)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("asyncapi",), "2.6.0"),
        (("channels", "ga-events", "bindings", "kafka", "partitions"), 0),
        (("channels", "ga-events", "bindings", "kafka", "topicConfiguration", "cleanup.policy"), "delete"),
        (("operations", "attribute-sends-ga-events", "action"), "publish"),
        (("components", "messages", "ga-events", "payload"), 5),
    ],
)
def test_the_official_schema_would_find_a_fault(path, value):
    broken = copy.deepcopy(DOCUMENT)
    node = broken
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    assert not OFFICIAL.is_valid(broken)


def test_its_file_says_the_same_and_repeats_nothing_by_anchor():
    assert yaml.safe_load(asyncapi_yaml()) == DOCUMENT
    assert "&id" not in asyncapi_yaml()


def test_every_reference_leads_somewhere():
    for reference in references(DOCUMENT):
        if reference.startswith("./"):
            assert reference.removeprefix("./") in json_schemas()
            continue
        node = DOCUMENT
        for key in reference.removeprefix("#/").split("/"):
            node = node[key]
        assert node


def test_there_is_a_channel_for_every_topic_kept_as_the_catalogue_says():
    assert [channel["title"] for channel in DOCUMENT["channels"].values()] == [topic.name for topic in TOPICS]
    for topic, channel in zip(TOPICS, DOCUMENT["channels"].values(), strict=True):
        kafka = channel["bindings"]["kafka"]
        assert kafka["partitions"] == topic.partitions
        told = {
            name: ",".join(value) if isinstance(value, list) else str(value)
            for name, value in kafka["topicConfiguration"].items()
        }
        assert told == topic.configs()


def test_an_address_is_the_topics_name_as_settings_make_it():
    addresses = {channel["title"]: channel["address"] for channel in DOCUMENT["channels"].values()}
    assert addresses["ga-events"] == "{prefix}ga-events"
    assert addresses["<group>-ledger-changelog"] == "{prefix}{group}-ledger-changelog"
    assert addresses["chat-source-<format>"] == "{prefix}chat-source-{format}"
    for channel in DOCUMENT["channels"].values():
        assert set(channel["parameters"]) == set(re.findall(r"\{(\w+)\}", channel["address"]))


def test_the_agents_do_what_the_catalogue_says_and_others_have_no_operation():
    told = {
        (name.split("-")[0], operation["action"], operation["channel"]["$ref"].rpartition("/")[2])
        for name, operation in DOCUMENT["operations"].items()
    }
    agents = get_args(Stage)
    wanted = {
        (party, action, topic.name.removeprefix("<group>-").removesuffix("-<format>"))
        for topic in TOPICS
        for action, parties in (("send", topic.producers), ("receive", topic.consumers))
        for party in parties
        if party in agents
    }
    assert told == wanted


def test_each_agent_reads_in_a_consumer_group_of_its_own_and_a_table_in_none():
    groups = {
        name: operation.get("bindings", {}).get("kafka", {}).get("groupId", {}).get("examples")
        for name, operation in DOCUMENT["operations"].items()
        if operation["action"] == "receive"
    }
    assert groups == {
        "attribute-receives-chat-interactions": ["chat2ga"],
        "translate-receives-chat-source": ["chat2ga-translate-<format>"],
        "rekey-receives-chat-interactions": ["chat2ga-rekey"],
        "attribute-receives-chat-interactions-keyed": ["chat2ga"],
        "deliver-receives-ga-events": ["chat2ga-deliver"],
        "attribute-receives-sessions-changelog": None,
        "deliver-receives-ledger-changelog": None,
    }
