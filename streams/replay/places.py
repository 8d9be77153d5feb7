"""Places: where a record stands among all records of all inputs, as one number that grows from record to record.

What a replay writes is in the order of places, so it depends on the input alone.
A record of another format may hold several interactions: each has a place of its own.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from streams.replay.dead_letters import Oversized

if TYPE_CHECKING:
    from array import array

__all__ = [
    "MAX_INPUTS",
    "RECORD_BYTES",
    "Chunk",
    "Lines",
    "LongLine",
    "Placed",
    "Records",
    "line_at",
    "place",
    "within",
]

_WITHIN_BITS: Final = 12
_LINE_BITS: Final = 36
_LINES: Final = (1 << _LINE_BITS) - 1
_WITHIN: Final = (1 << _WITHIN_BITS) - 1
MAX_INPUTS: Final = 1 << 64 - _LINE_BITS - _WITHIN_BITS

RECORD_BYTES: Final = 64
"""What a record takes beside its bytes: one of none is not for nothing."""

Placed = tuple[int, int, bytes]
"""A record: its place, when it arrived (epoch milliseconds), its bytes."""


def line_at(file: int, line: int) -> int:
    """The place of a line (from 1) of an input (from 0). Raises OverflowError beyond 68 thousand million lines."""
    if line > _LINES:
        raise OverflowError(line)
    return file << _LINE_BITS + _WITHIN_BITS | line << _WITHIN_BITS


def within(place: int, number: int) -> int:
    """The place of an interaction (from 0) of those that the record at a place holds."""
    return place | min(number, _WITHIN)


def place(seq: int) -> tuple[int, int]:
    """(index of the input, line from 1) of a place."""
    return seq >> _LINE_BITS + _WITHIN_BITS, seq >> _WITHIN_BITS & _LINES


class Lines(Protocol):
    """Records that lie somewhere: in memory, or on disk."""

    def records(self, as_of_ms: int) -> Iterator[Placed]:
        """Each of them. `as_of_ms` is when those arrived that do not say."""


class Chunk(msgspec.Struct, frozen=True):
    """Whole lines of one input."""

    first_seq: int  # place of the first of them
    data: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line that holds anything, and its place."""
        for seq, line in enumerate(self.data.split(b"\n"), self.first_seq >> _WITHIN_BITS):
            if line and not line.isspace():
                yield seq << _WITHIN_BITS, line

    def records(self, as_of_ms: int) -> Iterator[Placed]:
        """Each line that holds anything."""
        return ((seq, as_of_ms, line) for seq, line in self.lines())


class Records(msgspec.Struct, frozen=True):
    """Records that may hold line feeds, and may know when they arrived."""

    seqs: "array[int]"
    arrivals_ms: "array[int] | None"
    values: Sequence[bytes]

    @property
    def first_seq(self) -> int:
        """The place of the first of them."""
        return self.seqs[0]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.values))

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each record, and its place."""
        return zip(self.seqs, self.values, strict=True)

    def records(self, as_of_ms: int) -> Iterator[Placed]:
        """Each of them."""
        if self.arrivals_ms is None:
            return zip(self.seqs, repeat(as_of_ms), self.values, strict=False)
        return zip(self.seqs, self.arrivals_ms, self.values, strict=True)


class LongLine(msgspec.Struct, frozen=True):
    """A line that fits in no chunk."""

    seq: int
    line: Oversized
