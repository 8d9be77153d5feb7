"""`chat2ga receipts`: what became of the events at their trackers, added up and one by one."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import typer

from streams.cli import options
from streams.cli.console import print_table
from streams.cli.newest import newest
from streams.cli.progress import progress
from streams.cli.running import UsageFault, tell, verb

if TYPE_CHECKING:
    from streams.inspect.receipts import Found, Summary, Wanted
    from streams.settings import Settings

__all__ = ["app"]

LIMIT: Final = 100
COLUMNS: Final = ("written", "outcome", "name", "tracker_id", "account_id", "attempts", "status", "event_id", "reason")
SHOWN: Final = 20
"""Rows of a table for a person; machines get all."""

app = typer.Typer(help="Add up the receipts: what became of each event at each of its trackers; or list them.")

AccountOption = Annotated[str | None, typer.Option("--account", help="Only those of this account.")]
TrackerOption = Annotated[str | None, typer.Option("--tracker", help="Only those at this tracker: G-… or UA-….")]
OutcomeOption = Annotated[
    str | None, typer.Option("--outcome", help="Only those of this outcome: delivered, refused, no_secret, …")
]
EventOption = Annotated[str | None, typer.Option("--event", metavar="ID", help="Only those of the event of this id.")]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="Only those written then or later: RFC 3339, epoch milliseconds, or like 2h."
    ),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only those written before; as for --since.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, also on a terminal.")]


@app.callback(invoke_without_command=True)
def receipts(  # noqa: PLR0913 - each is an option
    context: typer.Context,
    account: AccountOption = None,
    tracker: TrackerOption = None,
    outcome: OutcomeOption = None,
    event: EventOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    *,
    as_json: JsonOption = False,
    config: options.ConfigOption = None,
) -> None:
    """Add up the receipts: by outcome, account, tracker and event, with tries, times and reasons; or list them.

    Tables on a terminal, one JSON object in a pipe. Times are from the event to
    the request that got the answer, and from there to the answer. Receipts are
    counted as they lie there: at least once.
    """
    given = (account, tracker, outcome, event, since, until)
    if context.invoked_subcommand is None:
        _summarise(given, as_json, config)
    elif as_json or config or any(each is not None for each in given):
        _misplaced()


@verb
def _summarise(given: "Given", as_json: bool, config: Path | None) -> None:  # noqa: FBT001 - as it was given
    wanted = _wanted(given)
    told = asyncio.run(_summary(options.settings_of(config), wanted)).told()
    if as_json or not sys.stdout.isatty():
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    _print(told)


@verb
def _misplaced() -> None:
    raise UsageFault("the options of `chat2ga receipts list` stand behind `list`")


@app.command("list")
@verb
def list_(
    account: AccountOption = None,
    tracker: TrackerOption = None,
    outcome: OutcomeOption = None,
    event: EventOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="The newest so many; 0: all.")] = LIMIT,
    config: options.ConfigOption = None,
) -> None:
    """List receipts, the newest last: a table on a terminal, JSON lines in a pipe.

    With `--limit 0` in a pipe, as they lie in the topic: sorting would hold them all in memory.
    """
    wanted = _wanted((account, tracker, outcome, event, since, until))
    settings = options.settings_of(config)
    if not sys.stdout.isatty():
        asyncio.run(_write(settings, wanted, limit))
        return
    rows = [_row(found) for found in asyncio.run(_newest(settings, wanted, limit))]
    print_table(sys.stdout, COLUMNS, [[row.get(name) for name in COLUMNS] for row in rows])
    if not rows:
        tell("no receipts")


Given = tuple[str | None, str | None, str | None, str | None, str | None, str | None]
"""What was given for account, tracker, outcome, event, since and until."""


def _wanted(given: Given) -> "Wanted":
    account, tracker, outcome, event, since, until = given
    from schemas.receipt import Outcome
    from streams.inspect.receipts import Wanted

    if outcome is not None and outcome not in get_args(Outcome):
        raise UsageFault(f"--outcome {outcome!r}: expected one of {', '.join(get_args(Outcome))}")
    return Wanted(
        account=account,
        tracker=tracker,
        outcome=outcome,
        event_id=event,
        since_ms=options.moment_ms("--since", since),
        until_ms=options.moment_ms("--until", until),
    )


# -- reading -------------------------------------------------------------------------------


async def _summary(settings: "Settings", wanted: "Wanted") -> "Summary":
    from streams.inspect.receipts import Summary, receipts

    summary = Summary()
    with progress("receipts") as told:
        async for found in receipts(settings, wanted, told):
            summary.add(found)
    return summary


async def _newest(settings: "Settings", wanted: "Wanted", limit: int) -> "list[Found]":
    from streams.inspect.receipts import receipts

    with progress("receipts") as told:
        return await newest(
            receipts(settings, wanted, told), limit, lambda each: (each.written_ms, each.partition, each.offset)
        )


async def _write(settings: "Settings", wanted: "Wanted", limit: int) -> None:
    """JSON lines. All of them as they lie, partition by partition: sorting them would hold them all."""
    from streams.inspect.receipts import receipts

    if limit:
        for found in await _newest(settings, wanted, limit):
            sys.stdout.write(_line(found))
        return
    async for found in receipts(settings, wanted):
        sys.stdout.write(_line(found))


def _line(found: "Found") -> str:
    return json.dumps(_row(found), ensure_ascii=False) + "\n"


def _row(found: "Found") -> dict[str, Any]:
    import msgspec

    from streams.replay import instant_text

    at = {"at": f"{found.partition}:{found.offset}", "written": instant_text(found.written_ms * 1_000)}
    if found.receipt is None:
        return {**at, "outcome": None, "reason": "this record is no receipt of chat2ga's: somebody else writes there"}
    return {**at, **msgspec.structs.asdict(found.receipt)}


# -- for a person ----------------------------------------------------------------------------


def _print(told: Mapping[str, Any]) -> None:
    if not told["receipts"]:
        tell("no receipts")
    for title, by in (("account", "accounts"), ("tracker", "trackers"), ("event", "names")):
        _print_counts(title, told["outcomes"], told[by])
    columns = ("seconds", "receipts", "p50", "p95", "max")
    times = [("event to sent", told["event_to_sent_s"]), ("sent to answered", told["sent_to_answered_s"])]
    rows = [(what, f"{of['count']:,}", *(f"{of[at]:,.3f}" for at in columns[2:])) for what, of in times]
    print_table(sys.stdout, columns, rows)
    tried, again, most = (f"{told['attempts'][what]:,}" for what in ("tried", "more_than_once", "most"))
    sys.stdout.write(f"  {tried} sent, {again} of them more than once, {most} times at most\n")
    reasons = [
        (f"{count:,}", outcome, why) for why, outcomes in told["reasons"].items() for outcome, count in outcomes.items()
    ]
    if reasons:
        print_table(sys.stdout, ("receipts", "outcome", "reason"), reasons[:SHOWN])
        _tell_more(len(reasons), "reasons")
    if told["unreadable"]:
        tell(f"{told['unreadable']:,} records are no receipts of chat2ga's: somebody else writes to the topic")


def _print_counts(title: str, outcomes: Mapping[str, int], by: Mapping[str, Mapping[str, int]]) -> None:
    """A row for each, a column for each outcome that there is, and all of them in the last row."""
    rows = [[what, *(f"{of.get(each, 0):,}" for each in outcomes)] for what, of in list(by.items())[:SHOWN]]
    rows.append(["all", *(f"{count:,}" for count in outcomes.values())])
    print_table(sys.stdout, (title, *outcomes), rows)
    _tell_more(len(by), f"{title}s")


def _tell_more(there_are: int, what: str) -> None:
    if there_are > SHOWN:
        tell(f"{there_are - SHOWN:,} more {what}: see --json")
