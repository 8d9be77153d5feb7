"""Settings given by hand in TOML: every fault of a table at once, each with its key.

A fault never quotes the value it was found in: that may be a secret, pasted
where its name belongs.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

__all__ = ["KeyFault", "checked"]


class KeyFault(msgspec.Struct, frozen=True):
    """One thing wrong in a file of settings: where it stands, and what was expected."""

    key: str
    reason: str


def checked(
    struct: type[msgspec.Struct], given: Mapping[str, Any], key: str, known: Collection[str]
) -> tuple[dict[str, Any], list[KeyFault]]:
    """What of `given` fits the fields of `struct`, and the faults of the rest.

    One field at a time, so that one fault does not hide the others. `struct`
    has a default for every field; `key` is where the table stands in its file.
    """
    good: dict[str, Any] = {}
    faults: list[KeyFault] = []
    for name, value in given.items():
        at = f"{key}.{name}" if key else name
        if name not in known:
            faults.append(KeyFault(at, f"Unknown setting; known are {', '.join(known)}"))
            continue
        try:
            msgspec.convert({name: value}, struct)
        except msgspec.ValidationError as error:
            faults.append(KeyFault(at, _expectation(str(error).partition(" - at `")[0], struct, name)))
        else:
            good[name] = value
    return good, faults


def _expectation(reason: str, struct: type[msgspec.Struct], name: str) -> str:
    """What was expected, in words: msgspec quotes a pattern, or the value that is wrong."""
    if reason.startswith("Invalid enum value"):
        return f"Expected one of {', '.join(map(str, _values(get_type_hints(struct)[name])))}"
    if "env:" in reason:
        return 'Expected "env:NAME" or "file:PATH", never the secret itself'
    if "UA-" in reason:
        return "Expected G-… (capital letters and digits) or UA-…-… (digits)"
    if "[^/]" in reason:
        return "Expected an id without `/`"
    return reason


def _values(of: object) -> Iterator[object]:
    """Those that a type allows, where it lists them, also for what it holds."""
    if get_origin(of) is Literal:
        yield from get_args(of)
    else:
        for each in get_args(of):
            yield from _values(each)
