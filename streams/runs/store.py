"""Local stores: what a table keeps on disk so that a start reads only the changelog's tail.

A store holds exactly what the changelog holds up to an offset, and that offset.
It is written after the changelog's acknowledgement, never before: state that is
ahead of the changelog would make a restart skip records whose outputs were not
published.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol, cast

from rocksdict import AccessType, DBCompactionStyle, Options, Rdict, WriteBatch

from streams.runs.errors import StoreInUse, StoreUnwritable

__all__ = ["Change", "MemoryStore", "RocksStore", "Store"]

Change = tuple[bytes, bytes | None]

_WRITE_BUFFER_BYTES: Final = 4 * 1_048_576
"""Of each partition: RocksDB takes 64 MiB unless told, which a process with many partitions has not. Nothing is read
but at a start, so that more and smaller files cost nothing on the way."""
_FILES: Final = 8
"""From so many on some are made into one: a start alone has to look through them. Level by level, as RocksDB does
unless told, each change would be written more often, for less room on the disk."""


def _options() -> Options:
    options = Options(raw_mode=True)
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
    options.set_compaction_style(DBCompactionStyle.universal())
    options.set_level_zero_file_num_compaction_trigger(_FILES)
    return options


class Store(Protocol):
    """What a table asks of a store, partition by partition."""

    def load(self, partition: int) -> tuple[dict[bytes, bytes], int | None]:
        """All entries and the changelog offset they stand at; None: nothing is known, read it all."""

    def write(self, partition: int, changes: Iterable[Change], changelog_offset: int) -> None:
        """Apply changes (None removes) that the changelog holds up to and with this offset."""

    def close(self, partition: int) -> None:
        """The partition is another's now; what is stored stays."""

    def drop(self, partition: int) -> None:
        """Forget what is stored."""


class MemoryStore:
    """No store: a start reads the whole changelog."""

    def load(self, partition: int) -> tuple[dict[bytes, bytes], int | None]:
        """Nothing."""
        del partition
        return {}, None

    def write(self, partition: int, changes: Iterable[Change], changelog_offset: int) -> None:
        """Nothing is kept beside the table's own memory."""

    def close(self, partition: int) -> None:
        """Nothing to close."""

    def drop(self, partition: int) -> None:
        """Nothing to forget."""


class RocksStore:
    """RocksDB, one database a partition, so that one can be dropped by its directory.

    Keys carry a one-byte prefix, which sets the store's own offset apart from
    the table's keys. Its log is not synced on each write: what a machine's
    crash takes from its end, the changelog still has.
    """

    _ENTRY: Final = b"e"
    _OFFSET: Final = b"o"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: dict[int, Rdict] = {}

    def load(self, partition: int) -> tuple[dict[bytes, bytes], int | None]:
        """All entries, read once at assignment. Raises StoreInUse."""
        store = self._store(partition)
        offset = store.get(self._OFFSET)
        if offset is None:
            return {}, None
        # In raw mode keys and values are bytes, whatever the binding's types allow.
        items = cast("Iterable[tuple[bytes, bytes]]", store.items(from_key=self._ENTRY))
        entries = {key[1:]: value for key, value in items if key[:1] == self._ENTRY}
        return entries, int.from_bytes(offset, "big")

    def write(self, partition: int, changes: Iterable[Change], changelog_offset: int) -> None:
        """Changes and their offset in one batch: both are there, or neither. Raises StoreUnwritable, StoreInUse."""
        batch = WriteBatch(raw_mode=True)
        for key, value in changes:
            if value is None:
                batch.delete(self._ENTRY + key)
            else:
                batch.put(self._ENTRY + key, value)
        batch.put(self._OFFSET, changelog_offset.to_bytes(8, "big"))
        try:
            self._store(partition).write(batch)
        except StoreInUse:
            raise
        except Exception as error:  # rocksdict raises plain Exception
            raise StoreUnwritable(str(self._path(partition)), str(error)) from error

    def close(self, partition: int) -> None:
        """Close the partition's database, if it is open."""
        store = self._open.pop(partition, None)
        if store is not None:
            store.close()

    def drop(self, partition: int) -> None:
        """Remove the partition's database."""
        self.close(partition)
        shutil.rmtree(self._path(partition), ignore_errors=True)

    def _path(self, partition: int) -> Path:
        return self._directory / str(partition)

    def _store(self, partition: int) -> Rdict:
        store = self._open.get(partition)
        if store is None:
            path = self._path(partition)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                store = Rdict(str(path), options=_options(), access_type=AccessType.read_write())
            except Exception as error:  # rocksdict raises plain Exception
                raise StoreInUse(str(path), str(error)) from error
            self._open[partition] = store
        return store
