"""`chat2ga compare`: two rule sets over the same history: events gained, lost, credited to another, moved, changed."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TextIO

import typer

from streams.cli import options
from streams.cli.console import print_table
from streams.cli.progress import phases
from streams.cli.running import UsageFault, tell, verb

if TYPE_CHECKING:
    from streams.attribution import RuleBook
    from streams.comparison import Compared, Credited, Row, Summary
    from streams.replay import Input

__all__ = ["compare"]

DIFFERENT: Final = 3
"""Exit code where an event differs. 1 and 2 say, as everywhere, that it could not be found out."""
COLUMNS: Final = ("difference", "event", "automation", "account", "count", "sessions")
SHOWN: Final = 50
"""Rows of a table for a person; machines get all."""
STDOUT: Final = "-"


@verb
def compare(  # noqa: PLR0913 - options of a command line are given by name
    inputs: options.AnyInputsArgument = None,
    *,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="FILE", help="Twice: rules.toml of A, then of B. An empty file: the defaults."),
    ] = None,
    accounts: Annotated[
        list[Path] | None,
        typer.Option(
            "--accounts",
            metavar="FILE",
            help="Once: accounts.toml of both. Twice: of A, then of B. By default that of CHAT2GA_ACCOUNTS.",
        ),
    ] = None,
    events: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--events",
            metavar="OLD NEW",
            help="In place of INPUT and --rules: events that two versions of chat2ga made: files, directories, topics.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="OUT", help="Where the differences go, one JSON object each: - or a .jsonl file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The sum as one JSON object, also on a terminal.")] = False,
    order: options.OrderOption = "time",
    as_of: options.AsOfOption = None,
    jobs: options.JobsOption = options.CORES,
    input_format: options.FormatOption = "interaction",
    mapping: options.MappingOption = None,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    config: options.ConfigOption = None,
) -> int:
    """Compare what two rule sets, A and B, make of the same history.

    gained: an event of B alone; lost: of A alone;
    reattributed: what the visitor answered is credited to another automation;
    moved: the same event of the same run, fired by another interaction;
    changed: in anything else, but for rules_version.

    The sum is a table, in a pipe lines with tabs; counts of A and B go to stderr.
    Exit code 0: no event differs; 3: some do; 1, 2: it could not be found out.
    """
    if as_json and to == STDOUT:
        raise UsageFault("--json and --to -: both want standard output. Write the differences to a file")
    began = time.monotonic()
    if events is not None:
        if inputs or rules or accounts or mapping or as_of:
            raise UsageFault("--events takes two files of events: INPUT and what goes with it have no place beside it")
        old, new = (options.inputs_named([name], config, since, until) for name in events)
        compared = _of_events(old, new, to)
    else:
        if not inputs:
            raise UsageFault("Missing argument 'INPUT...', or --events OLD NEW. See `chat2ga compare --help`")
        (rules_a, rules_b), (accounts_a, accounts_b) = _rules(rules), _accounts(accounts)
        compared = _of_rules(
            options.inputs_named(inputs, config, since, until),
            options.rule_book(accounts_a, rules_a, config),
            options.rule_book(accounts_b, rules_b, config),
            as_of_ms=options.as_of_ms(as_of),
            out=to,
            translation=options.translation(input_format, mapping),
            order=order,
            jobs=jobs,
        )
    if as_json:
        sys.stdout.write(json.dumps(compared.told(), ensure_ascii=False) + "\n")
    else:
        _print_rows(compared.summary, sys.stderr if to == STDOUT else sys.stdout)
        _sum_up(compared, time.monotonic() - began)
    return DIFFERENT if compared.summary.kinds else 0


def _of_rules(inputs: "tuple[str | Input, ...]", a: "RuleBook", b: "RuleBook", **wanted: Any) -> "Compared":  # noqa: ANN401 - as given
    from streams.comparison import History
    from streams.comparison import compare as run

    with phases() as told:
        return run(History(inputs=inputs, a=a, b=b, **wanted), told)


def _of_events(old: "tuple[str | Input, ...]", new: "tuple[str | Input, ...]", out: str | None) -> "Compared":
    from streams.comparison.event_files import EventFiles, compare_events

    with phases() as told:
        return compare_events(EventFiles(old, new, out), told)


def _rules(given: list[Path] | None) -> tuple[Path, Path]:
    match given:
        case [a, b]:
            return a, b
    times = len(given or ())
    raise UsageFault(f"--rules was given {times} times; expected two, --rules A.toml --rules B.toml")


def _accounts(given: list[Path] | None) -> tuple[Path | None, Path | None]:
    """Of A and of B; None: those of the settings."""
    match given or []:
        case []:
            return None, None
        case [both]:
            return both, both
        case [a, b]:
            return a, b
    raise UsageFault(f"--accounts was given {len(given or ())} times; expected one for both, or one each")


# -- for people ------------------------------------------------------------------------


def _print_rows(summary: "Summary", file: TextIO) -> None:
    rows = summary.rows()
    for_people = file.isatty()
    shown = rows[:SHOWN] if for_people else rows
    cells = [_cells(row, f"{count:,}" if for_people else str(count), sessions) for row, count, sessions in shown]
    if rows:
        print_table(file, COLUMNS, cells)
    if len(shown) < len(rows):
        tell(f"{len(rows) - len(shown):,} more rows: see --json")


def _cells(row: "Row", count: str, sessions: Sequence[str]) -> tuple[object, ...]:
    event, automation = row.name, _automation(row.automation)
    if row.kind == "reattributed":
        event = row.name if row.name == row.became_name else f"{row.name} -> {row.became_name}"
        automation = f"{automation or 'none'} -> {_automation(row.became) or 'none'}"
    return row.kind, event, automation, row.account_id, count, "  ".join(sessions)


def _automation(credited: "Credited | None") -> str:
    return "" if credited is None else f"{credited.kind} {credited.id} ({credited.name})"


def _sum_up(compared: "Compared", seconds: float) -> None:
    """Of A and of B."""
    rows = [(what, *(f"{count:,}" for count in counts)) for what, counts in _counts(compared) if None not in counts]
    print_table(sys.stderr, ("compare", "A", "B"), [*rows, ("seconds", f"{seconds:.2f}", "")])


def _counts(compared: "Compared") -> Iterator[tuple[str, tuple[int | None, int | None]]]:
    a, b, kinds = compared.a, compared.b, compared.summary.kinds
    yield "records read", (compared.records, compared.records)
    yield "interactions applied", (a.interactions, b.interactions)
    yield "dead letters of both", (compared.dead_letters, compared.dead_letters)
    yield "dead letters here alone: too far ahead", (a.dead_ahead, b.dead_ahead)
    yield "dead letters here alone: type not known", (a.dead_unknown, b.dead_unknown)
    yield "repeated records of events", (a.repeated, b.repeated)
    yield "sessions", (a.sessions, b.sessions)
    yield "events", (a.events, b.events)
    yield "  the same", (compared.same, compared.same)
    for kind in ("changed", "moved", "reattributed"):
        yield f"  {kind}", (kinds[kind], kinds[kind])
        if kind == "changed":
            for name, count in compared.summary.changed_fields():
                yield f"    {name}", (count, count)
    yield "  lost", (kinds["lost"], 0)
    yield "  gained", (0, kinds["gained"])
