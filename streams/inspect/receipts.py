"""Receipts read back: which ones there are, and what they add up to.

Memory is bounded whatever the topic holds: times go into buckets of 2 %, and
of accounts, trackers, names and reasons so many are told apart, the rest together.
"""

import math
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from schemas.receipt import Receipt, decode_receipt
from streams.inspect.reading import Progress, to_the_end, untold
from streams.settings import Settings
from streams.worker.topics import TopicNames

__all__ = ["OTHER", "Found", "Spread", "Summary", "Wanted", "receipts"]

OTHER: Final = "(other)"
"""What stands for all that is not told apart."""
_MOST: Final = 10_000
_STEP: Final = 1.02
_MICROS: Final = 1_000_000


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which receipts."""

    account: str | None = None
    tracker: str | None = None
    outcome: str | None = None
    event_id: str | None = None
    since_ms: int | None = None  # when the receipt was written, this included
    until_ms: int | None = None  # the same, this excluded

    def takes(self, receipt: Receipt) -> bool:
        """Whether this is one of them, its time apart."""
        return (
            self.account in (None, receipt.account_id)
            and self.tracker in (None, receipt.tracker_id)
            and self.outcome in (None, receipt.outcome)
            and self.event_id in (None, receipt.event_id)
        )

    @property
    def picks(self) -> bool:
        """Whether it asks for more than a time, which any record has."""
        return (self.account, self.tracker, self.outcome, self.event_id) != (None,) * 4


class Found(msgspec.Struct, frozen=True):
    """A record of the receipts' topic, where it lies; `receipt` is None where somebody else wrote it."""

    partition: int
    offset: int
    written_ms: int
    receipt: Receipt | None


async def receipts(settings: Settings, wanted: Wanted, progress: Progress = untold) -> AsyncIterator[Found]:
    """The receipts there are now, each partition in its order. Raises BrokerUnreachable and NoTopic."""
    topic = TopicNames(settings).receipts
    async for record in to_the_end(settings, topic, since_ms=wanted.since_ms, progress=progress):
        # Asked of each record: Kafka finds where to begin, and behind that times may go back.
        if wanted.since_ms is not None and record.timestamp < wanted.since_ms:
            continue
        if wanted.until_ms is not None and record.timestamp >= wanted.until_ms:
            continue
        try:
            receipt = decode_receipt(record.value or b"")
        except (msgspec.MsgspecError, UnicodeError):
            receipt = None
        if wanted.takes(receipt) if receipt is not None else not wanted.picks:
            yield Found(record.partition, record.offset, record.timestamp, receipt)


class Spread:
    """How times are spread: a share of them, within 2 %; the longest exactly."""

    def __init__(self) -> None:
        self._buckets: Final[Counter[int]] = Counter()
        self.count = 0
        self.max_micros = 0

    def add(self, micros: int) -> None:
        """One more. Below a microsecond, as between two clocks that differ, it counts as none."""
        self.count += 1
        self.max_micros = max(self.max_micros, micros)
        self._buckets[math.ceil(math.log(micros, _STEP)) if micros > 0 else -1] += 1

    def share_micros(self, share: float) -> int:
        """What that share of them does not exceed; 0 where there are none."""
        left = math.ceil(share * self.count)
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return 0 if bucket < 0 else min(round(_STEP**bucket), self.max_micros)
        return 0

    def told(self) -> dict[str, Any]:
        """Count, and seconds."""
        return {
            "count": self.count,
            "p50": self.share_micros(0.5) / _MICROS,
            "p95": self.share_micros(0.95) / _MICROS,
            "max": self.max_micros / _MICROS,
        }


class _Counts:
    """Outcomes by something, the first so many of which are told apart."""

    def __init__(self) -> None:
        self._by: Final[dict[str, Counter[str]]] = {}

    def add(self, what: str, outcome: str) -> None:
        if what not in self._by and len(self._by) >= _MOST:
            what = OTHER
        self._by.setdefault(what, Counter())[outcome] += 1

    def told(self) -> dict[str, dict[str, int]]:
        """The most frequent first; of each its outcomes, the most frequent first."""
        most = sorted(self._by.items(), key=lambda item: (-item[1].total(), item[0]))
        return {what: _ranked(outcomes) for what, outcomes in most}


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


class Summary:
    """What receipts add up to."""

    def __init__(self) -> None:
        self.receipts = 0
        self.unreadable = 0
        self._written_ms: tuple[int, int] | None = None
        self._outcomes: Final[Counter[str]] = Counter()
        self._accounts, self._trackers, self._names, self._reasons = _Counts(), _Counts(), _Counts(), _Counts()
        self._tried = self._tried_again = self._most_tries = 0
        self._to_sent, self._to_answer = Spread(), Spread()

    def add(self, found: Found) -> None:
        """One more."""
        receipt = found.receipt
        if receipt is None:
            self.unreadable += 1
            return
        first, last = self._written_ms or (found.written_ms, found.written_ms)
        self._written_ms = min(first, found.written_ms), max(last, found.written_ms)
        self.receipts += 1
        self._outcomes[receipt.outcome] += 1
        self._accounts.add(receipt.account_id, receipt.outcome)
        self._trackers.add(receipt.tracker_id, receipt.outcome)
        self._names.add(receipt.name, receipt.outcome)
        if receipt.reason is not None:
            self._reasons.add(receipt.reason, receipt.outcome)
        if receipt.attempts:
            self._tried += 1
            self._tried_again += receipt.attempts > 1
            self._most_tries = max(self._most_tries, receipt.attempts)
        if receipt.sent_micros is not None:
            self._to_sent.add(receipt.sent_micros - receipt.event_micros)
            if receipt.answered_micros is not None:
                self._to_answer.add(receipt.answered_micros - receipt.sent_micros)

    def told(self) -> dict[str, Any]:
        """All of it, for machines: times in seconds, moments in epoch milliseconds."""
        first, last = self._written_ms or (None, None)
        return {
            "receipts": self.receipts,
            "unreadable": self.unreadable,
            "first_written_ms": first,
            "last_written_ms": last,
            "outcomes": _ranked(self._outcomes),
            "accounts": self._accounts.told(),
            "trackers": self._trackers.told(),
            "names": self._names.told(),
            "attempts": {"tried": self._tried, "more_than_once": self._tried_again, "most": self._most_tries},
            "event_to_sent_s": self._to_sent.told(),
            "sent_to_answered_s": self._to_answer.told(),
            "reasons": self._reasons.told(),
        }
