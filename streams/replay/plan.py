"""The plan of a replay: all that its processes need to know, sent to each of them once."""

import os
from pathlib import Path
from typing import Final

import msgspec

from streams.attribution import RuleBook
from streams.replay.handing import HANDED
from streams.replay.places import place
from streams.replay.products import Product
from streams.replay.reading import CHUNK_BYTES
from streams.sources import Mapping

__all__ = ["Limits", "Plan", "Translation"]

BUCKET_BYTES: Final = 16_777_216
MAX_BUCKETS: Final = 512
"""Files of all of them are open at once when what they gave is merged."""


class Limits(msgspec.Struct, frozen=True):
    """What a replay may hold in memory at once."""

    chunk_bytes: int = CHUNK_BYTES
    bucket_bytes: int = BUCKET_BYTES
    """Records of a bucket. Decoded they are about eight times as much, in each process."""
    max_buckets: int = MAX_BUCKETS

    def buckets(self, size: int | None) -> int:
        """How many for an input of so many bytes: half as full as they may be, since sessions are not alike."""
        if size is None:
            return self.max_buckets
        return min(max(2 * size // self.bucket_bytes, 2), self.max_buckets)


class Translation(msgspec.Struct, frozen=True):
    """From which raw format the records are translated, and what a person says of them."""

    format: str
    mapping: Mapping


class Plan(msgspec.Struct, frozen=True):
    """What is to be done, and where."""

    book: RuleBook  # that tells what is an interaction
    product: Product
    translation: Translation | None  # of records of another format
    as_of_ms: int
    by_time: bool
    names: tuple[str, ...]  # of the inputs
    directory: Path  # for what is not done yet
    buckets: int
    durable: bool  # whether what is done outlives this replay
    keep_dead_letters: bool
    limits: Limits

    def place(self, seq: int) -> tuple[str, int]:
        """(name of the input, line from 1) of a place."""
        file, line = place(seq)
        return self.names[file], line

    def dealt_file(self, number: int) -> Path:
        """Where the piece of the input of that number is dealt."""
        return self.directory / f"{number:08}.dealt"

    def piece_file(self, number: int) -> Path:
        """What says that the piece of that number is dealt, and what was met in it."""
        return self.directory / f"{number:08}.piece"

    def handed_file(self, number: int) -> Path:
        """Where the piece of that number lies for the process that is to deal it."""
        # By this process too: one that was left behind by a killed replay may still be about to read its own.
        return self.directory / f"{number:08}.{os.getpid()}{HANDED}"

    def dealt(self) -> list[Path]:
        """All pieces, in the order of the input."""
        return sorted(self.directory.glob("*.dealt"))
