"""Text: files and standard input, packed or not, as chunks of whole lines in bounded memory.

Whether an input is packed is told by its first bytes, not by its name: so a pipe
and a renamed file are read alike, and no line of JSON begins like either.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from shlex import quote
from typing import BinaryIO, Final, cast

import zstandard

from schemas.dead_letter import HEAD_BYTES
from streams.replay.dead_letters import Oversized
from streams.replay.errors import BadInput
from streams.replay.places import Chunk, LongLine, line_at

__all__ = ["CHUNK_BYTES", "PACKED", "PARQUET", "Read", "text_chunks"]

CHUNK_BYTES: Final = 8_388_608
"""Read at once. More than a record may have, so that all but dead letters lie in one."""
PARQUET: Final = b"PAR1"

Read = Callable[[int], None]
"""Told how many bytes, as they lie on disk, were read."""

_BLOCK_BYTES: Final = 262_144
_PACKED_BLOCK_BYTES: Final = 32_768  # unpacked it is many times as much
_ZSTD_BLOCK_BYTES: Final = 1_024  # of a line repeated a million times, each is a few megabytes
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE: Final = tuple(bytes((0x50 + n, 0x2A, 0x4D, 0x18)) for n in range(16))
PACKED: Final = (_GZIP, _ZSTD, *_ZSTD_SKIPPABLE)
"""What packed data begins with."""
_BOM: Final = b"\xef\xbb\xbf"


def text_chunks(index: int, name: str, file: BinaryIO, read: Read, chunk_bytes: int) -> Iterator[Chunk | LongLine]:
    """The lines of an open input. Raises BadInput where it cannot be read to its end.

    Where chunks end depends on the bytes alone: so a replay that goes on knows which of them it has done.
    """
    try:
        yield from _cut(index, _unpacked(name, file, read), chunk_bytes)
    except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise BadInput(name, _damage(name, error)) from None
    except OSError as error:
        raise BadInput(name, f"this input cannot be read: {error.strerror or error}") from None


def _damage(name: str, error: Exception) -> str:
    if isinstance(error, EOFError):
        tool = "zstd" if "zstd" in str(error) else "gzip"
        return (
            "the packed data ends too early: the file was cut off. Fetch it again, or take what there is of it: "
            f"{tool} -dc {quote(name)} | chat2ga replay - …"
        )
    return f"the packed data is damaged: {error}. Fetch it again."


# -- from bytes on disk to bytes of lines -----------------------------------------------


class _Counted:
    """A file that tells how much of it was read, and gives back what was looked at."""

    def __init__(self, file: BinaryIO, read: Read, head: bytes) -> None:
        self._file, self._read, self._head = file, read, head

    def read(self, size: int) -> bytes:
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
        else:
            block = self._file.read(size)
        self._read(len(block))
        return block


def _unpacked(name: str, file: BinaryIO, read: Read) -> Iterator[bytes]:
    """The input's bytes, unpacked, in blocks."""
    head = file.read(_PACKED_BLOCK_BYTES)
    if head.startswith(PARQUET):
        raise BadInput(name, "Parquet cannot be read from a pipe: it is read from its end. Name the file.")
    counted = _Counted(file, read, head)
    if head.startswith(_GZIP):
        with gzip.GzipFile(fileobj=cast("BinaryIO", counted)) as unpacking:
            yield from iter(lambda: unpacking.read(_BLOCK_BYTES), b"")
    elif head.startswith(PACKED):
        yield from _unzstd(counted)
    else:
        yield from iter(lambda: counted.read(_BLOCK_BYTES), b"")


def _unzstd(file: _Counted) -> Iterator[bytes]:
    """Frame by frame: zstandard's own reader says nothing when a frame is cut off."""
    unpacking, whole = zstandard.ZstdDecompressor().decompressobj(), True
    while block := file.read(_ZSTD_BLOCK_BYTES):
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
    line, held = 1, bytearray()
    for block in blocks:
        held += block
        if len(held) >= len(_BOM):  # a packed input may give its first bytes one by one, or none at first
            break
    if held.startswith(_BOM):
        del held[: len(_BOM)]
    for block in blocks:
        held += block
        if len(held) < chunk_bytes:
            continue
        end = held.rfind(b"\n") + 1
        if end:
            with memoryview(held) as view:
                data = bytes(view[:end])
            del held[:end]
            yield Chunk(line_at(file, line), data)
            line += data.count(b"\n")
        else:
            oversized, rest = _pass_over(held, blocks)
            yield LongLine(line_at(file, line), oversized)
            line += 1
            held = rest
    if held:
        yield Chunk(line_at(file, line), bytes(held))


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
