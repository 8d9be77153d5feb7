"""Inputs: files and standard input, packed or not, as chunks of whole lines in bounded memory.

Whether an input is packed is told by its first bytes, not by its name: so a pipe
and a renamed file are read alike, and no line of JSON begins like either.
"""

import gzip
import hashlib
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec
import zstandard

from schemas.dead_letter import HEAD_BYTES
from streams.replay.dead_letters import Oversized
from streams.replay.errors import BadInput, NotSupported

__all__ = [
    "CHUNK_BYTES",
    "INPUTS",
    "STDIN",
    "Chunk",
    "LongLine",
    "check_names",
    "chunks",
    "lines",
    "place",
    "total_bytes",
]

STDIN: Final = "-"
INPUTS: Final = "files of JSON lines (.jsonl, also packed: .gz, .zst) and - for standard input"
CHUNK_BYTES: Final = 4_194_304
"""Read at once. More than a record may have, so that all but dead letters lie in one."""

_BLOCK_BYTES: Final = 262_144
_PACKED_BLOCK_BYTES: Final = 32_768  # unpacked it is many times as much
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE: Final = tuple(bytes((0x50 + n, 0x2A, 0x4D, 0x18)) for n in range(16))
_PARQUET: Final = b"PAR1"
_BOM: Final = b"\xef\xbb\xbf"
_LINE_BITS: Final = 40


class Chunk(msgspec.Struct, frozen=True):
    """Whole lines of one input."""

    first_seq: int  # place of the first of them
    data: bytes

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line that holds anything, and its place."""
        for seq, line in enumerate(self.data.split(b"\n"), self.first_seq):
            if line and not line.isspace():
                yield seq, line


class LongLine(msgspec.Struct, frozen=True):
    """A line that fits in no chunk."""

    seq: int
    line: Oversized


def _seq_of(file: int, line: int) -> int:
    """The place of a line among all lines of all inputs: it grows from line to line."""
    return file << _LINE_BITS | line


def place(seq: int) -> tuple[int, int]:
    """(index of the input, line from 1) of a place."""
    return seq >> _LINE_BITS, seq & ((1 << _LINE_BITS) - 1)


def check_names(names: Sequence[str]) -> None:
    """Raises NotSupported or BadInput for inputs that nothing can be read from, before anything is."""
    for name in names:
        if name.endswith(".parquet") or name.startswith("kafka:"):
            raise NotSupported("INPUT", name, INPUTS)
    if names.count(STDIN) > 1:
        raise BadInput(STDIN, "standard input can be read once only. Name it once.")
    for name in names:
        if name != STDIN:
            _opened(name).close()  # better known now than after an hour of reading those before it


def total_bytes(names: Sequence[str]) -> int | None:
    """How much there is to read, as it lies on disk; None where that is not known."""
    if STDIN in names:
        return None
    return sum(Path(name).stat().st_size for name in names)


def lines(names: Sequence[str], read: Callable[[int], None] | None = None) -> Iterator[tuple[int, bytes | Oversized]]:
    """Every line that holds anything, with its place."""
    for chunk in chunks(names, read=read):
        if isinstance(chunk, LongLine):
            yield chunk.seq, chunk.line
        else:
            yield from chunk.lines()


def chunks(
    names: Sequence[str], chunk_bytes: int = CHUNK_BYTES, read: Callable[[int], None] | None = None
) -> Iterator[Chunk | LongLine]:
    """The inputs in chunks. `read` is told how many bytes, as they lie on disk, were read.

    Raises BadInput where one cannot be read to its end.
    """
    check_names(names)
    for index, name in enumerate(names):
        with ExitStack() as stack:
            file = sys.stdin.buffer if name == STDIN else stack.enter_context(_opened(name))
            try:
                yield from _cut(index, _unpacked(name, file, read or _unheard), chunk_bytes)
            except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
                raise BadInput(name, _damage(name, error)) from None
            except OSError as error:
                raise BadInput(name, f"this input cannot be read: {error.strerror or error}") from None


def _unheard(read_bytes: int) -> None:
    del read_bytes


def _opened(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except FileNotFoundError:
        reason = "there is no such file. Check the path; `-` reads standard input."
    except IsADirectoryError:
        reason = f"this is a directory. Name the files in it: {name.rstrip('/')}/*.jsonl"
    except OSError as error:
        reason = f"this file may not be read: {error.strerror or error}. Check its permissions."
    raise BadInput(name, reason)


def _damage(name: str, error: Exception) -> str:
    if isinstance(error, EOFError):
        tool = "zstd" if "zstd" in str(error) else "gzip"
        return (
            "the packed data ends too early: the file was cut off. Fetch it again, or take what there is of it: "
            f"{tool} -dc {name} | chat2ga replay - …"
        )
    return f"the packed data is damaged: {error}. Fetch it again."


# -- from bytes on disk to bytes of lines -----------------------------------------------


class _Counted:
    """A file that tells how much of it was read, and gives back what was looked at."""

    def __init__(self, file: BinaryIO, read: Callable[[int], None], head: bytes) -> None:
        self._file, self._read, self._head = file, read, head

    def read(self, size: int) -> bytes:
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
        else:
            block = self._file.read(size)
        self._read(len(block))
        return block


def _unpacked(name: str, file: BinaryIO, read: Callable[[int], None]) -> Iterator[bytes]:
    """The input's bytes, unpacked, in blocks."""
    head = file.read(_PACKED_BLOCK_BYTES)
    if head.startswith(_PARQUET):
        raise NotSupported("INPUT", name, INPUTS)
    counted = _Counted(file, read, head)
    if head.startswith(_GZIP):
        with gzip.GzipFile(fileobj=cast("BinaryIO", counted)) as unpacking:
            yield from iter(lambda: unpacking.read(_BLOCK_BYTES), b"")
    elif head.startswith((_ZSTD, *_ZSTD_SKIPPABLE)):
        yield from _unzstd(counted)
    else:
        yield from iter(lambda: counted.read(_BLOCK_BYTES), b"")


