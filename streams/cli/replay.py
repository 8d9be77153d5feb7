"""`chat2ga replay`: files of interactions in, GA events out; no Kafka, and nothing is posted to GA."""

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import options
from streams.cli.console import print_table
from streams.cli.progress import phases
from streams.cli.running import UsageFault, verb

if TYPE_CHECKING:
    from collections import Counter

    from streams.replay import Tally

__all__ = ["replay"]

FORMATS = ("interaction",)


@verb
def replay(  # noqa: PLR0913 - options of a command line are given by name
    inputs: options.InputsArgument,
    *,
    to: Annotated[str, typer.Option("--to", metavar="OUT", help="Where the events go: - or a .jsonl file.")],
    accounts: options.AccountsOption = None,
    rules: options.RulesOption = None,
    dead_letters: Annotated[
        str | None, typer.Option("--dead-letters", metavar="FILE", help="Write the dead letters here, as JSON lines.")
    ] = None,
    order: options.OrderOption = "time",
    as_of: options.AsOfOption = None,
    jobs: options.JobsOption = options.CORES,
    input_format: Annotated[str, typer.Option("--format", help="Of the input: interaction.")] = "interaction",
    config: options.ConfigOption = None,
) -> None:
    """Replay files of interactions: the same events, byte for byte, that the worker publishes.

    Events stand session by session, in the order of the sessions' first records. A record that cannot be taken
    does not stop a replay: it is counted, and written down with --dead-letters. Nothing is posted to GA.
    """
    from streams.replay import Replay
    from streams.replay import replay as run

    if input_format not in FORMATS:
        raise UsageFault(f"--format {input_format!r}: not supported. Supported: {', '.join(FORMATS)}.")
    began = time.monotonic()
    wanted = Replay(
        inputs=tuple(inputs),
        out=to,
        book=options.rule_book(accounts, rules, config),
        as_of_ms=options.as_of_ms(as_of),
        dead_letters=dead_letters,
        order=order,
        jobs=jobs,
    )
    with phases() as progress:
        tally = run(wanted, progress)
    _sum_up(tally, time.monotonic() - began)


def _sum_up(tally: "Tally", seconds: float) -> None:
    rows: list[tuple[str, str]] = [
        ("records read", f"{tally.records:,}"),
        ("interactions", f"{tally.interactions:,}"),
        ("sessions", f"{tally.sessions:,}"),
        ("events", f"{tally.events.total():,}"),
        *_counts(tally.events),
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


def _counts(counter: "Counter[str]") -> Iterator[tuple[str, str]]:
    for name, count in sorted(counter.items(), key=lambda each: (-each[1], each[0])):
        yield f"  {name or '(empty)'}", f"{count:,}"
