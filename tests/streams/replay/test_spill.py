"""Dealing: all records of a session meet in one bucket, in the order of the input."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoding import decode_interaction, session_key
from schemas.interaction import Fault, Unknown
from streams.replay.places import line_at
from streams.replay.spill import blocks, bucket_bytes, buckets_in, deal, key_of
from tests.streams.replay.replays import LINES, batched

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


@given(st.lists(st.tuples(ids, ids, st.integers(0, 9)), max_size=60), st.integers(1, 9))
def test_dealt_records_are_all_there_in_order_and_a_session_in_one_bucket(sessions, fanout):
    given_records = [
        (line_at(0, number), arrival_ms, json.dumps({"account_id": a, "session_id": s}).encode() + b"\n" * arrival_ms)
        for number, (a, s, arrival_ms) in enumerate(sessions, 1)
    ]
    with tempfile.TemporaryDirectory() as directory:
        dealt = []
        for number, piece in enumerate(batched(given_records, 25)):
            dealt.append(Path(directory) / f"{number}.dealt")
            deal(piece, fanout, dealt[-1])
        in_buckets = {
            number: [each for block in blocks(dealt, number) for each in block.records(-1)] for number in range(fanout)
        }
        assert buckets_in(dealt, fanout) == [number for number, found in in_buckets.items() if found]
        sizes = {number: bucket_bytes(blocks(dealt, number)) for number in range(fanout)}
    assert all(found == sorted(found) for found in in_buckets.values())
    assert sorted(each for found in in_buckets.values() for each in found) == given_records
    assert sizes == {number: sum(len(line) for _, _, line in found) for number, found in in_buckets.items()}
    buckets_of = {}
    for number, found in in_buckets.items():
        for _, _, line in found:
            buckets_of.setdefault(line.rstrip(), set()).add(number)
    assert all(len(numbers) == 1 for numbers in buckets_of.values())


def test_sessions_are_spread_over_the_buckets(tmp_path):
    records = [(n, 0, b'{"account_id":"a","session_id":"%d"}' % n) for n in range(5_000)]
    deal(records, 50, tmp_path / "dealt")
    counts = [sum(block.count for block in blocks([tmp_path / "dealt"], number)) for number in range(50)]
    assert max(counts) < 2 * 100


def test_a_piece_is_dealt_whole_or_not_at_all(tmp_path):
    def records():
        yield 1, 0, b"{}"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deal(records(), 4, tmp_path / "dealt")
    assert list(tmp_path.iterdir()) == []


def test_what_is_dealt_takes_a_fraction_of_the_disk(tmp_path):
    deal([(n, 0, line) for n, line in enumerate(LINES)], 4, tmp_path / "dealt")
    assert (tmp_path / "dealt").stat().st_size < sum(map(len, LINES)) / 3
