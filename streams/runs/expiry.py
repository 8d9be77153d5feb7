"""Expiry: which entries nothing needs any more, found without looking at all of them.

An entry may go when two times have passed: its expiry, by the stream's
watermark, and a while of record time in which no record touched it. Neither is
enough alone: a backfill among live traffic looks old, and a wrong clock looks
new. And its last record must be committed, or a crash would read that record
again into an empty state.

Keys wait in buckets by the time of their next look. A touched entry is not
moved: it is looked at when its bucket is due, and put where it belongs then.
So an entry costs one list slot, one more for each time that it was removed and
made again before its first look, and a record costs nothing.
"""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import Final

from streams.runs.entry import expires_of, unpack

__all__ = ["Expiry"]

_BUCKET_MICROS: Final = 60_000_000
_BUCKET_MS: Final = 60_000
MAX_LOOKS: Final = 2_000
"""Entries looked at in one sweep: a bucket of many must not hold up the stream."""


class _Buckets:
    """Keys by the time at which they are to be looked at, earliest first."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._keys: dict[int, list[bytes]] = {}
        self._order: list[int] = []

    def add(self, key: bytes, at: int) -> None:
        bucket = at // self._width
        keys = self._keys.get(bucket)
        if keys is None:
            self._keys[bucket] = [key]
            heappush(self._order, bucket)
        else:
            keys.append(key)

    def due(self, now: int) -> Iterator[bytes]:
        """Keys of the buckets that lie wholly before `now`; each is taken out as it is given."""
        while self._order and (self._order[0] + 1) * self._width <= now:
            bucket = self._order[0]
            keys = self._keys[bucket]
            while keys:
                yield keys.pop()
            if self._keys[bucket] is keys and not keys:
                heappop(self._order)
                del self._keys[bucket]

    def __len__(self) -> int:
        return sum(len(keys) for keys in self._keys.values())


class Expiry:
    """When to look at which entry of one partition."""

    def __init__(self, idle_ms: int) -> None:
        self._idle_ms = idle_ms
        self._by_expiry = _Buckets(_BUCKET_MICROS)  # stream time
        self._by_touch = _Buckets(_BUCKET_MS)  # record time, for those past their expiry

    def added(self, key: bytes, stored: bytes) -> None:
        """A key is new in the table."""
        self._by_expiry.add(key, expires_of(stored))

    def expired(
        self, entries: Mapping[bytes, bytes], *, watermark_micros: int, record_ms: int, committed_next_offset: int
    ) -> list[bytes]:
        """Keys that may go now, at most `MAX_LOOKS` of them; the caller removes them."""
        gone = []
        looked: set[bytes] = set()  # a key that was removed and made again waits twice
        looks = 0
        for waiting in (self._by_expiry, self._by_touch):
            due = waiting.due(watermark_micros if waiting is self._by_expiry else record_ms)
            while looks < MAX_LOOKS and (key := next(due, None)) is not None:
                looks += 1
                stored = entries.get(key)
                if stored is None or key in looked:
                    continue
                looked.add(key)
                entry = unpack(stored)
                quiet_ms = entry.touched_ms + self._idle_ms
                if entry.expires_micros >= watermark_micros:
                    self._by_expiry.add(key, entry.expires_micros)
                elif quiet_ms >= record_ms:
                    self._by_touch.add(key, quiet_ms)
                elif entry.last_offset >= committed_next_offset:
                    self._by_touch.add(key, record_ms)
                else:
                    gone.append(key)
        return gone

    def __len__(self) -> int:
        return len(self._by_expiry) + len(self._by_touch)
