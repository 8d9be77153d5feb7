"""`chat2ga replay`: chat logs in, GA events out; by itself it posts nothing to GA."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import options
from streams.cli.console import print_table
from streams.cli.missing import tell_missing
from streams.cli.progress import phases
from streams.cli.running import UsageFault, tell, verb

if TYPE_CHECKING:
    from collections import Counter

    from streams.replay import Output, Tally

__all__ = ["replay"]


@verb
def replay(  # noqa: PLR0913 - options of a command line are given by name
    inputs: options.InputsArgument,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="OUT",
            help="Where the events go: a .jsonl or .parquet file, kafka (the topic ga-events), ga (they are posted to "
            "Google Analytics), or - for standard output.",
        ),
    ],
    accounts: options.AccountsOption = None,
    rules: options.RulesOption = None,
    dead_letters: Annotated[
        str | None, typer.Option("--dead-letters", metavar="FILE", help="Write the dead letters here, as JSON lines.")
    ] = None,
    receipts: Annotated[
        str | None,
        typer.Option("--receipts", metavar="FILE", help="With --to ga: what became of each event, as JSON lines."),
    ] = None,
    order: options.OrderOption = "time",
    as_of: options.AsOfOption = None,
    jobs: options.JobsOption = options.CORES,
    work: Annotated[
        str | None,
        typer.Option(
            "--work",
            metavar="DIR",
            help="Keep what is done here: after an interruption the same command goes on where it was.",
        ),
    ] = None,
    input_format: options.FormatOption = "interaction",
    mapping: options.MappingOption = None,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    config: options.ConfigOption = None,
) -> None:
    """Replay chat logs: the same events, byte for byte, that the worker publishes.

    Events stand session by session, in the order of the sessions' first records. A record that cannot be taken
    does not stop a replay: it is counted, and written down with --dead-letters. Nothing is posted to GA, but with
    --to ga; with --to kafka the workers do that.
    """
    from streams.replay import Replay
    from streams.replay import replay as run

    began = time.monotonic()
    wanted = Replay(
        inputs=options.inputs_named(inputs, config, since, until),
        out=_output(to, accounts, receipts, work, config),
        book=options.rule_book(accounts, rules, config),
        as_of_ms=None if as_of is None else options.as_of_ms(as_of),
        dead_letters=dead_letters,
        translation=options.translation(input_format, mapping),
        order=order,
        jobs=jobs,
        work=work,
    )
    try:
        with phases() as told:
            tally = run(wanted, told)
    except (KeyboardInterrupt, SystemExit):
        if work is not None:
            tell(f"what is done lies in {work}: the same command goes on from there.")
        raise
    _sum_up(tally, time.monotonic() - began)
    tell_missing(wanted.translation)
    if tally.records and not tally.interactions:
        tell("none of the records is an interaction. Is it another --format? --dead-letters FILE says why of each.")
    if receipts is not None:
        _sum_up_receipts(receipts)


def _output(
    to: str, accounts: Path | None, receipts: str | None, work: str | None, config: Path | None
) -> "str | Output":
    if to == "ga" and work is None:
        raise UsageFault("--to ga needs --work DIR: what was posted must be known when it is interrupted.")
    if (to == "ga") != (receipts is not None):
        raise UsageFault("--to ga and --receipts FILE go together: what became of each event is worth keeping.")
    if to == "kafka":
        from streams.inspect.topic_output import TopicOutput

        return TopicOutput(options.settings_of(config))
    if receipts is None:
        return to
    from streams.configuration import read_accounts
    from streams.replay.ga_output import GaOutput

    settings = options.settings_of(config)
    return GaOutput(
        accounts=read_accounts(accounts or settings.accounts),
        endpoint=settings.ga_endpoint,
        in_flight=settings.ga_in_flight,
        timeout_s=settings.ga_timeout_s,
        tracker_per_s=settings.ga_tracker_per_s,
        receipts=receipts,
    )


def _sum_up(tally: "Tally", seconds: float) -> None:
    rows: list[tuple[str, str]] = [
        *([("records translated", f"{tally.translated:,}")] if tally.translated else []),
        ("records read", f"{tally.records:,}"),
        ("interactions", f"{tally.interactions:,}"),
        ("sessions", f"{tally.sessions:,}"),
        ("events", f"{tally.events.total():,}"),
        *_counts(tally.events),
        *_counts(tally.counts),
        ("duplicates removed", f"{tally.duplicates.total():,}"),
        *_counts(tally.duplicates),
        ("unknown types", f"{tally.unknown.total():,}"),
        *_counts(tally.unknown),
        ("dropped for consent", f"{tally.dropped_for_consent:,}"),
        ("dead letters", f"{tally.dead_letters.total():,}"),
        *_counts(tally.dead_letters),
        ("seconds", f"{seconds:.2f}"),
        ("records a second", f"{tally.records / seconds:,.0f}"),
    ]
    print_table(sys.stderr, ("replay", "count"), rows)


def _sum_up_receipts(name: str) -> None:
    from collections import Counter

    from schemas.receipt import decode_receipt

    with Path(name).open("rb") as lines:
        outcomes = Counter[str](decode_receipt(line).outcome for line in lines)
    print_table(sys.stderr, ("receipts", "count"), _counts(outcomes))


def _counts(counter: "Counter[str]") -> Iterator[tuple[str, str]]:
    for name, count in sorted(counter.items(), key=lambda each: (-each[1], each[0])):
        yield f"  {name or '(empty)'}", f"{count:,}"
