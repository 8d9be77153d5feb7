"""Segments: bytes on disk, each under its place among all lines of the input.

What a bucket gives lies in a file of segments in the order of their places, so
that many such files are one after a merge that holds one segment of each.
"""

import os
import resource
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from heapq import merge
from operator import itemgetter
from pathlib import Path
from shutil import copyfileobj
from struct import Struct
from types import TracebackType
from typing import BinaryIO, Final, Self

__all__ = ["SegmentWriter", "joined", "merged"]

FLUSH_BYTES: Final = 262_144
"""A session of many events is several segments under one place: no merge holds it whole."""

_OTHER_FILES: Final = 64
_HEADER: Final = Struct("<QQ")  # place, bytes
_BUFFER_BYTES: Final = 65_536  # of each of the files that are merged


class SegmentWriter:
    """Writes a file of segments. `durable`: it is whole, once closed, even if the machine loses power."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._file: Final = path.open("wb", buffering=_BUFFER_BYTES)
        self._durable: Final = durable

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._file:
            if self._durable and kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())

    def write(self, seq: int, data: bytes) -> None:
        """Append a segment."""
        self._file.write(_HEADER.pack(seq, len(data)))
        self._file.write(data)

    def write_all(self, seq: int, parts: Iterable[bytes]) -> None:
        """Append parts under one place, each ended by a line feed."""
        held: list[bytes] = []
        size = 0
        for part in parts:
            held.append(part)
            size += len(part)
            if size >= FLUSH_BYTES:
                held.append(b"")
                self.write(seq, b"\n".join(held))
                held, size = [], 0
        if held:
            held.append(b"")
            self.write(seq, b"\n".join(held))


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while header := file.read(_HEADER.size):
        seq, size = _HEADER.unpack(header)
        data = file.read(size)
        if len(data) < size:
            raise EOFError(f"{file.name}: it was cut off")
        yield seq, data


def merged(paths: Iterable[Path]) -> Iterator[tuple[int, bytes]]:
    """The segments of files, each in order, as one: in the order of their places.

    Segments of one place lie in one file and stay as they stand there.
    """
    found = list(paths)
    _allow(len(found))
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb", buffering=_BUFFER_BYTES)) for path in found]
        yield from merge(*map(_segments, files), key=itemgetter(0))


def joined(paths: Iterable[Path], whole: Path) -> Path:
    """Files of segments, one after the other in order, as one file."""
    with whole.open("wb") as out:
        for path in paths:
            with path.open("rb") as file:
                copyfileobj(file, out)
    return whole


def _allow(files: int) -> None:
    """Let this process have that many files open at once: systems begin with 256 or 1,024, and permit more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
