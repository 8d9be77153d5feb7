"""The topic catalogue: complete, sound, and large enough for what goes through it."""

import importlib.util
import re
from typing import get_args

import msgspec
import pytest

from schemas.catalog import LARGEST_MESSAGE_BYTES, PARTIES, PARTITIONS, TOPICS, Party, topic_named
from schemas.dead_letter import DeadLetter, Stage, encode_dead_letter, kept_bytes
from schemas.decoding import MAX_RECORD_BYTES
from streams.settings import Settings
from tests.schemas.golden import EXAMPLES, files_of

MAX_KEY = 2 * 256 * 4 + len("/s/")  # bytes of the longest session key
BATCH_AND_RECORD = 61 + 5 * 5 + 10  # Kafka's overhead for a batch of one: header, varints, timestamps
JSON_TOPICS = [topic for topic in TOPICS if topic.encoding == "json"]


def by_name(topics=TOPICS):
    return pytest.mark.parametrize("topic", topics, ids=lambda topic: topic.name)


def test_the_topics_are_those_of_the_contract():
    assert [topic.name for topic in TOPICS] == [
        "chat-source-<format>",
        "chat-interactions",
        "chat-interactions-keyed",
        "ga-events",
        "ga-receipts",
        "dead-letters",
        "<group>-sessions-changelog",
        "<group>-ledger-changelog",
    ]


@by_name()
def test_a_name_has_hyphens_and_never_a_dot(topic):
    assert re.fullmatch(r"(<group>-)?[a-z]+(-[a-z]+)*(-<format>)?", topic.name)


@by_name()
def test_a_topic_says_what_it_is_and_how_it_is_keyed(topic):
    assert topic.what.endswith(".")
    assert topic.key


@by_name()
def test_a_topic_is_found_by_its_name(topic):
    assert topic_named(topic.name) is topic


def test_an_unknown_topic_is_an_error():
    with pytest.raises(KeyError):
        topic_named("chat.interactions")


# -- who writes and reads ------------------------------------------------------------


@by_name()
def test_no_topic_is_an_orphan(topic):
    assert topic.producers
    assert topic.consumers
    assert set(topic.producers + topic.consumers) <= set(PARTIES)


def test_every_party_writes_or_reads_somewhere_and_is_told():
    assert set(PARTIES) == set(get_args(Party))
    assert set(PARTIES) == {party for topic in TOPICS for party in topic.producers + topic.consumers}


def test_the_agents_are_the_stages_of_a_dead_letter():
    agents = set(PARTIES) - {"sender", "ingest", "dead-letters", "receipts", "consumers"}
    assert agents == set(get_args(Stage))
    assert agents == set(topic_named("dead-letters").producers)


@pytest.mark.parametrize("party", [*get_args(Stage), "ingest", "dead-letters"])
def test_who_is_of_chat2ga_exists_in_its_code(party):
    of_the_command_line = party in ("ingest", "dead-letters")
    module = f"streams.cli.{party.replace('-', '_')}" if of_the_command_line else f"streams.worker.{party}"
    assert importlib.util.find_spec(module)


def test_what_one_agent_writes_for_another_arrives_there():
    """The way of a record: (translated,) in, (keyed), attributed, delivered, told."""
    assert topic_named("chat-source-<format>").consumers == ("translate",)
    assert {"ingest", "translate"} < set(topic_named("chat-interactions").producers)
    assert "rekey" in topic_named("chat-interactions").consumers
    assert topic_named("chat-interactions-keyed").producers[0] == "rekey"
    assert "attribute" in topic_named("chat-interactions-keyed").consumers
    assert "attribute" in topic_named("chat-interactions").consumers
    assert "attribute" in topic_named("ga-events").producers
    assert "deliver" in topic_named("ga-events").consumers
    assert "deliver" in topic_named("ga-receipts").producers


@by_name([topic for topic in TOPICS if topic.encoding == "entry"])
def test_a_changelog_is_read_by_the_agent_that_writes_it_and_by_nobody_else(topic):
    assert topic.producers == topic.consumers
    assert len(topic.producers) == 1


