"""Inputs: what names on a command line stand for, and all of it as chunks of records in bounded memory.

A name is a file, a directory, a pattern like `2026-*/*.jsonl.gz`, or `-`. What a
file holds is told by its first bytes, not by its name.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import msgspec

from streams.replay.dead_letters import Oversized
from streams.replay.errors import BadInput, NotSupported
from streams.replay.parquet import parquet_records
from streams.replay.places import MAX_INPUTS, Chunk, LongLine, Records
from streams.replay.reading import CHUNK_BYTES, PACKED, PARQUET, Read, text_chunks

__all__ = [
    "INPUTS",
    "STDIN",
    "Input",
    "Piece",
    "inputs_of",
    "lines",
    "passed_over",
    "pieces",
    "total_bytes",
    "unpacked_bytes",
]

STDIN: Final = "-"
INPUTS: Final = (
    "files, directories and patterns of .jsonl (also packed: .gz, .zst) and .parquet, kafka:TOPIC, and - for standard "
    "input"
)
_ENDINGS: Final = (".jsonl", ".ndjson", ".json", ".gz", ".zst", ".parquet")
"""Of the files that are taken from a directory: what else lies there is not meant."""

_PACKED: Final = 10
"""Times that packed interactions are as large unpacked."""

Piece = Chunk | Records | LongLine


class Input(Protocol):
    """One input, in an order that never changes."""

    @property
    def name(self) -> str:
        """What dead letters call it."""

    @property
    def size(self) -> int | None:
        """How much of it lies on disk, in bytes; None where that is not known."""

    @property
    def unpacked(self) -> int | None:
        """How much it may be unpacked, in bytes, as far as one can tell."""

    @property
    def identity(self) -> tuple[object, ...] | None:
        """What is other when its content is; None where it can be read once only."""

    @property
    def position(self) -> object:
        """What its beginning decides, where it grows: fit for JSON."""

    def at(self, position: object) -> "Input":
        """The same, as it was when the replay began."""

    def pieces(self, index: int, chunk_bytes: int, read: Read) -> Iterator[Piece]:
        """What it holds, as the input of that index. Raises BadInput where it cannot be read to its end."""


class _Stream:
    """Standard input, or a pipe that has a name: text that is there once."""

    size: Final = None
    unpacked: Final = None
    identity: Final = None
    position: Final = None

    def __init__(self, path: str) -> None:
        self._path: Final = path

    @property
    def name(self) -> str:
        return _shown(self._path)

    def at(self, position: object) -> Input:
        del position
        return self

    def pieces(self, index: int, chunk_bytes: int, read: Read) -> Iterator[Piece]:
        if self._path == STDIN:
            yield from text_chunks(index, STDIN, sys.stdin.buffer, read, chunk_bytes)
            return
        with _opened(self._path) as file:
            yield from text_chunks(index, self.name, file, read, chunk_bytes)


class _File(msgspec.Struct, frozen=True):
    """A file, as it was when the replay began."""

    path: str
    size: int
    changed_ns: int
    head: bytes
    position: None = None

    @property
    def name(self) -> str:
        return _shown(self.path)

    def at(self, position: object) -> Input:
        del position  # a file that has changed is another: its identity says so
        return self

    @property
    def unpacked(self) -> int:
        return self.size * (_PACKED if self.head.startswith((PARQUET, *PACKED)) else 1)

    @property
    def identity(self) -> tuple[object, ...]:
        return self.name, self.size, self.changed_ns

    def pieces(self, index: int, chunk_bytes: int, read: Read) -> Iterator[Piece]:
        if self.head == PARQUET:
            yield from parquet_records(index, self.path, read, chunk_bytes)
            return
        read_bytes = 0

        def counted(size: int) -> None:
            nonlocal read_bytes
            read_bytes += size
            read(size)

        with _opened(self.path) as file:
            yield from text_chunks(index, self.name, file, counted, chunk_bytes)
        if read_bytes < self.size:
            raise BadInput(self.name, "it became shorter while it was read. Copy it first, and replay the copy.")


def inputs_of(given: Sequence[str | Input]) -> tuple[Input, ...]:
    """What the names stand for, each file once. Raises BadInput for one that nothing can be read from.

    Better known now than after an hour of reading those before it.
    """
    inputs: dict[object, Input] = {}
    for each in given:
        if not isinstance(each, str):
            if each.name in inputs:
                raise BadInput(each.name, "this is named twice. Name each partition once.")
            inputs[each.name] = each
        elif not each:
            raise BadInput("''", "an input without a name. Is a variable of the shell empty?")
        elif each == STDIN:
            if STDIN in inputs:
                raise BadInput(STDIN, "standard input can be read once only. Name it once.")
            inputs[STDIN] = _Stream(STDIN)
        else:
            for file in _files(each):
                inputs.setdefault(Path(file).resolve(), _file(file))
    if len(inputs) > MAX_INPUTS:
        raise BadInput(f"{len(inputs)} files", f"a replay reads at most {MAX_INPUTS}. Join some: gzip files can be.")
    return tuple(inputs.values())


def _files(name: str) -> list[str]:
    if name.startswith("kafka:"):
        raise NotSupported("INPUT", name, INPUTS)
    path = Path(name)
    if path.is_dir():
        found = sorted(map(str, filter(_is_meant, _below(path))))
        if not found:
            raise BadInput(name, f"no file in this directory ends in {', '.join(_ENDINGS)}.")
        return found
    if has_magic(name) and not path.exists():
        found = sorted(each for each in glob(name, recursive=True) if Path(each).is_file())  # noqa: PTH207 - a pattern may be absolute, which Path.glob does not take
        if not found:
            raise BadInput(name, "no file matches this pattern. Check it with ls.")
        return found
    return [name]


def passed_over(name: str) -> list[str]:
    """The files beside chat logs in a directory of that name that are not taken, for the endings they have."""
    path = Path(name)
    files = list(_below(path)) if path.is_dir() else []
    if not any(map(_is_meant, files)):
        return []  # no directory, or one of which `inputs_of` says that it holds no chat log
    return sorted(str(each) for each in files if not _is_meant(each))


def _is_meant(file: Path) -> bool:
    return file.suffix in _ENDINGS


def _below(directory: Path) -> Iterator[Path]:
    """The files in a directory, but hidden ones. Raises BadInput for a directory that may not be read."""
    for place, directories, files in os.walk(directory, onerror=_may_not_be_read):
        directories[:] = [name for name in directories if not name.startswith(".")]
        for name in files:
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _may_not_be_read(error: OSError) -> None:
    raise BadInput(
        _shown(str(error.filename)), f"this directory may not be read: {error.strerror}. Check its permissions."
    )


def _shown(path: str) -> str:
    """A path as text: names of files may hold bytes that are none."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _file(name: str) -> Input:
    path = Path(name)
    if path.exists() and not path.is_file():  # a pipe gives what it gives once: it is not looked into
        return _Stream(name)
    with _opened(name) as file:
        head = file.read(len(PARQUET))
        status = os.fstat(file.fileno())
    return _File(name, status.st_size, status.st_mtime_ns, head)


