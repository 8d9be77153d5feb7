"""The plan of a replay: all that its processes need to know, sent to each of them once."""

from pathlib import Path
from typing import Final

import msgspec

from streams.attribution import RuleBook
from streams.replay.products import Product
from streams.replay.reading import CHUNK_BYTES, place

__all__ = ["Limits", "Plan"]

BUCKET_BYTES: Final = 16_777_216


class Limits(msgspec.Struct, frozen=True):
    """What a replay may hold in memory at once."""

    chunk_bytes: int = CHUNK_BYTES
    bucket_bytes: int = BUCKET_BYTES
    """Lines of a bucket. Decoded they are about eight times as much, in each process."""


class Plan(msgspec.Struct, frozen=True):
    """What is to be done, and where."""

    book: RuleBook  # that tells what is an interaction
    product: Product
    as_of_ms: int
    by_time: bool
    names: tuple[str, ...]  # of the inputs
    directory: Path  # for temporary files
    keep_dead_letters: bool
    limits: Limits

    def place(self, seq: int) -> tuple[str, int]:
        """(name of the input, line from 1) of a place."""
        file, line = place(seq)
        return self.names[file], line
