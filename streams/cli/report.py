"""`chat2ga report`: what the chat is worth, as a page to read or as numbers to go on with. Nothing is posted to GA."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import options
from streams.cli.console import print_table
from streams.cli.missing import tell_missing
from streams.cli.progress import phases
from streams.cli.running import verb

if TYPE_CHECKING:
    from streams.report import Reported

__all__ = ["report"]


@verb
def report(  # noqa: PLR0913 - options of a command line are given by name
    inputs: options.InputsArgument,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="OUT",
            help="An .html page; .json or - for all numbers as one object; .csv or .parquet for one long table.",
        ),
    ] = "report.html",
    account: Annotated[
        list[str] | None, typer.Option("--account", help="Only this account. May be given several times.")
    ] = None,
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="Of days and hours, like Europe/Prague.")
    ] = "UTC",
    accounts: options.AccountsOption = None,
    rules: options.RulesOption = None,
    as_of: options.AsOfOption = None,
    jobs: options.JobsOption = options.CORES,
    input_format: options.FormatOption = "interaction",
    mapping: options.MappingOption = None,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    config: options.ConfigOption = None,
) -> None:
    """Report what the chat is worth: who had a conversation, who reached a goal, and what each automation did.

    Counted from the same interactions, by the same rules, as the events; what comes twice counts once. The page
    opens offline. It compares visitors who chatted with everyone else and claims nothing about causes.
    """
    from streams.report import Report
    from streams.report import report as run

    began = time.monotonic()
    wanted = Report(
        inputs=options.inputs_named(inputs, config, since, until),
        out=to,
        book=options.rule_book(accounts, rules, config),
        as_of_ms=options.as_of_ms(as_of),
        translation=options.translation(input_format, mapping),
        accounts=tuple(dict.fromkeys(account or ())),
        time_zone=time_zone,
        jobs=jobs,
    )
    with phases() as progress:
        reported = run(wanted, progress)
    _sum_up(reported, to, time.monotonic() - began)
    tell_missing(wanted.translation)


def _sum_up(reported: "Reported", to: str, seconds: float) -> None:
    numbers = reported.numbers
    chatted = numbers.headline.chatted
    rows = [
        ("visitors", f"{chatted.of:,}"),
        ("had a conversation", f"{chatted.count:,} ({(chatted.share or 0) * 100:.1f} %)"),
        ("visits", f"{numbers.headline.visits:,}"),
        ("conversations", f"{numbers.headline.conversations:,}"),
        ("automations sent", f"{numbers.headline.runs:,}"),
        ("records read", f"{numbers.records:,}"),
        ("duplicates removed", f"{numbers.duplicates:,}"),
        ("unknown types", f"{numbers.unknown_types:,}"),
        ("dead letters", f"{numbers.dead_letters:,}"),
        ("seconds", f"{seconds:.2f}"),
        ("written to", "standard output" if to == "-" else to),
    ]
    print_table(sys.stderr, ("report", ""), rows)