def test_only_the_keyed_topic_comes_and_goes_with_rekey_and_those_of_other_formats_with_sources():
    assert [topic.name for topic in TOPICS if topic.only_with_rekey] == ["chat-interactions-keyed"]
    assert [topic.name for topic in TOPICS if topic.only_with_sources] == ["chat-source-<format>"]


# -- how it is kept ------------------------------------------------------------------


@by_name()
def test_changelogs_are_compacted_and_all_else_is_deleted_with_time(topic):
    compacted = topic.name.endswith("-changelog")
    assert topic.cleanup_policy == ("compact" if compacted else "delete")
    assert (topic.retention_ms is None) is compacted
    assert (topic.encoding == "entry") is compacted


@by_name()
def test_brokers_get_a_topics_settings_as_texts(topic):
    configs = topic.configs()
    assert configs["cleanup.policy"] == topic.cleanup_policy
    assert configs["max.message.bytes"] == str(topic.max_message_bytes)
    assert configs.get("retention.ms") == (None if topic.retention_ms is None else str(topic.retention_ms))


def test_an_event_is_kept_longer_than_ga_takes_it():
    window_ms = 72 * 3_600_000
    assert topic_named("ga-events").retention_ms > window_ms


def test_a_changelog_has_the_partitions_of_the_topic_whose_state_it_keeps():
    follows = {topic.name: topic.partitions_of for topic in TOPICS if topic.partitions_of}
    assert follows == {
        "<group>-sessions-changelog": "chat-interactions",
        "<group>-ledger-changelog": "ga-events",
    }
    assert all(topic_named(name).consumers == topic_named(followed).consumers[:1] for name, followed in follows.items())


@by_name()
def test_the_partitions_are_the_settings_default(topic):
    assert topic.partitions == PARTITIONS == Settings.model_fields["partitions"].default


# -- how large a record may be ---------------------------------------------------------


@by_name([topic_named("chat-interactions"), topic_named("chat-interactions-keyed")])
def test_the_largest_record_that_is_taken_fits(topic):
    assert topic.max_message_bytes >= MAX_RECORD_BYTES + MAX_KEY + BATCH_AND_RECORD


def test_a_record_that_is_too_large_reaches_us_and_becomes_a_dead_letter():
    assert topic_named("chat-interactions").max_message_bytes > 5 * 1_048_576


def test_the_largest_record_that_is_kept_whole_fits_the_dead_letters_with_all_that_is_said_of_it():
    value, truncated, size, sha256 = kept_bytes(b"\xff" * MAX_RECORD_BYTES, MAX_RECORD_BYTES)
    assert not truncated
    key = b"k" * MAX_KEY
    letter = DeadLetter(
        topic="p" * 249,  # Kafka's longest name
        partition=2**31 - 1,
        offset=2**63 - 1,
        timestamp_ms=2**63 - 1,
        stage="attribute",
        field="page.measurement_ids",
        code="unknown_type",
        reason="\U0001f600" * 2_000,
        key=key,
        value=value,
        truncated=truncated,
        size=size,
        sha256=sha256,
    )
    room = topic_named("dead-letters").max_message_bytes
    assert len(encode_dead_letter(letter)) + len(key) + BATCH_AND_RECORD <= room


def test_a_producer_may_send_to_every_topic():
    assert all(topic.max_message_bytes <= LARGEST_MESSAGE_BYTES for topic in TOPICS)


# -- what is in it ---------------------------------------------------------------------


@by_name(JSON_TOPICS)
def test_a_public_topics_records_can_be_decoded(topic):
    assert isinstance(
        msgspec.json.Decoder(topic.schema, dec_hook=lambda kind, value: kind(value)), msgspec.json.Decoder
    )


@by_name([topic for topic in JSON_TOPICS if not topic.only_with_rekey])
def test_every_public_topic_has_examples_valid_and_invalid(topic):
    assert files_of(topic.name, "valid")
    assert files_of(topic.name, "invalid")


def test_every_folder_of_examples_is_a_topics():
    assert {folder.name for folder in EXAMPLES.iterdir()} <= {topic.name for topic in TOPICS}
