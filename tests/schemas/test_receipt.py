"""CONTRACT §4, §5: receipts."""

import json
from typing import get_args

import msgspec
import pytest
from hypothesis import given

from schemas.receipt import Outcome, Receipt, decode_receipt, encode_receipt
from tests.schemas.receipts import receipt
from tests.schemas.records import encoded, struct
from tests.strategies import examples

BARE = receipt()


@examples(100)
@given(struct(Receipt))
def test_a_receipt_survives_encoding(given):
    decoded = decode_receipt(encoded(Receipt, given))
    assert decode_receipt(encode_receipt(decoded)) == decoded


def test_a_receipt_is_one_json_object():
    written = json.loads(encode_receipt(BARE))
    assert list(written) == list(Receipt.__struct_fields__)
    assert (written["tracker_id"], written["outcome"], written["reason"]) == ("G-A", "delivered", None)


def test_what_became_of_an_event_is_one_of_few_outcomes():
    assert {"delivered", "no_secret", "plan", "expired"} <= set(get_args(Outcome))
    with pytest.raises(msgspec.ValidationError, match="outcome"):
        decode_receipt(encode_receipt(BARE).replace(b"delivered", b"lost"))


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff"], ids=repr)
def test_what_is_no_receipt_is_refused(value):
    with pytest.raises(msgspec.DecodeError):
        decode_receipt(value)
