"""Dealing: all records of a session meet in one bucket, in the order of the input."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.interaction import Fault, Unknown, decode_interaction, session_key
from streams.replay.spill import FANOUT, blocks, bucket_bytes, deal, key_of
from tests.streams.replay.replays import LINES, store

ids = st.text(min_size=1, max_size=5)


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"box_closed","account_id":"a","timestamp":1700000000000,"session_id":5,"session_id":"s"}',
        b'{"type":"box_closed","account_id":"a","timestamp":1700000000000,"session_id":"x","session_id":"s"}',
        b'{"type":"box_closed","account_id":"\\u0061","timestamp":1700000000000,"session_id":"\\u0073"}',
        b'{"account_id":"a","x":{"session_id":"other"},"session_id":"s","type":"box_closed","timestamp":1700000000000}',
        b'{"type":"box_closed","account_id":"a","timestamp":1700000000000,"session_id":null,"visitor_id":"s"}',
    ],
)
def test_the_key_read_alone_is_the_key_of_the_interaction(line):
    decoded = decode_interaction(line, 1 << 62)
    assert key_of(line).decode() == session_key(decoded)


def test_the_key_read_alone_is_the_key_of_every_interaction_of_the_contract_cases():
    for line in LINES:
        decoded = decode_interaction(line, 1 << 62)
        if not isinstance(decoded, (Fault, Unknown)):
            assert key_of(line).decode() == session_key(decoded)


@given(st.binary(max_size=80))
def test_no_line_is_too_wrong_to_be_dealt(line):
    assert isinstance(key_of(line), bytes)


@given(st.lists(st.tuples(ids, ids), max_size=60), st.integers(0, 1))
def test_dealt_lines_are_all_there_in_order_and_a_session_in_one_bucket(sessions, level):
    lines = [json.dumps({"account_id": a, "session_id": s}).encode() for a, s in sessions]
    with tempfile.TemporaryDirectory() as directory:
        names = deal(enumerate(lines, 1), Path(directory), "b-", level)
        dealt = {name: [each for block in blocks(Path(directory) / name) for each in block.lines()] for name in names}
    assert all(found == sorted(found) for found in dealt.values())
    assert sorted(each for found in dealt.values() for each in found) == list(enumerate(lines, 1))
    buckets_of = {}
    for name, found in dealt.items():
        for _, line in found:
            buckets_of.setdefault(line, set()).add(name)
    assert all(len(names) == 1 for names in buckets_of.values())


def test_each_level_deals_by_another_digit(tmp_path):
    lines = [b'{"account_id":"a","session_id":"%d"}' % number for number in range(5_000)]
    one = max(deal(enumerate(lines), tmp_path), key=lambda name: (tmp_path / name / f"{_pid()}").stat().st_size)
    again = deal((each for block in blocks(tmp_path / one) for each in block.lines()), tmp_path, f"{one}-", 1)
    assert len(again) > FANOUT // 2


def _pid():
    import os

    return os.getpid()


def test_blocks_of_several_processes_are_read_in_the_order_of_the_input(tmp_path):
    bucket = tmp_path / "b"
    store([(3, b"three")], bucket)
    store([(1, b"one"), (2, b"two")], bucket)
    found = blocks(bucket)
    assert [each for block in found for each in block.lines()] == [(1, b"one"), (2, b"two"), (3, b"three")]
    assert bucket_bytes(found) == len(b"three") + len(b"one\ntwo")


def test_a_bucket_of_nothing_holds_nothing(tmp_path):
    store([], tmp_path / "b")
    assert [each for block in blocks(tmp_path / "b") for each in block.lines()] == []
