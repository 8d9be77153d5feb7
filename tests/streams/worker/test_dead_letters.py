"""Dead letters: all that is needed to mend a record, and a stop when there are too many."""

import hashlib
import pickle

import pytest
from aiokafka.structs import ConsumerRecord

from schemas.dead_letter import HEAD_BYTES, decode_dead_letter
from schemas.decoding import MAX_RECORD_BYTES
from schemas.interaction import Fault
from streams.runs import Run
from streams.worker.dead_letters import DeadLetterWindow, TooManyDeadLetters, dead_letter

FAULT = Fault("timestamp", "Expected RFC 3339", "invalid")


def run_of(*values, topic="chat-interactions", partition=3, first_offset=7):
    records = [
        ConsumerRecord(topic, partition, first_offset + n, 1_700_000_000_000 + n, 0, b"key", value, None, 3, 0, ())
        for n, value in enumerate(values)
    ]
    return Run(topic, partition, records, first_offset + len(values))


def test_a_dead_letter_says_where_the_record_lies_which_field_is_at_fault_and_has_its_bytes():
    record = dead_letter(run_of(b"fine", b"\xff\x00 anything"), 1, "attribute", FAULT)
    letter = decode_dead_letter(record.value)
    assert record.key == b"key"
    assert (letter.topic, letter.partition, letter.offset) == ("chat-interactions", 3, 8)
    assert (letter.stage, letter.field, letter.code, letter.reason) == (
        "attribute",
        "timestamp",
        "invalid",
        "Expected RFC 3339",
    )
    assert (letter.key, letter.value, letter.truncated) == (b"key", b"\xff\x00 anything", False)
    assert letter.timestamp_ms == 1_700_000_000_001


def test_a_record_without_a_value_has_a_dead_letter_without_one():
    letter = decode_dead_letter(dead_letter(run_of(None), 0, "attribute", FAULT).value)
    assert (letter.value, letter.size, letter.truncated) == (None, 0, False)


@pytest.mark.parametrize(("size", "truncated"), [(MAX_RECORD_BYTES, False), (MAX_RECORD_BYTES + 1, True)])
def test_up_to_the_largest_record_all_bytes_are_kept_and_of_a_larger_one_its_head_size_and_hash(size, truncated):
    value = b"x" * size
    letter = decode_dead_letter(dead_letter(run_of(value), 0, "attribute", FAULT).value)
    assert letter.truncated is truncated
    assert letter.size == size
    assert letter.value == (value[:HEAD_BYTES] if truncated else value)
    assert letter.sha256 == (hashlib.sha256(value).hexdigest() if truncated else None)


def test_a_window_that_is_not_full_stops_nothing():
    window = DeadLetterWindow(records=10, share=0.5)
    window.count(run_of(*[b""] * 9), 9)


def test_exactly_the_share_is_allowed_and_one_more_is_not():
    DeadLetterWindow(records=10, share=0.5).count(run_of(*[b""] * 10), 5)
    with pytest.raises(TooManyDeadLetters):
        DeadLetterWindow(records=10, share=0.5).count(run_of(*[b""] * 10), 6)


def test_what_lies_before_the_window_no_longer_counts():
    window = DeadLetterWindow(records=10, share=0.5)
    window.count(run_of(*[b""] * 5), 5)
    window.count(run_of(*[b""] * 10), 0)
    window.count(run_of(*[b""] * 5), 5)


def test_the_error_names_place_counts_limit_and_remedy_and_survives_pickling():
    window = DeadLetterWindow(records=4, share=0.25)
    with pytest.raises(TooManyDeadLetters) as told:
        window.count(run_of(b"", b"", b"", b"", first_offset=100), 2)
    again = pickle.loads(pickle.dumps(told.value))
    assert str(again) == str(told.value)
    assert "2 of the last 4 records up to chat-interactions[3] offset 103" in str(again)
    assert "limit 25%" in str(again)
    assert "chat2ga dead-letters list" in str(again)
