"""Account settings: who is measured where, and on what terms (CONTRACT §4).

Validated as a whole: all faults at once, each with the key it stands at. Reads
no file and no environment; a secret is only ever named here, never held.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from schemas.keys import KeyFault, checked

__all__ = ["Account", "Accounts", "accounts_from"]

_MAX_ID: Final = 256

MeasurementId = Annotated[str, msgspec.Meta(pattern=r"^(G-[A-Z0-9]+|UA-[0-9]+-[0-9]+)\Z", max_length=_MAX_ID)]
ApiTracker = Annotated[str, msgspec.Meta(pattern=r"^(|G-[A-Z0-9]+|UA-[0-9]+-[0-9]+)\Z", max_length=_MAX_ID)]
SecretSource = Annotated[str, msgspec.Meta(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)\Z")]


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One account's settings; the defaults are the contract's."""

    plan: Literal["free", "standard", "pro"] = "pro"
    measurement: Literal["auto", "manual"] = "auto"
    measurement_ids: tuple[MeasurementId, ...] = ()
    api_tracker: ApiTracker = ""
    consent: Literal["implied", "required"] = "implied"
    naming: Literal["v3", "legacy"] = "v3"
    pii: Literal["redact", "drop", "keep"] = "redact"
    region: Literal["global", "eu"] = "global"
    api_secrets: dict[MeasurementId, SecretSource] = {}
    listed: bool = True
    """False: neither listed nor covered by `[defaults]`; its events get no trackers."""


class Accounts(msgspec.Struct, frozen=True):
    """All accounts of a file."""

    by_id: dict[str, Account] = {}
    default: Account = Account(listed=False)

    def of(self, account_id: str) -> Account:
        """The settings of an account, listed or not."""
        return self.by_id.get(account_id, self.default)


_KEYS: Final = tuple(field for field in Account.__struct_fields__ if field != "listed")


def accounts_from(table: Mapping[str, Any]) -> Accounts | tuple[KeyFault, ...]:
    """The accounts of a parsed accounts.toml, or every fault in it."""
    faults = [
        KeyFault(key, "Expected [defaults] or [accounts.…]") for key in table if key not in ("defaults", "accounts")
    ]
    defaults = _table(table, "defaults", "defaults", faults)
    listed = _table(table, "accounts", "accounts", faults)
    default_account = _account(defaults, {}, "defaults", faults)
    by_id: dict[str, Account] = {}
    for account_id in listed:
        key = f"accounts.{account_id}"
        if not account_id or len(account_id) > _MAX_ID or "/" in account_id:
            faults.append(KeyFault(key, "Expected an account id of 1 to 256 characters without `/`"))
        by_id[account_id] = _account(_table(listed, account_id, key, faults), defaults, key, faults)
    if faults:
        return tuple(faults)
    return Accounts(by_id, default_account if "defaults" in table else Account(listed=False))


def _table(parent: Mapping[str, Any], name: str, key: str, faults: list[KeyFault]) -> Mapping[str, Any]:
    given = parent.get(name, {})
    if isinstance(given, Mapping):
        return given
    faults.append(KeyFault(key, "Expected a table"))
    return {}


def _account(own: Mapping[str, Any], defaults: Mapping[str, Any], key: str, faults: list[KeyFault]) -> Account:
    good, wrong = checked(Account, own, key, _KEYS)
    faults += wrong
    # What [defaults] has wrong is told where it stands, once.
    inherited, _ = checked(Account, defaults, "", _KEYS)
    return msgspec.convert(inherited | good, Account)
