"""Outputs: whole or not at all. A file is written under another name and takes its own when it is done."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from streams.replay.errors import BadOutput, NoRoom, NotSupported

__all__ = ["OUTPUTS", "STDOUT", "check_file", "check_output", "room_in", "whole_file"]

STDOUT: Final = "-"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OUTPUTS: Final = "a .jsonl file and - for standard output"


def check_output(out: str) -> None:
    """Raises NotSupported for an output of another form, BadOutput for one that cannot be written."""
    if out == STDOUT:
        return
    if not out.endswith(".jsonl"):
        raise NotSupported("--to", out, OUTPUTS)
    check_file(out)


def check_file(name: str) -> None:
    """Raises BadOutput where no file of that name can be written: better before an hour's work than after it."""
    path = Path(name)
    if path.is_dir():
        raise BadOutput(name, "this is a directory. Name a file in it.")
    if not path.parent.is_dir():
        raise BadOutput(name, f"there is no directory {path.parent}. Create it: mkdir -p {path.parent}")
    if not os.access(path.parent, os.W_OK):
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
def whole_file(name: str) -> Iterator[BinaryIO]:
    """A file to write to. It appears under its name, replacing what stood there, if all went well."""
    if name == STDOUT:
        with room_in(Path("standard output")):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    path = Path(name)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with room_in(path.parent), unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
