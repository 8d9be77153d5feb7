"""What a mapping file says of a raw format: what the format itself cannot know, or calls otherwise. Pure.

Validated as a whole, every fault at once with its key. Nothing in it has to be
given: what is left out is not made up. Reads no file and knows no format.
"""

from collections import abc
from typing import Annotated, Any, Final, Literal

import msgspec

from schemas.account import MeasurementId
from schemas.interaction import AutomationKind, Id
from schemas.keys import KeyFault, checked

__all__ = ["Automation", "Mapping", "Variables", "mapping_from"]

AccountId = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^/]+\Z")]


class Automation(msgspec.Struct, frozen=True):
    """What is known of an automation beyond what a record tells; None leaves it as told."""

    kind: AutomationKind | None = None
    id: Id | None = None
    name: str | None = None


class Variables(msgspec.Struct, frozen=True):
    """Names of the site's own variables in a record that hold these ids."""

    user_id: str | None = None
    ga_client_id: str | None = None
    ga_session_id: str | None = None


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping file; the defaults supply nothing. What each key does: docs/reference/formats.md."""

    account_id: AccountId | None = None
    accounts: dict[str, AccountId] = {}
    automations: dict[str, Automation] = {}
    automation_kind: AutomationKind | None = None
    agents: dict[str, str] = {}
    agent_joined: Literal["first_agent_message", "assigned"] | None = None
    box_opened: Literal["first_visitor_message"] | None = None
    measurement_ids: tuple[MeasurementId, ...] = ()
    ratings: dict[str, Literal[5, 3, 1]] = {}
    variables: Variables = Variables()
    channels: tuple[str, ...] = ()

    def account(self, told: str | None) -> str | None:
        """The account of a record that tells this one; None where nobody says it."""
        return self.account_id if told is None else self.accounts.get(told, told)

    def known(self, *told: str | None) -> Automation | None:
        """What stands under the first of these ids and names that is listed."""
        return next((self.automations[name] for name in told if name is not None and name in self.automations), None)

    def looks_at(self, channel: object) -> bool:
        """Whether records of this channel count; those that name none do."""
        return not self.channels or not isinstance(channel, str) or channel in self.channels


_ENTRIES: Final[dict[str, type[Automation] | None]] = {
    "accounts": None,
    "automations": Automation,
    "agents": None,
    "ratings": None,
}
"""Tables whose keys are the sender's, and what stands under each: a table of this struct, or one value."""


def mapping_from(table: abc.Mapping[str, Any]) -> Mapping | tuple[KeyFault, ...]:
    """The mapping in a parsed file, or every fault in it."""
    faults: list[KeyFault] = []
    for name, value in table.items():
        if name not in _ENTRIES and name != "variables":
            faults += _wrong(name, value)
        elif not isinstance(value, abc.Mapping):
            faults.append(KeyFault(name, "Expected a table"))
        elif name == "variables":
            faults += checked(Variables, value, name, Variables.__struct_fields__)[1]
        else:
            for key, entry in value.items():
                faults += _wrong_entry(name, key, entry)
    return tuple(faults) if faults else msgspec.convert(table, Mapping)


def _wrong(name: str, value: object) -> list[KeyFault]:
    return checked(Mapping, {name: value}, "", Mapping.__struct_fields__)[1]


def _wrong_entry(name: str, key: str, entry: object) -> list[KeyFault]:
    at = f"{name}.{key}"
    struct = _ENTRIES[name]
    if struct is None:
        return [KeyFault(at, fault.reason) for fault in _wrong(name, {key: entry})]
    if not isinstance(entry, abc.Mapping):
        return [KeyFault(at, "Expected a table")]
    return checked(struct, entry, at, struct.__struct_fields__)[1]
