"""Delivery: posts events to Google Analytics. The only importer of httpx."""

from streams.delivery.delivery import Delivery, IsDelivered, Settle
from streams.delivery.errors import CannotPost, CannotValidate
from streams.delivery.pace import Pace
from streams.delivery.receipts import Settled
from streams.delivery.validation import Message, Validation

__all__ = [
    "CannotPost",
    "CannotValidate",
    "Delivery",
    "IsDelivered",
    "Message",
    "Pace",
    "Settle",
    "Settled",
    "Validation",
]
