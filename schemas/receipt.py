"""Receipts: what became of each event at each of its trackers (CONTRACT §4, §5).

One JSON object a record on `ga-receipts`, keyed by the session. Every (event,
tracker) ends in exactly one outcome; silence is not one of them.
"""

from typing import Final, Literal

import msgspec

__all__ = ["Outcome", "Receipt", "decode_receipt", "encode_receipt"]

Outcome = Literal[
    "delivered",  # Google's endpoint, or the one in its place, took it
    "repeated",  # the ledger knows it as delivered: skipped
    "no_secret",  # no API secret for this tracker
    "plan",  # the account's plan does not deliver to GA
    "expired",  # older than the 72 h that GA takes
    "refused",  # the endpoint refused it for good
    "rejected",  # it breaks a published limit of GA: not sent
    "no_endpoint",  # Google's own UA endpoint is off, and no other is set
]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event at one tracker."""

    event_id: str
    tracker_id: str
    account_id: str
    session_id: str
    name: str
    outcome: Outcome
    reason: str | None = None  # a sentence; never a URL, never a secret
    status: int | None = None  # HTTP status of the answer
    attempts: int = 0
    event_micros: int = 0  # of the event
    sent_micros: int | None = None  # when the last attempt began
    answered_micros: int | None = None


encode_receipt: Final = msgspec.json.Encoder().encode
_decoder: Final = msgspec.json.Decoder(Receipt)


def decode_receipt(raw: bytes) -> Receipt:
    """The receipt in a record of `ga-receipts`. Raises msgspec.DecodeError."""
    return _decoder.decode(raw)
