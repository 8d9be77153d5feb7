"""Delivery: posts events to Google Analytics. The only importer of httpx."""

from streams.delivery.delivery import Delivery, IsDelivered, Settle
from streams.delivery.errors import CannotPost
from streams.delivery.pace import Pace
from streams.delivery.receipts import Settled

__all__ = ["CannotPost", "Delivery", "IsDelivered", "Pace", "Settle", "Settled"]
