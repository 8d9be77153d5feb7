"""Inputs: the records of each job, the same for every engine, and what must come of each of them. Pure, from seeds."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count, islice
from random import Random
from typing import Any, Final, NamedTuple

import orjson
from msgspec import structs

from benchmarks.peers.jobs import Job
from streams.demo.traffic import EPOCH_MS, Mix, sessions, traffic
from streams.runs import Record

__all__ = ["Growing", "Input", "clicks", "expected", "interactions", "whole_sessions"]

KEYS: Final = 2_000
"""Of the counting job."""
_FILLER: Final = "x" * 140
_AT_A_TIME: Final = 200
_UNDER_WAY: Final = 40_000
"""Records, after which as much is due for each thousand as for the next."""
_MIX: Final = Mix(bad=0.0, unknown=0.0, starts_per_s=50.0)


class Input(NamedTuple):
    """Records in the order in which they are written, and how many outputs are due for each."""

    records: Sequence[Record]
    due: Sequence[int]

    def part(self, first: int, end: int) -> "Input":
        """Those from one to another."""
        return Input(self.records[first:end], self.due[first:end])


class Growing:
    """An input without end, made as far as it was asked for: what is shorter is the beginning of what is longer."""

    def __init__(self, job: Job, records: Iterator[Record]) -> None:
        self._made: Final = _applied(job, records)
        self._records: Final[list[Record]] = []
        self._due: Final[list[int]] = []

    def __len__(self) -> int:
        return len(self._records)

    def first(self, length: int) -> Input:
        """The first so many records; the job itself tells what is due for each."""
        for record, given in islice(self._made, max(length - len(self), 0)):
            self._records.append(record)
            self._due.append(len(given))
        return Input(self._records[:length], self._due[:length])


def expected(job: Job, records: Sequence[Record]) -> dict[bytes, list[bytes]]:
    """What goes out under each key, in order."""
    out: dict[bytes, list[bytes]] = defaultdict(list)
    for record, given in _applied(job, iter(records)):
        if given:
            out[record.key or b""] += given
    return dict(out)


def _applied(job: Job, records: Iterator[Record]) -> Iterator[tuple[Record, list[bytes]]]:
    held: dict[bytes, Any] = {}
    for record in records:
        assert record.key is not None
        assert record.value is not None
        held[record.key], given = job.apply(held.get(record.key), record.value, record.timestamp_ms or 0)
        yield record, given


def interactions() -> Iterator[Record]:
    """Sample traffic that every engine takes alike, 12 interactions a session: bad records are another test's.

    It has been going on for a while, as in its first minutes visits do nothing but begin, and hardly an event is due.
    """
    for record in islice(traffic(1, mix=_MIX), _UNDER_WAY, None):
        yield Record(record.key, record.value, record.arrival_ms)


def whole_sessions(length: int) -> Iterator[Record]:
    """Sessions of so many interactions on average, each to its end: some at a time, and then the next."""
    mix, start_ms = structs.replace(_MIX, mean_interactions=float(length)), EPOCH_MS
    for seed in count():
        for record in sessions(seed, _AT_A_TIME, mix=mix, start_ms=start_ms):
            yield Record(record.key, record.value, record.arrival_ms)
            start_ms = max(start_ms, record.arrival_ms)


def clicks(keys: int = KEYS) -> Iterator[Record]:
    """Records of about 190 bytes under random keys: what the job reads, and filler that it does not."""
    rng = Random(1)
    for n in count():
        sid = f"session-{rng.randrange(keys):06d}"
        value = orjson.dumps({"sid": sid, "n": n, "v": rng.randrange(100), "page": _FILLER})
        yield Record(sid.encode(), value, EPOCH_MS + n)
