"""Tombstones: removals that say what the removed entry had seen.

Kafka removes by a record without a value, which could be anybody's: one that a
worker taken for dead writes behind its successor would take away what the
successor has changed since. A header tells them apart. It stays with the record
through compaction, and a reader that does not know of it removes as ever.
"""

from collections.abc import Iterable
from typing import Final

from streams.runs.entry import unpack
from streams.runs.producer import Record

__all__ = ["UNKNOWN", "Headers", "seen_by", "tombstone"]

HEADER: Final = "last_offset"
UNKNOWN: Final = -1
"""What a tombstone has seen that does not say so: another program's, or an older version's."""

Headers = Iterable[tuple[str, bytes]]


def tombstone(key: bytes, removed: bytes) -> Record:
    """The changelog record that removes this entry."""
    return Record(key, None, headers=((HEADER, b"%d" % unpack(removed).last_offset),))


def seen_by(value: bytes | None, headers: Headers) -> int:
    """The input offset that a changelog record has seen last; `UNKNOWN` where it does not say.

    Raises ValueError for a value that is no entry.
    """
    if value is not None:
        return unpack(value).last_offset
    return next((int(given) for name, given in headers if name == HEADER and given.isdigit()), UNKNOWN)