def _unzstd(file: _Counted) -> Iterator[bytes]:
    """Frame by frame: zstandard's own reader says nothing when a frame is cut off."""
    unpacking, whole = zstandard.ZstdDecompressor().decompressobj(), True
    while block := file.read(_PACKED_BLOCK_BYTES):
        while block:
            yield unpacking.decompress(block)
            block, whole = unpacking.unused_data, unpacking.eof
            if whole:
                unpacking = zstandard.ZstdDecompressor().decompressobj()
    if not whole:
        raise EOFError("zstd: the last frame is not whole")


# -- from bytes to whole lines ---------------------------------------------------------


def _cut(file: int, blocks: Iterator[bytes], chunk_bytes: int) -> Iterator[Chunk | LongLine]:
    """Chunks of whole lines. A line that fits in none is passed over, and told by its head."""
    seq, held = _seq_of(file, 1), bytearray(next(blocks, b"").removeprefix(_BOM))
    for block in blocks:
        held += block
        if len(held) < chunk_bytes:
            continue
        end = held.rfind(b"\n") + 1
        if end:
            data = bytes(held[:end])
            del held[:end]
            yield Chunk(seq, data)
            seq += data.count(b"\n")
        else:
            oversized, rest = _pass_over(held, blocks)
            yield LongLine(seq, oversized)
            seq += 1
            held = rest
    if held:
        yield Chunk(seq, bytes(held))


def _pass_over(held: bytearray, blocks: Iterator[bytes]) -> tuple[Oversized, bytearray]:
    """The line that begins in `held`, and what was read of the next one."""
    head, size, digest = bytes(held[:HEAD_BYTES]), len(held), hashlib.sha256(held)
    for block in blocks:
        end = block.find(b"\n")
        if end >= 0:
            digest.update(block[:end])
            return Oversized(head, size + end, digest.hexdigest()), bytearray(block[end + 1 :])
        digest.update(block)
        size += len(block)
    return Oversized(head, size, digest.hexdigest()), bytearray()