def _opened(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except FileNotFoundError:
        reason = "there is no such file. Check the path; `-` reads standard input."
    except OSError as error:
        reason = f"this file may not be read: {error.strerror or error}. Check its permissions."
    raise BadInput(_shown(name), reason)


def total_bytes(inputs: Iterable[Input]) -> int | None:
    """How much there is to read, as it lies on disk; None where that is not known."""
    return _sum(each.size for each in inputs)


def unpacked_bytes(inputs: Iterable[Input]) -> int | None:
    """How much that may be unpacked; None where that is not known."""
    return _sum(each.unpacked for each in inputs)


def _sum(sizes: Iterable[int | None]) -> int | None:
    total = 0
    for size in sizes:
        if size is None:
            return None
        total += size
    return total


def pieces(inputs: Iterable[Input], chunk_bytes: int = CHUNK_BYTES, read: Read | None = None) -> Iterator[Piece]:
    """All of the inputs, one after the other. `read` is told how many bytes, as they lie on disk, were read."""
    for index, each in enumerate(inputs):
        yield from each.pieces(index, chunk_bytes, read or _unheard)


def _unheard(read_bytes: int) -> None:
    del read_bytes


def lines(
    inputs: Iterable[Input], read: Callable[[int], None] | None = None
) -> Iterator[tuple[int, bytes | Oversized]]:
    """Every record that holds anything, with its place."""
    for piece in pieces(inputs, read=read):
        if isinstance(piece, LongLine):
            yield piece.seq, piece.line
        else:
            yield from piece.lines()
