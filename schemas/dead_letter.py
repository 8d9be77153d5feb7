"""Dead letters: records that could not be taken, with all that is needed to mend them.

One JSON object a record on `dead-letters`. Names where the record lies, which
field is at fault and why, and carries the original bytes, so that it can be
requeued once the sender or the code is mended (DESIGN §2).

An event that GA refused for good is one too, whole, with the trackers that
refused it: one a run for an event, not one a tracker. Put back, it is due at all of its
trackers, and the ledger skips those that took it; one letter each would put
it back as often as there are trackers that refused it.
"""

import hashlib
from typing import Final, Literal

import msgspec

__all__ = ["HEAD_BYTES", "DeadLetter", "Stage", "decode_dead_letter", "encode_dead_letter", "kept_bytes"]

HEAD_BYTES: Final = 65_536
"""What is kept of a record too large to be written again."""

Stage = Literal["translate", "rekey", "attribute", "deliver"]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One record that failed, where it lies, and why."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int  # the record's arrival
    stage: Stage
    field: str  # dotted path; `$` the record itself, `key` the record's key
    code: str  # short and fixed, for counting
    reason: str  # a sentence
    key: bytes | None
    value: bytes | None  # base64; the original, or its head where `truncated`
    truncated: bool = False
    size: int = 0  # bytes of the original value
    sha256: str | None = None  # of the original value, where truncated
    trackers: tuple[str, ...] = ()  # those that refused an event


def kept_bytes(value: bytes | None, limit: int) -> tuple[bytes | None, bool, int, str | None]:
    """(`value`, `truncated`, `size`, `sha256`) of a dead letter, for a value of up to `limit` bytes whole."""
    if value is None:
        return None, False, 0, None
    if len(value) <= limit:
        return value, False, len(value), None
    return value[:HEAD_BYTES], True, len(value), hashlib.sha256(value).hexdigest()


encode_dead_letter: Final = msgspec.json.Encoder().encode
_decoder: Final = msgspec.json.Decoder(DeadLetter)


def decode_dead_letter(raw: bytes) -> DeadLetter:
    """The dead letter in a record of `dead-letters`. Raises msgspec.DecodeError."""
    return _decoder.decode(raw)
