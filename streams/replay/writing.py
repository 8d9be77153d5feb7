"""Outputs: whole or not at all. A file is written under another name and takes its own when it is done."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from glob import escape
from pathlib import Path
from shlex import quote
from stat import S_IMODE
from typing import BinaryIO, Final, Protocol

import msgspec

from streams.replay.errors import BadOutput, NoRoom, NotSupported
from streams.replay.parquet import write_parquet

__all__ = ["OUTPUTS", "STDOUT", "Output", "check_file", "output_of", "replacing", "room_in", "whole_file"]

STDOUT: Final = "-"
_UNFINISHED: Final = ".unfinished"
_BUFFER_BYTES: Final = 1_048_576
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OUTPUTS: Final = "a .jsonl or .parquet file, kafka, ga, and - for standard output"

Write = Callable[[bytes], object]
"""Takes whole lines, each ended by a line feed."""


class Output(Protocol):
    """Where a replay's lines go."""

    @property
    def name(self) -> str:
        """What the command line calls it."""

    @property
    def file(self) -> Path | None:
        """The file that it replaces."""

    @property
    def identity(self) -> str:
        """What is other where lines would go elsewhere: a replay that goes on must not."""

    @property
    def keyed(self) -> bool:
        """Whether it wants each event after its record key."""

    @property
    def once(self) -> bool:
        """Whether what is written there twice stands there once, so that a replay may go on after an interruption."""

    def check(self) -> None:
        """Raises BadOutput where nothing can be written: better before an hour's work than after it."""

    def opened(self, directory: Path) -> AbstractContextManager[Write]:
        """What takes the lines; they are there when it closes. The directory is the replay's, for what it needs."""


class _Stdout:
    """Standard output."""

    name: Final = STDOUT
    identity: Final = STDOUT
    file: Final = None
    keyed: Final = False
    once: Final = False

    def check(self) -> None:
        """Nothing can be known."""

    @contextmanager
    def opened(self, directory: Path) -> Iterator[Write]:
        del directory
        with whole_file(STDOUT) as file:
            yield file.write


class _File(msgspec.Struct, frozen=True):
    """A file of JSON lines."""

    name: str
    keyed: bool = False

    @property
    def once(self) -> bool:
        return not _is_stream(self.file)

    @property
    def identity(self) -> str:
        return os.fsencode(self.file.resolve()).decode(errors="backslashreplace")

    @property
    def file(self) -> Path:
        return Path(self.name)

    def check(self) -> None:
        check_file(self.name)

    @contextmanager
    def opened(self, directory: Path) -> Iterator[Write]:
        del directory
        with whole_file(self.name) as file:
            yield file.write


class _Parquet(_File, frozen=True):
    """A Parquet file of events: JSON lines first, which DuckDB makes columns of."""

    @contextmanager
    def opened(self, directory: Path) -> Iterator[Write]:
        lines = directory / "parquet.jsonl"
        with room_in(directory), lines.open("wb") as file:
            yield file.write
        with _unfinished(self.file, durable=True) as unfinished:
            write_parquet(lines, unfinished)
            with unfinished.open("rb") as written:
                os.fsync(written.fileno())
        lines.unlink()


def output_of(name: str) -> Output:
    """What a name on the command line stands for. Raises NotSupported where that is nothing."""
    if name == STDOUT:
        return _Stdout()
    if name.endswith(".parquet"):
        return _Parquet(name)
    if name.endswith(".jsonl"):
        return _File(name)
    raise NotSupported("--to", name, OUTPUTS)


def check_file(name: str) -> None:
    """Raises BadOutput where no file of that name can be written."""
    path = Path(name)
    if path.is_dir():
        raise BadOutput(name, "this is a directory. Name a file in it.")
    if _is_stream(path):
        return
    if path.is_symlink():
        path = path.resolve()
    if not path.parent.exists():
        raise BadOutput(name, f"there is no directory {path.parent}. Create it: mkdir -p {quote(str(path.parent))}")
    if not path.parent.is_dir():
        raise BadOutput(name, f"{path.parent} is no directory. Name another file.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise BadOutput(name, f"nothing may be written into {path.parent}. Check its permissions.")


@contextmanager
def room_in(directory: Path) -> Iterator[None]:
    """Tells of a full disk as NoRoom: an OSError of a write does not say where it was."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom(str(directory)) from None
        raise


@contextmanager
def _unfinished(path: Path, *, durable: bool) -> Iterator[Path]:
    """Another name beside it. What stands there takes the file's own if all went well."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{_UNFINISHED}")
    try:
        with room_in(path.parent):
            yield unfinished
            unfinished.replace(path)
            if durable:
                _make_durable(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _make_durable(directory: Path) -> None:
    """The names in a directory."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tidy(path: Path) -> None:
    """Remove what processes that were killed have left beside a file, half-written."""
    for left in path.parent.glob(f".{escape(path.name)}.*{_UNFINISHED}"):
        process = left.name.removesuffix(_UNFINISHED).rpartition(".")[2]
        if process.isdigit() and not _is_alive(int(process)):
            left.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


@contextmanager
def replacing(path: Path, *, durable: bool) -> Iterator[BinaryIO]:
    """A file to write to. It appears under its name, replacing what stood there, if all went well.

    `durable`: it is whole even if the machine loses power.
    """
    with _unfinished(path, durable=durable) as unfinished, unfinished.open("wb", buffering=_BUFFER_BYTES) as file:
        yield file
        file.flush()
        if durable:
            os.fsync(file.fileno())


@contextmanager
def whole_file(name: str) -> Iterator[BinaryIO]:
    """The same by its name on the command line; `-` is standard output. A device or a pipe is written to as it is."""
    if name == STDOUT:
        with room_in(Path("standard output")):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    path = Path(name)
    if _is_stream(path):
        with room_in(path), path.open("wb") as file:
            yield file
        return
    path = path.resolve()  # what a link points to is replaced, not the link
    _tidy(path)
    with replacing(path, durable=True) as file:
        if path.exists():
            os.fchmod(file.fileno(), S_IMODE(path.stat().st_mode))
        yield file


def _is_stream(path: Path) -> bool:
    """Whether it is there and no file: what is written to it cannot be taken back, or put in place."""
    return path.exists() and not path.is_file()
