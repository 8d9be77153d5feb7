"""Strays: changelog records of a worker that was taken for dead, behind those of its successor.

A frozen worker wakes with records in its client's hands, and at least once has
nothing to fence them off with. Recovery passes over a stray by the offset in it,
for as long as the newer record of its key is there; but compaction keeps the last
record of a key, which is the stray. So whoever owns the partition looks at where
its own records come to lie. A gap before them is somebody else's: it is read, and
what it turned back is written once more, at once. Compaction never touches the segment
that is written to: where a stray is the last of its segment, it has as long as that one is new.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import aiokafka
from aiokafka import TopicPartition
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list

from streams.runs.entry import unpack
from streams.runs.producer import Record
from streams.runs.tombstone import UNKNOWN, Headers, seen_by

__all__ = ["Between", "Found", "Strays", "compare", "is_stray", "read_between"]

_POLL_MS: Final = 500


def is_stray(value: bytes | None, headers: Headers, known: bytes | None) -> bool:
    """Whether a changelog record has seen less than the entry that lies before it. Raises ValueError for no entry."""
    last_offset = seen_by(value, headers)
    return known is not None and last_offset != UNKNOWN and unpack(known).last_offset > last_offset


class Strays:
    """The keys of one partition that a stray has turned back in the changelog."""

    def __init__(self) -> None:
        self._keys: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._keys)

    def all(self) -> list[bytes]:
        """Those that are yet to be written again."""
        return sorted(self._keys)

    def add(self, key: bytes) -> None:
        """The last record of this key in the changelog is not the owner's."""
        self._keys.add(key)

    def discard(self, key: bytes) -> None:
        """It is again."""
        self._keys.discard(key)

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


class Seen(NamedTuple):
    """A changelog record: an entry, or None where it removes one, and the input offset that it has seen last."""

    value: bytes | None
    last_offset: int


class Between:
    """What lies in the changelog between our own records, and these themselves, by key."""

    def __init__(self) -> None:
        self.last: dict[bytes, Seen] = {}
        self.newest: dict[bytes, Seen] = {}
        """What has seen most, even where something older lies behind it: our own record may be that."""

    def add(self, key: bytes, value: bytes | None, headers: Headers = ()) -> None:
        """The next record. Raises ValueError for a value that is no entry.

        A tombstone that does not say what it has seen has seen what lies before it.
        """
        last_offset, newest = seen_by(value, headers), self.newest.get(key)
        if last_offset == UNKNOWN and newest is not None:
            last_offset = newest.last_offset
        change = self.last[key] = Seen(value, last_offset)
        if newest is None or last_offset >= newest.last_offset:
            self.newest[key] = change


def compare(between: Between, ours: Mapping[bytes, bytes | None], entries: Mapping[bytes, bytes]) -> Found:
    """Hold what lies between our records to what we have just written and to what we know."""
    turned_back: list[bytes] = []
    taken_over: dict[bytes, bytes] = {}
    overtaken = False
    for key, last in between.last.items():
        newest, stored = between.newest[key], entries.get(key)
        if stored is None and newest.value is None:
            continue  # both have removed it
        if stored is None:
            known_offset = newest.last_offset
            if newest.value is not None:
                taken_over[key] = newest.value
        else:
            known_offset = unpack(stored).last_offset
            overtaken = overtaken or newest.last_offset > known_offset
        is_ours = key in ours and ours[key] == last.value
        if not is_ours and (last.value is None or last.last_offset < known_offset):
            turned_back.append(key)
    return Found(turned_back, taken_over, overtaken)


async def read_between(
    app: Any, topic: str, partition: int, first_offset: int, next_offset: int
) -> AsyncGenerator[tuple[bytes, bytes | None, Headers]]:
    """Key, value and headers of the records from `first_offset` to the one before `next_offset`."""
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
                    yield record.key or b"", record.value, record.headers
    finally:
        await consumer.stop()
