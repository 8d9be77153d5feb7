"""Options that several verbs take, and what is made of them."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from streams.cli.running import UsageFault

if TYPE_CHECKING:
    from streams.attribution import RuleBook
    from streams.settings import Settings

__all__ = [
    "CORES",
    "AccountsOption",
    "AsOfOption",
    "ConfigOption",
    "InputsArgument",
    "JobsOption",
    "Order",
    "OrderOption",
    "RulesOption",
    "as_of_ms",
    "instant_ms",
    "moment_ms",
    "rule_book",
    "settings_of",
]

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Order = Literal["time", "arrival"]

InputsArgument = Annotated[
    list[str],
    typer.Argument(metavar="INPUT...", help="Files of JSON lines: .jsonl, .gz, .zst; - is standard input."),
]
AccountsOption = Annotated[
    Path | None, typer.Option("--accounts", help="accounts.toml. By default that of CHAT2GA_ACCOUNTS.", metavar="FILE")
]
RulesOption = Annotated[
    Path | None, typer.Option("--rules", help="rules.toml. By default that of CHAT2GA_RULES.", metavar="FILE")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings in TOML; the environment wins over it.", metavar="FILE")
]
OrderOption = Annotated[
    Order,
    typer.Option("--order", help="time: sorted by event time within the session; arrival: as the input has them."),
]
CORES: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Those that this process may use: a container has fewer than its machine."""
JobsOption = Annotated[int, typer.Option("--jobs", min=1, help="Processes; by default one a core.")]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="When the records arrived: a timestamp later than this and an hour is a fault. RFC 3339 or epoch "
        "milliseconds; by default now.",
    ),
]


def as_of_ms(given: str | None) -> int:
    """The moment of `--as-of`, by default now, in epoch milliseconds."""
    if given is None:
        return time.time_ns() // 1_000_000
    try:
        return instant_ms(given)
    except ValueError as error:
        raise UsageFault(f"--as-of {given!r}: {error}") from None


def instant_ms(given: str) -> int:
    """A moment given as RFC 3339 or as epoch milliseconds. Raises ValueError with the reason."""
    from schemas.interaction import Instant

    return Instant.parse(int(given) if given.isdecimal() else given) // 1000


def moment_ms(option: str, given: str | None) -> int | None:
    """The moment of an option like `--since`, also as an age, in epoch milliseconds. Raises UsageFault."""
    if given is None:
        return None
    if given[:-1].isdecimal() and given[-1] in _UNITS_S:
        return time.time_ns() // 1_000_000 - int(given[:-1]) * _UNITS_S[given[-1]] * 1_000
    try:
        return instant_ms(given)
    except ValueError as error:
        raise UsageFault(f"{option} {given!r}: {error}; or like 90m, 2h, 7d") from None


def settings_of(config: Path | None) -> "Settings":
    """The settings of this process."""
    from streams.settings import load_settings

    return load_settings(config)


def rule_book(accounts: Path | None, rules: Path | None, config: Path | None) -> "RuleBook":
    """The rules to replay by: the files named, else those of the settings, as the worker has them."""
    from streams.attribution import RuleBook
    from streams.configuration import read_accounts, read_options

    if accounts is None or rules is None:
        settings = settings_of(config)
        accounts, rules = accounts or settings.accounts, rules or settings.rules
    return RuleBook(read_options(rules), read_accounts(accounts))
