"""A raw record as it is walked: each value with the dotted path at which it stands. Pure.

So that whatever is wrong, found here or by the interaction's own validation, is
told by the name that its sender knows.
"""

from typing import Any, Final, NamedTuple

import msgspec

from schemas.decoding import MAX_RECORD_BYTES
from schemas.interaction import Fault

__all__ = ["At", "first", "read"]

_decoder: Final = msgspec.json.Decoder()


class At(NamedTuple):
    """A value of a raw record, and where it stands; `null` and what is missing are None."""

    value: Any
    path: str

    def at(self, *names: str | int) -> "At":
        """What stands further in; None where the way does not lead there."""
        value, path = self
        for name in names:
            path = f"{path}.{name}" if path else str(name)
            if isinstance(name, int):
                value = value[name] if isinstance(value, list) and name < len(value) else None
            else:
                value = value.get(name) if isinstance(value, dict) else None
        return At(value, path)

    def items(self) -> "list[At]":
        """The elements of a list; none of anything else."""
        return [At(each, f"{self.path}.{n}") for n, each in enumerate(self.value)] if type(self.value) is list else []

    @property
    def text(self) -> str | None:
        """The value where it is a text that is not empty."""
        return self.value if isinstance(self.value, str) and self.value else None

    @property
    def id(self) -> str | None:
        """The value as an id: a text that is not empty, or a whole number in digits."""
        return str(self.value) if type(self.value) is int else self.text

    def truth(self) -> "bool | Fault":
        """Whether it is true; what is missing is not."""
        if self.value is None or isinstance(self.value, bool):
            return self.value is True
        return self.expected("true or false")

    def expected(self, what: str) -> Fault:
        """The fault that something else stands here."""
        return Fault(self.path or "$", f"Expected {what}")


def first(*places: At) -> At:
    """The first that holds anything; of none, the first, which then is what a fault names."""
    return next((place for place in places if place.value not in (None, "")), places[0])


def read(raw: bytes) -> At | Fault:
    """The object in a raw record. A number beyond what Python holds is a fault as well."""
    if len(raw) > MAX_RECORD_BYTES:
        return Fault("$", f"{len(raw)} bytes; a record may have {MAX_RECORD_BYTES}", "too_large")
    try:
        record = _decoder.decode(raw.decode())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Fault("$", f"Expected JSON in UTF-8: {error}", "not_json")
    return At(record, "") if type(record) is dict else Fault("$", "Expected a JSON object", "not_object")
