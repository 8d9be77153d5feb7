"""`chat2ga check`: would the worker start here? Settings, accounts, rules, broker and topics, each fault in a line."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import options
from streams.cli.console import print_table
from streams.cli.running import verb
from streams.errors import Chat2gaError

if TYPE_CHECKING:
    from streams.configuration import BadFile
    from streams.settings import Settings

__all__ = ["check"]

_FAULT = "FAULT"
_GaOption = Annotated[
    bool,
    typer.Option(
        "--ga",
        help="Also send one sample of each event to the validation server, Google's or CHAT2GA_GA_ENDPOINT's "
        "(/debug/mp/collect). Nothing reaches a property. Google's does not check secrets.",
    ),
]
Row = tuple[str, str, str]
"""good, note or FAULT; what was looked at; what is said of it."""


@verb
def check(config: options.ConfigOption = None, *, ga: _GaOption = False) -> int:
    """Check settings, accounts, rules, broker and topics. Exit code 1 if anything is at fault."""
    from streams.settings import effective

    settings = options.settings_of(config)
    print_table(sys.stdout, ("setting", "value"), effective(settings).items())
    rows = [_core_row(), *_file_rows(settings), *_process_rows(settings), *_broker_rows(settings)]
    if ga:
        rows += _ga_rows(settings)
    print_table(sys.stdout, ("", "checked", "result"), rows)
    return 1 if any(kind == _FAULT for kind, _, _ in rows) else 0


def _core_row() -> Row:
    from streams.attribution import CORE

    return ("good", "core", CORE)


def _file_rows(settings: "Settings") -> list[Row]:
    from streams.configuration import BadFile, read_accounts, read_options
    from streams.settings import secret

    rows: list[Row] = []
    try:
        accounts = read_accounts(settings.accounts)
    except BadFile as error:
        rows += _fault_rows("accounts", error)
    else:
        given = "no file: every account has the contract's defaults, and no tracker"
        said = f"{settings.accounts}: {len(accounts.by_id):,} listed" if settings.accounts else given
        rows.append(("good", "accounts", said))
        sources = {
            (tracker, source)
            for account in (accounts.default, *accounts.by_id.values())
            for tracker, source in account.api_secrets.items()
        }
        rows += [
            ("note", "accounts", f"{tracker}: there is no secret at {source} here; where `deliver` runs it must be")
            for tracker, source in sorted(sources)
            if secret(source) is None
        ]
    try:
        read = read_options(settings.rules)
    except BadFile as error:
        rows += _fault_rows("rules", error)
    else:
        rows.append(("good", "rules", f"{settings.rules or 'no file: the defaults'}; rules_version {read.version()}"))
    return [*rows, *_door_rows(settings)]


def _door_rows(settings: "Settings") -> list[Row]:
    """The two doors for other formats, where they are set up."""
    from streams.configuration import BadFile
    from streams.ingest import read_endpoints
    from streams.settings import BadSettings
    from streams.worker.translate import mapping_of

    rows: list[Row] = []
    if settings.sources or settings.mapping:
        try:
            mapping_of(settings)
        except BadFile as error:
            rows += _fault_rows("mapping", error)
        except BadSettings as bad:
            rows += [(_FAULT, "mapping", fault) for fault in bad.faults]
        else:
            rows.append(("good", "mapping", f"{settings.mapping or 'no file: nothing is mapped'}"))
    if settings.ingest:
        try:
            served = read_endpoints(settings.ingest)
        except BadFile as error:
            rows += _fault_rows("ingest", error)
        else:
            rows.append(("good", "ingest", f"{settings.ingest}: {', '.join(served)}"))
    return rows


def _process_rows(settings: "Settings") -> list[Row]:
    """A note, not a fault: a worker with `--only attribute` posts nothing."""
    if settings.processes <= settings.ga_in_flight:
        return []
    said = f"{settings.processes} cannot share CHAT2GA_GA_IN_FLIGHT={settings.ga_in_flight}: where `deliver` runs"
    return [("note", "processes", f"{said} the worker would not start")]


def _ga_rows(settings: "Settings") -> list[Row]:
    from streams.cli.check_ga import findings
    from streams.configuration import BadFile, read_accounts

    try:
        accounts = read_accounts(settings.accounts)
    except BadFile:
        return [("note", "ga", "not asked: accounts.toml must be right first")]
    return [(kind, "ga", says) for kind, says in findings(settings, accounts)]


def _fault_rows(what: str, error: "BadFile") -> list[Row]:
    return [
        (_FAULT, what, f"{error.path}: {fault.key}: {fault.reason}" if fault.key else f"{error.path}: {fault.reason}")
        for fault in error.faults
    ]


def _broker_rows(settings: "Settings") -> list[Row]:
    from streams.inspect.admin import broker_findings

    try:
        findings = asyncio.run(broker_findings(settings))
    except Chat2gaError as error:
        return [(_FAULT, "broker", str(error))]
    return [(_FAULT if each.kind == "fault" else each.kind, each.what, each.says) for each in findings]
