"""Options that several verbs take, and what is made of them."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from streams.cli.running import UsageFault, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.attribution import RuleBook
    from streams.replay import Input, Translation
    from streams.settings import Settings

__all__ = [
    "CORES",
    "AccountsOption",
    "AnyInputsArgument",
    "AsOfOption",
    "ConfigOption",
    "FormatOption",
    "InputsArgument",
    "JobsOption",
    "MappingOption",
    "Order",
    "OrderOption",
    "RulesOption",
    "SinceOption",
    "UntilOption",
    "as_of_ms",
    "inputs_named",
    "instant_ms",
    "moment_ms",
    "rule_book",
    "settings_of",
    "translation",
]

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

CORES: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Those that this process may use: a container has fewer than its machine."""

Order = Literal["time", "arrival"]

_INPUTS: Final = typer.Argument(
    metavar="INPUT...",
    help="Files, directories or quoted patterns: .jsonl, also .gz and .zst, or .parquet; kafka:TOPIC, "
    "kafka:TOPIC/PARTITION or kafka:TOPIC/PARTITION:FIRST-END; - is standard input.",
)
InputsArgument = Annotated[list[str], _INPUTS]
AnyInputsArgument = Annotated[list[str] | None, _INPUTS]
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
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="When the records arrived: a timestamp later than this and an hour is a fault. RFC 3339 or epoch "
        "milliseconds; by default now.",
    ),
]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, help="Processes; by default one a core.")]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="Of a topic, records from then: RFC 3339, epoch milliseconds, or like 90m, 2h."
    ),
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Of a topic, records before then.")]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Of the input: interaction, smartsupp-webhook, smartsupp-hook-post, smartsupp-widget, segment, chatwoot.",
    ),
]
MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", metavar="FILE", help="What the format cannot say: docs/reference/formats.md."),
]


def inputs_named(
    names: "Sequence[str]", config: Path | None, since: str | None = None, until: str | None = None
) -> "tuple[str | Input, ...]":
    """The inputs as a replay takes them: topics looked up at the broker of the settings, files by their names."""
    has_topics = any(name.startswith("kafka:") for name in names)
    if not has_topics and (since is not None or until is not None):
        raise UsageFault("--since and --until are of topics (kafka:TOPIC): a file is read whole.")
    _tell_passed_over(names)
    if not has_topics:
        return tuple(names)
    from streams.inspect.topic_input import is_topic, topic_inputs

    settings = settings_of(config)
    since_ms, until_ms = moment_ms("--since", since), moment_ms("--until", until)
    inputs: list[str | Input] = []
    for name in names:
        if is_topic(name):
            inputs += topic_inputs(settings, name, since_ms=since_ms, until_ms=until_ms, asked=(since, until))
        else:
            inputs.append(name)
    return tuple(inputs)


def _tell_passed_over(names: "Sequence[str]") -> None:
    """Of directories, what is no chat log by its ending: it may be one under another name."""
    from streams.replay import passed_over

    for name in names:
        if left := passed_over(name):
            others = f" and {len(left) - 1:,} more" if len(left) > 1 else ""
            tell(f"{name}: passed over, by the ending: {left[0]}{others}. Name a file to have it read.")


def translation(name: str, mapping: Path | None) -> "Translation | None":
    """Of which format the records are, and what a mapping says of them; None: interactions as they stand."""
    from streams.configuration import BadFile, read_mapping
    from streams.replay import Translation
    from streams.sources import FORMATS

    if name == "interaction":
        if mapping is not None:
            raise UsageFault("--mapping is of a --format other than interaction, which says all by itself.")
        return None
    if name not in FORMATS:
        raise UsageFault(f"--format {name!r}: not supported. Supported: interaction, {', '.join(FORMATS)}.")
    found = read_mapping(mapping)
    if needs := FORMATS[name].needs(found):
        if mapping is None:
            raise UsageFault(f"--format {name} needs a --mapping: {needs[0].key}: {needs[0].reason}.")
        raise BadFile(mapping, needs)
    return Translation(name, found)


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
    from schemas.times import micros_of

    return micros_of(int(given) if given.isdecimal() else given) // 1000


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
