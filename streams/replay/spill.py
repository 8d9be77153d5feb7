"""Spill files: the records of the input dealt into buckets by their session key, so that a bucket fits in memory.

Dealing reads the key alone, a sixth of the cost of decoding the record; whether
the record is an interaction is found out once, when its bucket is processed. All
records of a session meet in one bucket; a record without a key may lie in any.

A piece of the input is dealt into one file, which is there whole or not at all:
so a replay that was interrupted knows what it has dealt.
"""

from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from struct import Struct
from typing import Final
from zlib import crc32

import msgspec
import zstandard

from schemas.decoding import decode_interaction, session_key
from schemas.interaction import Fault, Unknown
from streams.replay.places import Placed
from streams.replay.writing import replacing

__all__ = ["Block", "blocks", "bucket_bytes", "buckets_in", "deal", "key_of"]

_ANY_TIME_MICROS: Final = 1 << 62
_LEVEL: Final = 1  # of compression: a fifth of the disk, at half a gigabyte a second
_ENTRY: Final = Struct("<QQQQ")
"""Of a bucket, in the head of a file: where its section lies, its bytes on disk, its records, the bytes of them."""
_COUNTS: Final = "Q", "q", "I"  # places, arrivals, sizes


class _Key(msgspec.Struct, gc=False):
    """What makes up a session key; all else in a record is passed over."""

    account_id: str | None = None
    session_id: str | None = None
    visitor_id: str | None = None


_decode_key: Final = msgspec.json.Decoder(_Key).decode


def key_of(line: bytes) -> bytes:
    """The session key of a line that is an interaction, and anything of one that is none."""
    try:
        key = _decode_key(line)
        if key.session_id is not None:
            return f"{key.account_id}/s/{key.session_id}".encode()
        return f"{key.account_id}/v/{key.visitor_id}".encode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        # A key given twice may be wrong the first time and right the last, which counts.
        decoded = decode_interaction(line, _ANY_TIME_MICROS)
        return b"" if isinstance(decoded, (Fault, Unknown)) else session_key(decoded).encode()


class _Section:
    """What of a piece goes into one bucket."""

    __slots__ = ("arrivals", "seqs", "values")

    def __init__(self) -> None:
        self.seqs, self.arrivals = array("Q"), array("q")
        self.values: list[bytes] = []

    def packed(self) -> bytes:
        sizes = array("I", map(len, self.values))
        numbers = b"".join(each.tobytes() for each in (self.seqs, self.arrivals, sizes))
        return zstandard.ZstdCompressor(level=_LEVEL).compress(numbers + b"".join(self.values))


def deal(records: Iterable[Placed], fanout: int, path: Path, *, durable: bool = False) -> None:
    """Deal records into that many buckets, all of which lie in one file."""
    sections: dict[int, _Section] = {}
    for seq, arrival_ms, value in records:
        number = crc32(key_of(value)) % fanout
        section = sections.get(number)
        if section is None:
            section = sections[number] = _Section()
        section.seqs.append(seq)
        section.arrivals.append(arrival_ms)
        section.values.append(value)
    at, head, packed = fanout * _ENTRY.size, bytearray(), []
    for number in range(fanout):
        section = sections.pop(number, None) or _Section()
        packed.append(section.packed() if section.values else b"")
        head += _ENTRY.pack(at, len(packed[-1]), len(section.values), sum(map(len, section.values)))
        at += len(packed[-1])
    with replacing(path, durable=durable) as file:
        file.write(head)
        file.writelines(packed)


class Block(msgspec.Struct, frozen=True):
    """What of one piece lies in a bucket."""

    path: Path
    at: int
    packed: int  # bytes on disk
    count: int  # records
    size: int  # bytes of them

    def records(self, as_of_ms: int) -> Iterator[Placed]:
        """The records, read."""
        del as_of_ms  # each has its own
        with self.path.open("rb") as file:
            file.seek(self.at)
            data = zstandard.ZstdDecompressor().decompress(file.read(self.packed))
        at = 0
        numbers = []
        for kind in _COUNTS:
            found = array(kind)
            end = at + self.count * found.itemsize
            found.frombytes(data[at:end])
            numbers.append(found)
            at = end
        seqs, arrivals, sizes = numbers
        values = [data[begin:end] for begin, end in pairwise(accumulate(sizes, initial=at))]
        return zip(seqs, arrivals, values, strict=True)


def blocks(dealt: Iterable[Path], number: int) -> list[Block]:
    """What lies in the bucket of that number, in the order of the files."""
    found = []
    for path in dealt:
        with path.open("rb") as file:
            file.seek(number * _ENTRY.size)
            at, packed, count, size = _ENTRY.unpack(file.read(_ENTRY.size))
            if count:
                found.append(Block(path, at, packed, count, size))
    return found


def buckets_in(dealt: Iterable[Path], fanout: int) -> list[int]:
    """The numbers of the buckets that hold anything."""
    counts = [0] * fanout
    for path in dealt:
        with path.open("rb") as file:
            for number, (_, _, count, _) in enumerate(_ENTRY.iter_unpack(file.read(fanout * _ENTRY.size))):
                counts[number] += count
    return [number for number, count in enumerate(counts) if count]


def bucket_bytes(found: Iterable[Block]) -> int:
    """How much lies in a bucket."""
    return sum(block.size for block in found)
