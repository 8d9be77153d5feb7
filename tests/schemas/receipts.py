"""Receipts made up for tests: one of an event that arrived, and what to change of it."""

from typing import Any

from schemas.receipt import Outcome, Receipt

__all__ = ["receipt"]


def receipt(outcome: Outcome = "delivered", **changes: Any) -> Receipt:
    """A receipt of this outcome."""
    whole = {
        "event_id": "e",
        "tracker_id": "G-A",
        "account_id": "acme",
        "session_id": "s",
        "name": "Chatbot_sent",
        "event_micros": 1_000_000,
    }
    return Receipt(outcome=outcome, **{**whole, **changes})
