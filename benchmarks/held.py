"""Sessions to be held: any number of live ones, each after ten interactions, made from a few hundred that were played.

A sample session is taken as it is but for its id, so that a million cost no more than
putting another id into their bytes. What comes of one does not hang on its id, so what
is due is known from the few. Pure.
"""

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

import msgspec

from benchmarks.inputs import Input
from benchmarks.peers.jobs import JOBS
from streams.demo.traffic import Mix, sessions
from streams.runs import Record

__all__ = ["INTERACTIONS", "clicks_in", "live_sessions"]

INTERACTIONS: Final = 10
_SAMPLES: Final = 400
_TOGETHER: Final = 500
"""Sessions that take turns, as visitors of one moment do."""


class _Sample(NamedTuple):
    """A session that was played, and its id, which stands in all of its bytes."""

    key: bytes
    id: bytes
    values: list[bytes]
    due: list[int]
    last_ms: int


def _samples() -> list[_Sample]:
    """Sessions with an id of their own, their first ten interactions."""
    played: defaultdict[bytes, list[Record]] = defaultdict(list)
    for sent in sessions(1, _SAMPLES * 4, mix=Mix(mean_interactions=30.0, bad=0.0, unknown=0.0, late=0.0)):
        if sent.key is not None and b"/s/" in sent.key:
            played[sent.key].append(Record(sent.key, sent.value, sent.arrival_ms))
    apply = JOBS["full"].apply
    found: list[_Sample] = []
    for key, records in played.items():
        if len(records) < INTERACTIONS or len(found) == _SAMPLES:
            continue
        state, due, values = None, [], []
        for record in records[:INTERACTIONS]:
            assert record.value is not None
            state, given = apply(state, record.value, record.timestamp_ms or 0)
            values.append(record.value)
            due.append(len(given))
        at_ms = records[-1].timestamp_ms or 0
        if len(apply(state, _click(key, 0, at_ms), at_ms)[1]) != 1:
            continue  # without consent nothing would come of it
        found.append(_Sample(key, key.rpartition(b"/")[2], values, due, records[INTERACTIONS - 1].timestamp_ms or 0))
    return found


def live_sessions(count: int, a_time: int) -> Iterator[Input]:
    """The interactions of so many sessions, in inputs of so many sessions each."""
    samples = _samples()
    for begin in range(0, count, a_time):
        records: list[Record] = []
        due: list[int] = []
        for first in range(begin, min(begin + a_time, count), _TOGETHER):
            together = range(first, min(first + _TOGETHER, begin + a_time, count))
            for place in range(INTERACTIONS):
                for number in together:
                    sample = samples[number % len(samples)]
                    own = _id(number)
                    value = sample.values[place].replace(sample.id, own)
                    records.append(Record(_key(sample, own), value, sample.last_ms))
                    due.append(sample.due[place])
        yield Input(records, due)


def clicks_in(count: int, held: int) -> Input:
    """So many clicks on a chat's button, each in any of the sessions held: one event each."""
    samples, rng = _samples(), Random(1)
    records = []
    for number in range(count):
        which = rng.randrange(held)
        sample = samples[which % len(samples)]
        own = _id(which)
        key = _key(sample, own)
        at_ms = sample.last_ms + 1_000 + number
        records.append(Record(key, _click(key, number, at_ms), at_ms))
    return Input(records, [1] * count)


def _click(key: bytes, number: int, at_ms: int) -> bytes:
    account, _, session = key.decode().split("/")
    return msgspec.json.encode(
        {
            "type": "button_clicked",
            "account_id": account,
            "session_id": session,
            "interaction_id": f"click-{number}",
            "timestamp": at_ms,
            "button": "Opening hours",
        }
    )


def _id(number: int) -> bytes:
    """As long as those of the samples."""
    return b"%016x" % number


def _key(sample: _Sample, own: bytes) -> bytes:
    return sample.key.replace(sample.id, own)
