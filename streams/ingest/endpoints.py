"""Endpoints: who may send what, in which format, how fast. Validated as a whole, every fault at once.

A secret is only ever named here, never held.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from schemas.account import SecretSource
from schemas.keys import KeyFault, checked
from streams import sources
from streams.configuration import BadFile, read_mapping, read_toml
from streams.settings import secret

__all__ = ["INTERACTION", "Endpoint", "Served", "endpoints_from", "read_endpoints"]

INTERACTION: Final = "interaction"
"""The format of the contract's own raw interactions."""

_NAME: Final = msgspec.json.Decoder(Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")])


class Endpoint(msgspec.Struct, frozen=True):
    """One endpoint, `POST /v1/<its name>`; each field is a key of the file."""

    format: str = ""
    """`interaction`, or one of `streams.sources`."""
    secret: SecretSource | None = None
    """What the sender signs with; a bearer token where the format has no signature."""
    open: bool = False
    """Anybody may send: only where the format has no signature, and then no secret is given."""
    mapping: str | None = None
    """Path of a mapping file, from the directory of this one."""
    requests_per_s: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 100.0

    @property
    def signature(self) -> sources.Signature | None:
        """How senders of this format sign; None: they do not."""
        return None if self.format == INTERACTION else sources.FORMATS[self.format].signature


class Served(NamedTuple):
    """An endpoint with what its file's words stand for."""

    endpoint: Endpoint
    source: sources.Format | None
    """None: raw interactions as they are."""
    mapping: sources.Mapping


def endpoints_from(table: Mapping[str, Any]) -> dict[str, Endpoint] | tuple[KeyFault, ...]:
    """The endpoints of a parsed file by name, or every fault in it."""
    faults = [KeyFault(key, "Expected [endpoints.…]") for key in table if key != "endpoints"]
    listed = table.get("endpoints", {})
    if not isinstance(listed, Mapping) or not listed:
        faults.append(KeyFault("endpoints", "Expected at least one table [endpoints.NAME]"))
        return tuple(faults)
    found: dict[str, Endpoint] = {}
    for name, given in listed.items():
        key = f"endpoints.{name}"
        if not _is_name(name):
            faults.append(KeyFault(key, "Expected a name of 1 to 64 letters, digits, `-` and `_`"))
        if not isinstance(given, Mapping):
            faults.append(KeyFault(key, "Expected a table"))
            continue
        good, wrong = checked(Endpoint, given, key, Endpoint.__struct_fields__)
        endpoint = msgspec.convert(good, Endpoint)
        faults += [*wrong, *_at_odds(endpoint, key, {fault.key for fault in wrong})]
        found[name] = endpoint
    return tuple(faults) if faults else found


def _is_name(name: str) -> bool:
    try:
        _NAME.decode(msgspec.json.encode(name))
    except msgspec.ValidationError:
        return False
    return True


def _at_odds(endpoint: Endpoint, key: str, told: set[str]) -> list[KeyFault]:
    """What is wrong with values that are right one by one; of those at fault already nothing more is said."""
    formats = [INTERACTION, *sources.FORMATS]
    if f"{key}.format" in told:
        return []
    if endpoint.format not in formats:
        return [KeyFault(f"{key}.format", f"Expected one of {', '.join(formats)}")]
    faults = []
    if endpoint.mapping is not None and endpoint.format == INTERACTION:
        faults.append(KeyFault(f"{key}.mapping", "Raw interactions are taken as they are: there is nothing to map"))
    if {f"{key}.secret", f"{key}.open"} & told:
        return faults
    if endpoint.open and endpoint.signature is not None:
        faults.append(KeyFault(f"{key}.open", "Senders of this format sign: give the secret in place of this"))
    elif endpoint.open and endpoint.secret is not None:
        faults.append(KeyFault(f"{key}.open", "A secret is given, so not anybody may send: leave out one of the two"))
    elif not endpoint.open and endpoint.secret is None:
        kind = "the secret that senders sign with" if endpoint.signature else "a bearer token, or say `open = true`"
        faults.append(KeyFault(f"{key}.secret", f'Expected {kind}: "env:NAME" or "file:PATH"'))
    return faults


def read_endpoints(path: Path) -> dict[str, Served]:
    """The endpoints of a file, with their mappings; every secret that they name is there.

    Raises BadFile with all that is wrong, in this file and in the mapping files.
    """
    found = endpoints_from(read_toml(path))
    if isinstance(found, tuple):
        raise BadFile(path, found)
    faults: list[KeyFault] = []
    served: dict[str, Served] = {}
    for name, endpoint in found.items():
        key = f"endpoints.{name}"
        if endpoint.secret is not None and secret(endpoint.secret) is None:
            faults.append(KeyFault(f"{key}.secret", f"There is no secret at {endpoint.secret}"))
        mapping = sources.Mapping()
        if endpoint.mapping is not None:
            try:
                mapping = read_mapping(path.parent / endpoint.mapping)
            except BadFile as error:
                faults += [KeyFault(f"{key}.mapping", _within(error.path, fault)) for fault in error.faults]
        source = None if endpoint.format == INTERACTION else sources.FORMATS[endpoint.format]
        if source is not None and not any(fault.key == f"{key}.mapping" for fault in faults):
            faults += [KeyFault(f"{key}.mapping", _within(None, fault)) for fault in source.needs(mapping)]
        served[name] = Served(endpoint, source, mapping)
    if faults:
        raise BadFile(path, tuple(faults))
    return served


def _within(path: Path | None, fault: KeyFault) -> str:
    return ": ".join(str(part) for part in (path, fault.key, fault.reason) if part)
