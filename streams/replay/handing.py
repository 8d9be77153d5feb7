"""Handing over: a piece of the input to another process, by a file that is gone once it is read.

A pipe between processes takes 64 KiB at a time, and what goes through is copied at
both ends: at this one by the process that also cuts the input, for all the others.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from streams.replay.places import Chunk, Placed, Records

__all__ = ["HANDED", "Handed", "handed"]

HANDED: Final = ".handed"
"""How the names of the files end."""


class Handed(msgspec.Struct, frozen=True):
    """A chunk that lies in a file, for whoever reads it first."""

    first_seq: int
    size: int
    path: Path

    def records(self, as_of_ms: int) -> Iterator[Placed]:
        """Each of its records; once. Raises EOFError where not all of them are there."""
        data = self.path.read_bytes()
        if len(data) != self.size:
            raise EOFError(f"{self.path}: {len(data)} bytes where {self.size} were handed over")
        self.path.unlink()
        return Chunk(self.first_seq, data).records(as_of_ms)


def handed(piece: Chunk | Records, path: Path) -> Records | Handed:
    """The piece as another process can take it. What is no text of many lines goes as it is."""
    if not isinstance(piece, Chunk):
        return piece
    path.write_bytes(piece.data)
    return Handed(piece.first_seq, piece.size, path)
