"""Dead letters of a replay: which line of which file could not be taken, and why.

One JSON object a line: `file`, `line` (from 1), `field`, `code`, `reason`, `value`.
`value` is the line as it stands. JSON holds text alone: of a line that is not
UTF-8 it is base64, which `encoding` says; of one too large its head, which
`truncated`, `size` and `sha256` say.
"""

import codecs
from base64 import b64encode
from typing import Final, Literal

import msgspec

from schemas.codes import Code
from schemas.dead_letter import HEAD_BYTES, kept_bytes
from schemas.decoding import MAX_RECORD_BYTES
from schemas.interaction import Fault

__all__ = ["DeadLine", "Oversized", "dead_line", "oversized_fault"]


class DeadLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line that is no interaction."""

    file: str
    line: int
    field: str
    code: Code
    reason: str
    value: str
    encoding: Literal["base64"] | None = None
    truncated: bool = False
    size: int | None = None
    sha256: str | None = None


class Oversized(msgspec.Struct, frozen=True):
    """A line too long to be read whole: its head, and what tells which one it was."""

    head: bytes
    size: int
    sha256: str


_encode: Final = msgspec.json.Encoder().encode


def dead_line(file: str, line: int, fault: Fault, given: bytes | Oversized) -> bytes:
    """The dead letter of a line, as it is written."""
    if isinstance(given, Oversized):
        kept, truncated, size, sha256 = given.head[:HEAD_BYTES], True, given.size, given.sha256
    else:
        value, truncated, size, digest = kept_bytes(given, MAX_RECORD_BYTES)
        kept, sha256 = value or b"", digest or ""
    text, encoding = _text(kept, cut=truncated)
    letter = DeadLine(
        file=file,
        line=line,
        field=fault.field,
        code=fault.code,
        reason=fault.reason,
        value=text,
        encoding=encoding,
        truncated=truncated,
        size=size if truncated else None,
        sha256=sha256 if truncated else None,
    )
    return _encode(letter) + b"\n"


def _text(kept: bytes, *, cut: bool) -> tuple[str, Literal["base64"] | None]:
    try:
        # A head may end within a character, which is no fault of the line's.
        return codecs.getincrementaldecoder("utf-8")().decode(kept, final=not cut), None
    except UnicodeDecodeError:
        return b64encode(kept).decode(), "base64"


def oversized_fault(size: int) -> Fault:
    """Why a line of that size is a dead letter: the words are those of `decode_interaction`."""
    return Fault("$", f"{size} bytes; a record may have {MAX_RECORD_BYTES}", "too_large")
