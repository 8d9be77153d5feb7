"""Dead letters: the original bytes, whatever they are, and all that is needed to mend them."""

import base64
import hashlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import HEAD_BYTES, DeadLetter, decode_dead_letter, encode_dead_letter, kept_bytes
from tests.strategies import examples


def letter(key, value, **more):
    return DeadLetter(
        topic="chat-interactions",
        partition=3,
        offset=42,
        timestamp_ms=1_704_067_200_000,
        stage="attribute",
        field="$",
        code="not_json",
        reason="Expected JSON",
        key=key,
        value=value,
        **more,
    )


@examples(100)
@given(st.none() | st.binary(), st.none() | st.binary(), st.text())
def test_any_bytes_survive_encoding(key, value, reason):
    made = msgspec.structs.replace(letter(key, value), reason=reason)
    assert decode_dead_letter(encode_dead_letter(made)) == made


def test_bytes_stand_in_base64():
    written = json.loads(encode_dead_letter(letter(b"acme/s/s", b"\xff\x00")))
    assert base64.b64decode(written["value"]) == b"\xff\x00"
    assert base64.b64decode(written["key"]) == b"acme/s/s"
    assert (written["topic"], written["partition"], written["offset"], written["field"]) == (
        "chat-interactions",
        3,
        42,
        "$",
    )


def test_no_bytes_are_told_from_empty_ones():
    assert json.loads(encode_dead_letter(letter(None, None)))["value"] is None
    assert json.loads(encode_dead_letter(letter(b"", b"")))["value"] == ""
    assert decode_dead_letter(encode_dead_letter(letter(b"", b""))).value == b""


def test_what_is_up_to_the_limit_is_kept_whole():
    value = b"x" * 100
    assert kept_bytes(value, 100) == (value, False, 100, None)
    assert kept_bytes(b"", 100) == (b"", False, 0, None)
    assert kept_bytes(None, 100) == (None, False, 0, None)


def test_of_what_is_larger_the_first_64_kb_its_size_and_its_hash():
    value = bytes(range(256)) * 4_096
    assert HEAD_BYTES == 65_536
    assert kept_bytes(value, len(value) - 1) == (value[:65_536], True, len(value), hashlib.sha256(value).hexdigest())


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff"], ids=repr)
def test_what_is_no_dead_letter_is_refused(value):
    with pytest.raises(msgspec.DecodeError):
        decode_dead_letter(value)
