"""A dead letter gives back the line as it stands, or says how it does not."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import HEAD_BYTES
from schemas.decoding import MAX_RECORD_BYTES, decode_interaction
from schemas.interaction import Fault
from streams.replay.dead_letters import Oversized, dead_line, oversized_fault

FAULT = Fault("page", "Expected an object", "invalid")


def letter(given_line):
    line = dead_line("in.jsonl", 7, FAULT, given_line)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return json.loads(line)


def test_a_line_of_text_stands_as_it_is():
    assert letter(b'{"page":1}') == {
        "file": "in.jsonl",
        "line": 7,
        "field": "page",
        "code": "invalid",
        "reason": "Expected an object",
        "value": '{"page":1}',
    }


@given(st.binary(max_size=200))
def test_the_original_bytes_can_always_be_had_back(line):
    told = letter(line)
    value = told["value"]
    assert (base64.b64decode(value) if told.get("encoding") == "base64" else value.encode()) == line


@pytest.mark.parametrize("head", [b"x" * HEAD_BYTES, ("x" + "é" * HEAD_BYTES).encode()[:HEAD_BYTES]])
def test_of_a_line_too_large_the_head_stands_and_what_identifies_it(head):
    told = letter(Oversized(head, 9_000_000, "abc"))
    assert (told["truncated"], told["size"], told["sha256"]) == (True, 9_000_000, "abc")
    assert told["value"].encode() == head[: len(told["value"].encode())]
    assert len(told["value"].encode()) >= HEAD_BYTES - 1
    assert "encoding" not in told


def test_a_line_just_too_large_is_cut_like_one_far_too_large():
    told = letter(b"y" * (MAX_RECORD_BYTES + 1))
    assert (told["truncated"], told["size"], len(told["value"])) == (True, MAX_RECORD_BYTES + 1, HEAD_BYTES)


def test_too_large_is_said_in_the_words_of_decoding():
    size = MAX_RECORD_BYTES + 1
    assert oversized_fault(size) == decode_interaction(b"x" * size, 0)
