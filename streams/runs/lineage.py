"""Lineage: which topics a table stems from, kept with the table.

Offsets in the state mean something in one incarnation of the input alone, and
a local store is a copy of one incarnation of the changelog alone. So the first
record of each changelog partition names the input by its topic id, and the local
store names the changelog. Both are looked up before anything is read, and again
and again while the app runs.

Invariant: an input offset is committed only once its partition's changelog
names the input; a changelog partition that holds nothing beside a committed
offset is therefore not the one that was written.
"""

from typing import Final

from streams.runs.entry import pack, unpack
from streams.runs.errors import ChangelogRecreated, PartitionsDiffer, TopicRecreated
from streams.runs.identity import UNKNOWN_ID, TopicIdentity

__all__ = ["CHANGELOG_KEY", "ROOT_KEY", "Lineage", "pack_root", "root_id"]

ROOT_KEY: Final = b"\0source"
"""Its entry names the input. In the changelog and the store; no key of an application begins with a zero byte."""
CHANGELOG_KEY: Final = b"\0changelog"
"""Its entry names the changelog. In the store alone."""
_NEVER: Final = 2**64 - 1


def pack_root(topic_id: bytes) -> bytes:
    """The entry that names a topic: one as any other, for versions that do not know of it."""
    return pack(0, 0, _NEVER, topic_id)


def root_id(stored: bytes) -> bytes:
    """The id in such an entry. Raises ValueError."""
    topic_id = bytes(unpack(stored).payload)
    if len(topic_id) != len(UNKNOWN_ID):
        raise ValueError(f"{len(topic_id)} bytes are no topic id")
    return topic_id


class Lineage:
    """Holds a table to the topics that it stems from.

    `by_offset`: the table skips what it has seen by the input's offsets, so that
    another input in its place would be skipped; otherwise a new one is taken.
    """

    def __init__(self, source: str, changelog: str, partitions: int, *, by_offset: bool) -> None:
        self._source: Final = source
        self._changelog: Final = changelog
        self._partitions: Final = partitions
        self._by_offset: Final = by_offset
        self.source_id: bytes = UNKNOWN_ID
        self.changelog_id: bytes = UNKNOWN_ID

    @property
    def is_known(self) -> bool:
        """Whether the broker tells topics apart: without ids no changelog names its input."""
        return self.source_id != UNKNOWN_ID

    def look(self, found: dict[str, TopicIdentity]) -> None:
        """Compare with what was found before. A topic that is missing may come back: it says nothing.

        Raises PartitionsDiffer, TopicRecreated, ChangelogRecreated.
        """
        source, changelog = found.get(self._source), found.get(self._changelog)
        for topic, seen in ((self._source, source), (self._changelog, changelog)):
            if seen is not None and seen.partitions != self._partitions:
                numbers = {self._source: self._partitions, self._changelog: self._partitions, topic: seen.partitions}
                raise PartitionsDiffer(self._source, numbers[self._source], self._changelog, numbers[self._changelog])
        if source is not None:
            if _differ(self.source_id, source.id) and self._by_offset:
                raise TopicRecreated(self._source, 0, self.source_id.hex(), source.id.hex(), self._changelog)
            self.source_id = source.id
        if changelog is not None:
            if _differ(self.changelog_id, changelog.id):
                raise ChangelogRecreated(self._changelog, 0, "it has another topic id than when the worker started")
            self.changelog_id = changelog.id

    def check_root(self, partition: int, known: bytes | None) -> bool:
        """Whether the changelog of a partition is yet to name the input. Raises TopicRecreated."""
        if self.source_id in (UNKNOWN_ID, known):
            return False
        if known is not None and self._by_offset:
            raise TopicRecreated(self._source, partition, known.hex(), self.source_id.hex(), self._changelog)
        return True

    def check_store(self, partition: int, known: bytes | None, offset: int | None) -> None:
        """The local store must be a copy of this changelog. Raises ChangelogRecreated."""
        if offset is not None and known is not None and _differ(known, self.changelog_id):
            raise ChangelogRecreated(
                self._changelog, partition, f"the local store is a copy of another one, up to its offset {offset}"
            )


def _differ(before: bytes, now: bytes) -> bool:
    return UNKNOWN_ID not in (before, now) and before != now
