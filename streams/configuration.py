"""Files that people write: accounts.toml, rules.toml and a mapping of a raw format. Read whole, every fault at once."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from schemas.account import Accounts, accounts_from
from schemas.keys import KeyFault
from schemas.options import Options, options_from
from streams.errors import Chat2gaError, Fault
from streams.sources import Mapping, mapping_from

__all__ = ["BadFile", "read_accounts", "read_mapping", "read_options", "read_toml"]

T = TypeVar("T")


class BadFile(Chat2gaError):
    """A file of settings that cannot be used: each fault with the key it stands at."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, path: Path, faults: tuple[KeyFault, ...]) -> None:
        super().__init__(path, faults)
        self.path, self.faults = path, faults

    def __str__(self) -> str:
        return "; ".join(
            f"{self.path}: {fault.key}: {fault.reason}" if fault.key else f"{self.path}: {fault.reason}"
            for fault in self.faults
        )


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as it stands. Raises BadFile where there is none or it is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        reason = "there is no such file"
    except IsADirectoryError:
        reason = "this is a directory, not a file"
    except PermissionError:
        reason = "this file may not be read"
    except UnicodeDecodeError:
        reason = "this file is not UTF-8"
    except tomllib.TOMLDecodeError as error:
        reason = f"this is not TOML: {error}"
    raise BadFile(path, (KeyFault("", reason),))


def read_accounts(path: Path | None) -> Accounts:
    """The accounts of a file; without one, every account has the contract's defaults."""
    return Accounts() if path is None else _checked(path, accounts_from(read_toml(path)))


def read_options(path: Path | None) -> Options:
    """The options of a rules file; without one, the contract's defaults."""
    return Options() if path is None else _checked(path, options_from(read_toml(path)))


def read_mapping(path: Path | None) -> Mapping:
    """The mapping of a raw format; without a file, one that says nothing."""
    return Mapping() if path is None else _checked(path, mapping_from(read_toml(path)))


def _checked(path: Path, made: T | tuple[KeyFault, ...]) -> T:
    """What was made of a file. Raises BadFile where that is its faults."""
    if isinstance(made, tuple):
        raise BadFile(path, made)
    return made
