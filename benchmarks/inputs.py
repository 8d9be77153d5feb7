"""Inputs: the records of each job, the same for every engine, and what must come of each of them. Pure, from seeds."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from benchmarks.peers.jobs import Job
from streams.demo.traffic import Mix, sessions
from streams.runs import Record

__all__ = ["Input", "clicks", "expected", "interactions", "made"]

KEYS: Final = 2_000
"""Of the counting job."""
_FILLER: Final = "x" * 140
_FIRST_MS: Final = 1_767_600_000_000


class Input(NamedTuple):
    """Records in the order in which they are written, and how many outputs are due for each."""

    records: Sequence[Record]
    due: Sequence[int]

    def part(self, first: int, end: int) -> "Input":
        """Those from one to another."""
        return Input(self.records[first:end], self.due[first:end])


def made(job: Job, records: Iterator[Record]) -> Input:
    """The input of these records: the job itself tells what is due."""
    kept, due = [], []
    for record, given in _applied(job, records):
        kept.append(record)
        due.append(len(given))
    return Input(kept, due)


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


def interactions(count: int, *, mean_interactions: float = 12.0) -> Iterator[Record]:
    """Sample traffic, the first so many that every engine takes alike: bad records are another test's."""
    mix = Mix(mean_interactions=mean_interactions, bad=0.0, unknown=0.0, starts_per_s=50.0)
    for record, _ in zip(sessions(1, count, mix=mix), range(count), strict=False):
        yield Record(record.key, record.value, record.arrival_ms)


def clicks(count: int, keys: int = KEYS) -> Iterator[Record]:
    """Records of about 190 bytes under random keys: what the job reads, and filler that it does not."""
    rng = Random(1)
    for n in range(count):
        sid = f"session-{rng.randrange(keys):06d}"
        value = orjson.dumps({"sid": sid, "n": n, "v": rng.randrange(100), "page": _FILLER})
        yield Record(sid.encode(), value, _FIRST_MS + n)
