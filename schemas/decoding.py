"""Decoding: a record's bytes become an interaction, or why they are none (CONTRACT §1).

Knows nothing of Kafka, files or clocks: the record's arrival comes in as data.

Two ways lead through the same structs. The first reads the bytes straight into
them and takes all but a few records. What it refuses is read a second time as
plain JSON, because only then three readings of the contract can be kept: an
unknown `type` is ignored whatever else is wrong, of a key given twice the last
counts, and what is not JSON at all is named `$`.
"""

import math
import re
from typing import Any, Final

import msgspec

from schemas.instant import Instant
from schemas.interaction import TYPES, Fault, FeedbackGiven, Interaction, Rating, Unknown
from schemas.times import micros_of

__all__ = ["MAX_RECORD_BYTES", "decode_interaction", "session_key"]

MAX_RECORD_BYTES: Final = 1_048_576
"""A record over this is a dead letter: Kafka's brokers take no larger one by default either
(`message.max.bytes`), and a session must be able to carry what it has seen."""


def _custom(wanted: type, given: object) -> object:
    if wanted is Instant:
        return Instant(micros_of(given))
    if wanted is Rating:
        return Rating.parse(given)
    raise TypeError(f"no field of an interaction is a {wanted.__name__}")


def _finite(digits: str) -> object:
    """A number, or where no number is so large what fits no field: it is a fault only where a field wants one."""
    number = float(digits)
    return number if math.isfinite(number) else object()


_decoder: Final = msgspec.json.Decoder(Interaction, dec_hook=_custom)
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_plain: Final = msgspec.json.Decoder(float_hook=_finite)
_AT: Final = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_BRACKETS: Final = re.compile(r"\[[^\]]*\]")


def decode_interaction(raw: bytes | None, latest_micros: int) -> Interaction | Unknown | Fault:
    """The interaction in a record's bytes, or why it is none.

    `latest_micros`: the record's arrival plus `max_ahead`; a later `timestamp`
    is a fault, for a clock that is wrong would hold its session open for ever.
    Never raises: whatever stands in a record, the stream goes on.
    """
    if raw is None:
        return Fault("$", "The record has no value", "empty")
    if len(raw) > MAX_RECORD_BYTES:
        return Fault("$", f"{len(raw)} bytes; a record may have {MAX_RECORD_BYTES}", "too_large")
    try:
        if not raw.isascii():
            raw.decode()  # msgspec passes over what it need not read, wrong UTF-8 with it
        interaction = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        second = _decode_plainly(raw)
        if isinstance(second, (Fault, Unknown)):
            return second
        interaction = second
    return _fault_across_fields(interaction, latest_micros) or interaction


def _decode_plainly(raw: bytes) -> Interaction | Unknown | Fault:
    """The slow way: JSON first, then what is in it."""
    try:
        record = _fields.decode(raw.decode())
    except msgspec.ValidationError:
        return Fault("$", "Expected a JSON object", "not_object")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Fault("$", f"Expected JSON in UTF-8: {error}", "not_json")
    return _decode_fields(record)


def _decode_fields(record: dict[str, msgspec.Raw]) -> Interaction | Unknown | Fault:
    """Its `type` first, then the fields of that type, and no others, then its struct."""
    given: dict[str, Any] = {}
    name = "type"
    try:
        given[name] = kind = _plain.decode(record.get(name, b"null"))
        if type(kind) is not str:
            return Fault(name, "Expected a string that names the interaction")
        struct = TYPES.get(kind)
        if struct is None:
            return Unknown(kind)
        for name in struct.__struct_encode_fields__:
            if name in record:
                given[name] = _plain.decode(record[name])
    except msgspec.ValidationError as error:  # well-formed, yet beyond Python: an integer of thousands of digits
        return Fault(name, str(error).partition(" - at ")[0])
    try:
        return msgspec.convert(given, struct, dec_hook=_custom)
    except msgspec.ValidationError as error:
        return _fault_of(str(error))


def _fault_of(message: str) -> Fault:
    """Where msgspec puts the fault: its messages end in a path, or name the missing field."""
    match = _AT.match(message)
    path = (match and match["path"]) or "$"
    reason = match["reason"] if match else message
    if missing := _MISSING.match(reason):
        path, reason = f"{path}.{missing['name']}", "This field is required"
    field = _BRACKETS.sub("", path).removeprefix("$").removeprefix(".")
    return Fault(field or "$", reason)


def _fault_across_fields(interaction: Interaction, latest_micros: int) -> Fault | None:
    if interaction.timestamp > latest_micros:
        return Fault("timestamp", "Later than the record's arrival allows: the sender's clock is ahead", "ahead")
    if interaction.session_id is None and interaction.visitor_id is None:
        return Fault("session_id", "Expected session_id or visitor_id")
    if "/" in interaction.account_id:
        return Fault("account_id", "Expected an id without `/`")
    if type(interaction) is FeedbackGiven and interaction.rating is None and interaction.said is None:
        return Fault("rating", "Expected a rating or a text")
    return None


def session_key(interaction: Interaction) -> str:
    """The session's key, which is the record's key too (CONTRACT §5).

    An account id holds no `/`, so no two sessions share a key.
    """
    if interaction.session_id is not None:
        return f"{interaction.account_id}/s/{interaction.session_id}"
    return f"{interaction.account_id}/v/{interaction.visitor_id}"
