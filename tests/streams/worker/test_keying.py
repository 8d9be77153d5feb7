"""Runs of records on their way to their sessions' partitions, without a broker."""

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import decode_dead_letter
from schemas.interaction import Fault, Unknown
from streams.observe.metrics import REGISTRY
from streams.runs import Run
from streams.settings import load_settings
from streams.worker.dead_letters import DeadLetterWindow, TooManyDeadLetters
from streams.worker.keying import Keyed, Keying, partition_of
from streams.worker.topics import TopicNames, Topics

SETTINGS = load_settings(rekey="true")
ARRIVED_MS = 1_769_860_800_000
AMONG = 5
WRONG = Fault("$", "It is wrong", "invalid")


def found_in(record):
    """A record's value says what it gives: keys of one letter, or why there is nothing."""
    if record.value == b"wrong":
        return WRONG
    if record.value == b"unknown":
        return Unknown("of_tomorrow")
    return [Keyed(bytes([key]), b"%d of %s" % (n, record.value)) for n, key in enumerate(record.value)]


def computed(*values, window=DeadLetterWindow(10_000, 1.0)):  # noqa: B008 - it counts only
    names = TopicNames(SETTINGS)
    topics = Topics(SETTINGS, dict.fromkeys(names.catalogued(SETTINGS), 4))
    records = [
        ConsumerRecord("in", 1, 7 + n, ARRIVED_MS + n, 0, b"any", value, None, 0, 0, ())
        for n, value in enumerate(values)
    ]
    keying = Keying("rekey", found_in, to=topics.keyed, partitions=AMONG, topics=topics, window=window)
    outputs = keying.compute(Run("in", 1, records, 7 + len(records))).outputs
    keyed = {output.partition: output.records for output in outputs if output.topic == topics.keyed}
    letters = [
        (output.partition, each) for output in outputs if output.topic != topics.keyed for each in output.records
    ]
    return keyed, letters


def counted():
    labels = ({"agent": "rekey", "outcome": outcome} for outcome in ("applied", "unknown", "dead_letter"))
    return [REGISTRY.get_sample_value("chat2ga_records_total", each) or 0 for each in labels]


@given(st.lists(st.text("abcdef", max_size=4).map(str.encode), max_size=30))
def test_what_records_give_lies_where_its_key_has_its_home_in_the_order_of_the_input(values):
    keyed, letters = computed(*values) if values else ({}, [])
    assert letters == []
    for partition, records in keyed.items():
        due = [
            (key.to_bytes(), b"%d of %s" % (n, value), ARRIVED_MS + number)
            for number, value in enumerate(values)
            for n, key in enumerate(value)
            if partition_of(key.to_bytes(), AMONG) == partition
        ]
        assert [(each.key, each.value, each.timestamp_ms) for each in records] == due
    assert sum(map(len, keyed.values())) == sum(map(len, values))


def test_a_key_has_its_home_where_kafkas_own_clients_put_it():
    # Of Kafka's own test of its hash: murmur2 of "21", "foobar" and "abc".
    assert [partition_of(key, 1 << 31) for key in (b"21", b"foobar", b"abc")] == [
        hash_ & 0x7FFFFFFF for hash_ in (-973_932_308, -790_332_482, 479_470_107)
    ]


def test_what_is_wrong_is_a_dead_letter_of_the_record_as_it_came_and_the_rest_goes_on():
    before = counted()
    keyed, ((partition, record),) = computed(b"a", b"wrong", b"unknown", b"", b"b")
    letter = decode_dead_letter(record.value)
    assert (letter.stage, letter.topic, letter.partition, letter.offset) == ("rekey", "in", 1, 8)
    assert (letter.field, letter.reason, letter.code) == (WRONG.field, WRONG.reason, WRONG.code)
    assert letter.value == b"wrong"
    assert (partition, record.key) == (1, b"any")
    assert sorted(each.key for records in keyed.values() for each in records) == [b"a", b"b"]
    applied, unknown, dead = (after - then for after, then in zip(counted(), before, strict=True))
    assert (applied, unknown, dead) == (2, 2, 1)


def test_more_dead_letters_than_allowed_stop_the_worker_before_anything_is_written():
    with pytest.raises(TooManyDeadLetters, match=r"in\[1\]"):
        computed(b"wrong", b"wrong", b"a", window=DeadLetterWindow(3, 0.5))
