"""Strays: changelog records of a worker that was taken for dead, behind those of its successor.

A frozen worker wakes with records in its client's hands, and at least once has
nothing to fence them off with. Recovery passes over a stray by the offset in it,
for as long as the newer record of its key is there; but compaction keeps the last
record of a key, which is the stray. So whoever owns the partition looks at where
its own records come to lie. A gap before them is somebody else's: it is read, and
what it turned back is written once more. Compaction never touches the segment that
is written to, and a new one begins with a write of the owner's: the owner is first.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import aiokafka
from aiokafka import TopicPartition
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list

from streams.runs.entry import unpack
from streams.runs.producer import Record

__all__ = ["Between", "Found", "Strays", "compare", "read_between"]

_POLL_MS: Final = 500


class Strays:
    """The keys of one partition that a stray has turned back in the changelog."""

    def __init__(self) -> None:
        self._keys: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: bytes) -> None:
        """The last record of this key in the changelog is not the owner's."""
        self._keys.add(key)

    def to_write_again(self, entries: Mapping[bytes, bytes], changes: Sequence[Record]) -> list[Record]:
        """Entries to be written once more, along with a run's changes.

        Memory is ahead of the changelog by the runs under way, and what they have
        changed must not become durable before their outputs. What an earlier run
        or this one has changed has seen no more than this one: the rest waits.
        """
        if not self._keys:
            return []
        seen = max((unpack(change.value).last_offset for change in changes if change.value is not None), default=-1)
        self._keys -= {change.key for change in changes if change.key is not None}
        again = []
        for key in sorted(self._keys):
            stored = entries.get(key)
            if stored is None:
                self._keys.discard(key)  # removed since: its tombstone is written with the run that removed it
            elif unpack(stored).last_offset <= seen:
                self._keys.discard(key)
                again.append(Record(key, stored))
        return again


class Found(NamedTuple):
    """What somebody else has written between our own records."""

    turned_back: list[bytes]  # keys that he has seen less of, or has removed
    taken_over: dict[bytes, bytes]  # entries of keys unknown here: what he has written, its outputs were acknowledged
    overtaken: bool  # he has seen more of a key than we: the partition is his, or was


class Between:
    """What lies in the changelog between our own records, and these themselves, by key."""

    def __init__(self) -> None:
        self.last: dict[bytes, bytes | None] = {}
        self.newest: dict[bytes, bytes] = {}
        """What has seen most, even where something older lies behind it: our own record may be that."""

    def add(self, key: bytes, value: bytes | None) -> None:
        """The next record. Raises ValueError for a value that is no entry."""
        self.last[key] = value
        if value is not None and unpack(value).last_offset >= _seen(self.newest.get(key)):
            self.newest[key] = value


def _seen(stored: bytes | None) -> int:
    return -1 if stored is None else unpack(stored).last_offset


def compare(between: Between, ours: Mapping[bytes, bytes | None], entries: Mapping[bytes, bytes]) -> Found:
    """Hold what lies between our records to what we have just written and to what we know."""
    turned_back, taken_over, overtaken = [], {}, False
    for key, last in between.last.items():
        newest, known = between.newest.get(key), entries.get(key)
        if known is None:
            if last is not None and newest is not None:
                taken_over[key] = newest
                known = newest
        elif _seen(newest) > _seen(known):
            overtaken = True
        is_ours = key in ours and ours[key] == last
        if not is_ours and _seen(last) < _seen(known):
            turned_back.append(key)
    return Found(turned_back, taken_over, overtaken)


async def read_between(
    app: Any, topic: str, partition: int, first_offset: int, next_offset: int
) -> AsyncGenerator[tuple[bytes, bytes | None]]:
    """Key and value of the records from `first_offset` to the one before `next_offset`."""
    transport = app.transport
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=server_list(transport.url, transport.default_port),
        client_id=app.conf.broker_client_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=app.isolation_level,  # what was aborted is nobody's state
        **credentials_to_aiokafka_auth(app.conf.broker_credentials, app.conf.ssl_context),
    )
    await consumer.start()
    try:
        at = TopicPartition(topic, partition)
        consumer.assign([at])
        consumer.seek(at, first_offset)
        while await consumer.position(at) < next_offset:
            for record in (await consumer.getmany(at, timeout_ms=_POLL_MS)).get(at, ()):
                if record.offset < next_offset:
                    yield record.key or b"", record.value
    finally:
        await consumer.stop()
