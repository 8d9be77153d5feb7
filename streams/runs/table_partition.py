"""The entries of one partition of a table in memory, and how far its changelog is known. Asks nobody."""

from typing import Final

from streams.runs.entry import unpack
from streams.runs.expiry import Expiry
from streams.runs.producer import Record
from streams.runs.strays import Strays
from streams.runs.tombstone import tombstone

__all__ = ["TablePartition"]


class TablePartition:
    """The entries of one partition, while it is ours."""

    def __init__(self, number: int, idle_ms: int) -> None:
        self.number = number
        self.entries: dict[bytes, bytes] = {}
        self.expiry: Final = Expiry(idle_ms)
        self.watermark_micros = 0  # the app's stream time: it never goes back
        self.record_ms = 0  # latest record time
        self.changelog_offset: int | None = None  # up to and with which the changelog was applied or written
        self.looked_offset = -1  # up to and with which it is known who has written to it
        self.source_id: bytes | None = None  # of the input that the state stems from, as the changelog says
        self.was_written = False  # before it became ours, by whatever version
        self.strays: Final = Strays()
        self.overtaken = False  # another has written newer state of it: what is here and in the store misses that

    def get(self, key: bytes) -> bytes | None:
        """The stored bytes of a key."""
        return self.entries.get(key)

    def put(self, key: bytes, stored: bytes) -> None:
        """Set a key; it is not durable before its change is written."""
        if key not in self.entries:
            self.expiry.added(key, stored)
        self.entries[key] = stored

    def remove(self, key: bytes) -> None:
        """Remove a key, if it is there."""
        self.entries.pop(key, None)

    def advance(self, watermark_micros: int, record_ms: int) -> None:
        """Time has come this far, by the stream and by its records."""
        self.watermark_micros = max(self.watermark_micros, watermark_micros)
        self.record_ms = max(self.record_ms, record_ms)

    def sweep(self, committed_next_offset: int) -> list[Record]:
        """Remove what has expired; the tombstones, for the changelog."""
        gone = self.expiry.expired(
            self.entries,
            watermark_micros=self.watermark_micros,
            record_ms=self.record_ms,
            committed_next_offset=committed_next_offset,
        )
        return [tombstone(key, self.entries.pop(key)) for key in gone]

    def last_input_offset(self) -> int:
        """The highest input offset that any entry has seen; -1 without entries."""
        return max((unpack(stored).last_offset for stored in self.entries.values()), default=-1)
