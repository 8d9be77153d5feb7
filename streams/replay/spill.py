"""Spill files: the lines of the input dealt into buckets by their session key, so that a bucket fits in memory.

Dealing reads the key alone, a sixth of the cost of decoding the record; whether
the record is an interaction is found out once, when its bucket is processed. All
records of a session meet in one bucket; a record without a key may lie in any.
"""

import os
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final, Protocol
from zlib import crc32

import msgspec

from schemas.interaction import Fault, Unknown, decode_interaction, session_key

__all__ = ["FANOUT", "LEVELS", "Block", "Lines", "Placed", "blocks", "bucket_bytes", "deal", "key_of"]

FANOUT: Final = 64
"""Buckets of one dealing: the files of all of them are open at once when they are merged."""
LEVELS: Final = 2
"""How often a bucket may be dealt anew: another digit of the hash each time."""

Placed = tuple[int, bytes]
"""A line and its place."""


class Lines(Protocol):
    """Lines that lie somewhere: in a bucket, or in memory."""

    def lines(self) -> Iterator[Placed]:
        """Each of them with its place."""


_HEADER: Final = Struct("<QIQ")  # place of the first line, lines, bytes
_PLACE_BYTES: Final = 8
_ANY_TIME_MICROS: Final = 1 << 62


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


def deal(placed: Iterable[Placed], directory: Path, prefix: str = "", level: int = 0) -> set[str]:
    """Append lines to their buckets, each a directory; the names of those that got any.

    Every process writes a file of its own in each.
    """
    dealt: defaultdict[int, tuple[array[int], list[bytes]]] = defaultdict(lambda: (array("Q"), []))
    for seq, line in placed:
        seqs, lines = dealt[crc32(key_of(line)) // FANOUT**level % FANOUT]
        seqs.append(seq)
        lines.append(line)
    names = set()
    for number, (seqs, lines) in dealt.items():
        name = f"{prefix}{number:02}"
        _append(directory / name, seqs, lines)
        names.add(name)
    return names


def _append(bucket: Path, seqs: "array[int]", lines: Sequence[bytes]) -> None:
    data = b"\n".join(lines)
    bucket.mkdir(exist_ok=True)
    with (bucket / f"{os.getpid()}").open("ab") as file:
        file.write(_HEADER.pack(seqs[0] if seqs else 0, len(seqs), len(data)) + seqs.tobytes() + data)


class Block(msgspec.Struct, frozen=True):
    """Lines of one dealing in one file, where they lie."""

    first_seq: int
    path: Path
    at: int
    count: int
    size: int

    def lines(self) -> Iterator[Placed]:
        """The lines, read."""
        seqs = array("Q")
        with self.path.open("rb") as file:
            file.seek(self.at)
            seqs.frombytes(file.read(self.count * _PLACE_BYTES))
            data = file.read(self.size)
        return zip(seqs, data.split(b"\n") if seqs else (), strict=True)


def blocks(bucket: Path) -> list[Block]:
    """What lies in a bucket, in the order of the input."""
    found: list[Block] = []
    for path in bucket.iterdir():
        with path.open("rb") as file:
            found.extend(_blocks(path, file))
    return sorted(found, key=lambda block: block.first_seq)


def _blocks(path: Path, file: BinaryIO) -> Iterator[Block]:
    while header := file.read(_HEADER.size):
        first_seq, count, size = _HEADER.unpack(header)
        yield Block(first_seq, path, file.tell(), count, size)
        file.seek(count * _PLACE_BYTES + size, os.SEEK_CUR)


def bucket_bytes(found: Iterable[Block]) -> int:
    """How much lies in a bucket."""
    return sum(block.size for block in found)
