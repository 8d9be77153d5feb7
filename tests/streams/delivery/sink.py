"""What delivery tests share: a ledger and receipts in memory, a clock that sleeping moves, accounts with secrets."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from schemas.account import Account, Accounts
from schemas.ga_event import GaEvent, Tracker
from schemas.receipt import Receipt
from streams.delivery import Delivery, Pace, Settled
from tests.streams.measurement.made import made

SECRET = "s3cr3t/+&=?of-acme"  # what an address has to escape
SECRETS = {"env:ACME": SECRET}
ACCOUNTS = Accounts(
    {
        "acme": Account(api_secrets=dict.fromkeys(("G-ABC1234567", "G-B"), "env:ACME")),
        "eu": Account(region="eu", api_secrets={"G-ABC1234567": "env:ACME"}),
        "free": Account(plan="free", api_secrets={"G-ABC1234567": "env:ACME"}),
        "gone": Account(api_secrets={"G-ABC1234567": "env:GONE"}),
        "legacy": Account(naming="legacy"),
    }
)


def micros() -> int:
    return time.time_ns() // 1_000


def recent(number: int = 0, **changes: Any) -> GaEvent:
    """An event of a second ago."""
    return made(number, **{"timestamp_micros": micros() - 1_000_000, **changes})


class Clock:
    """The wall's time, and whatever was slept on top: sleeping takes no time here."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.ahead_micros = 0

    def __call__(self) -> int:
        return micros() + self.ahead_micros

    def seconds(self) -> float:
        """The same for waits."""
        return self() / 1_000_000

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead_micros += int(seconds * 1_000_000)
        await asyncio.sleep(0)


class Sink:
    """Ledger and receipts, as the worker keeps them."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.ledger: set[tuple[str, str]] = set()
        self.at_once = Counter[str]()

    def is_delivered(self, event: GaEvent, tracker: Tracker) -> bool:
        return (event.event_id, tracker.id) in self.ledger

    async def settle(self, settled: Sequence[Settled]) -> None:
        assert settled
        for event, receipt in settled:
            assert isinstance(receipt, Receipt)
            assert (receipt.event_id, receipt.account_id, receipt.name) == (
                event.event_id,
                event.account_id,
                event.name,
            )
            self.receipts.append(receipt)
            if receipt.outcome == "delivered":
                self.ledger.add((event.event_id, receipt.tracker_id))

    @property
    def outcomes(self) -> list[str]:
        """Of all receipts, in order."""
        return [receipt.outcome for receipt in self.receipts]


def delivery(
    endpoint: str | None,
    clock: Clock | None = None,
    *,
    in_flight: int = 4,
    timeout_s: float = 10.0,
    tracker_per_s: float = 0.0,
    secret: Callable[[str], str | None] = SECRETS.get,
    pace: Pace | None = None,
) -> Delivery:
    """A delivery that waits for nothing but answers."""
    clock = clock or Clock()
    return Delivery(
        ACCOUNTS,
        endpoint=endpoint,
        in_flight=in_flight,
        timeout_s=timeout_s,
        tracker_per_s=tracker_per_s,
        now=clock,
        secret=secret,
        pace=pace or Pace(sleep=clock.sleep, now_s=clock.seconds),
    )
