"""An entry: what a table stores for a key, with what the table itself must know of it.

    version | last offset | touched | expires | payload

The header lets the table skip what it has seen and remove what has expired
without decoding the payload, of which it knows nothing.
"""

import struct
from typing import Final, NamedTuple

__all__ = ["ENTRY_VERSION", "Entry", "expires_of", "pack", "unpack"]

ENTRY_VERSION: Final = 1
_HEADER: Final = struct.Struct("<BQQQ")
_EXPIRES: Final = struct.Struct("<Q")
_EXPIRES_AT: Final = _HEADER.size - _EXPIRES.size


class Entry(NamedTuple):
    """One key's state."""

    last_offset: int  # of the input record applied last
    touched_ms: int  # record time of that record, epoch milliseconds
    expires_micros: int  # in the app's stream time: from then on nothing needs it
    payload: "memoryview"  # in quotes: compiled, a class body finds no such name


def pack(last_offset: int, touched_ms: int, expires_micros: int, payload: bytes) -> bytes:
    """The bytes of an entry. Times before the epoch count as the epoch."""
    touched_ms = touched_ms if touched_ms > 0 else 0
    expires_micros = expires_micros if expires_micros > 0 else 0
    return _HEADER.pack(ENTRY_VERSION, last_offset, touched_ms, expires_micros) + payload


def unpack(stored: bytes) -> Entry:
    """The entry in a table's bytes. Raises ValueError where they are none, or a newer version's."""
    if len(stored) < _HEADER.size:
        raise ValueError(f"{len(stored)} bytes are no entry")
    version, last_offset, touched_ms, expires_micros = _HEADER.unpack_from(stored)
    if version != ENTRY_VERSION:
        raise ValueError(f"entry version {version}; this version reads {ENTRY_VERSION}")
    return Entry(last_offset, touched_ms, expires_micros, memoryview(stored)[_HEADER.size :])


def expires_of(stored: bytes) -> int:
    """Only when it expires, for a quick look over many."""
    expires_micros: int = _EXPIRES.unpack_from(stored, _EXPIRES_AT)[0]
    return expires_micros
