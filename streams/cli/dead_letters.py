"""`chat2ga dead-letters`: look at the records that could not be taken, and put them back once they can."""

import asyncio
import heapq
import json
import re
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from streams.cli import options
from streams.cli.console import print_table, shown
from streams.cli.running import UsageFault, tell, verb
from streams.errors import Chat2gaError, Fault

if TYPE_CHECKING:
    from pathlib import Path

    from streams.settings import Settings
    from streams.worker.admin import Kept

__all__ = ["app"]

LIMIT = 100
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_AT = re.compile(r"(\d+):(\d+)", re.ASCII)

app = typer.Typer(help="List, show and requeue the records that could not be taken.", no_args_is_help=True)

FieldOption = Annotated[str | None, typer.Option("--field", help="Only those with this field at fault.")]
CodeOption = Annotated[str | None, typer.Option("--code", help="Only those of this code: not_json, invalid, ahead, …")]
StageOption = Annotated[str | None, typer.Option("--stage", help="Only those of rekey, attribute or deliver.")]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only newer ones: RFC 3339, epoch milliseconds, or like 90m, 2h, 7d."),
]
AtArgument = Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="Where it lies, as `list` shows.")]


class NoneSuch(Chat2gaError):
    """No dead letter lies there."""

    fault = Fault.OPERATOR

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self.at = at

    def __str__(self) -> str:
        return f"no dead letter lies at {self.at}: see `chat2ga dead-letters list`. Its retention may have removed it."


class Wanted(msgspec.Struct, frozen=True):
    """Which dead letters."""

    field: str | None = None
    code: str | None = None
    stage: str | None = None
    since_ms: int | None = None

    def takes(self, kept: "Kept") -> bool:
        """Whether this is one of them."""
        letter = kept.letter
        if letter is None:
            return (self.field, self.code, self.stage) == (None, None, None)
        return (
            self.field in (None, letter.field)
            and self.code in (None, letter.code)
            and self.stage in (None, letter.stage)
        )


@app.command("list")
@verb
def list_(  # noqa: PLR0913 - options of a command line are given by name
    field: FieldOption = None,
    code: CodeOption = None,
    stage: StageOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="The newest so many; 0: all.")] = LIMIT,
    config: options.ConfigOption = None,
) -> None:
    """List dead letters, the newest last: a table on a terminal, JSON lines in a pipe."""
    settings = options.settings_of(config)
    wanted = Wanted(field, code, stage, _since_ms(since))
    found = asyncio.run(_newest(settings, wanted, limit))
    if not sys.stdout.isatty():
        for kept in found:
            sys.stdout.write(json.dumps(_row(kept), ensure_ascii=False) + "\n")
        return
    columns = ("at", "written", "stage", "from", "field", "code", "reason")
    print_table(sys.stdout, columns, [[row[name] for name in columns] for row in map(_row, found)])
    if not found:
        tell("no dead letters")


@app.command()
@verb
def show(at: AtArgument, config: options.ConfigOption = None) -> None:
    """Show one dead letter whole: where its record lies, what is wrong with it, and the record itself."""
    settings = options.settings_of(config)
    partition, offset = _position(at)
    kept = asyncio.run(_one(settings, partition, offset))
    shown_object = {**_row(kept), **_record(kept)}
    text = json.dumps(shown_object, ensure_ascii=False, indent=2)
    sys.stdout.write("\n".join(map(shown, text.split("\n"))) + "\n")


@app.command()
@verb
def requeue(  # noqa: PLR0913 - options of a command line are given by name
    at: Annotated[list[str] | None, typer.Argument(metavar="[PARTITION:OFFSET...]", help="Which; or by filter.")] = None,
    field: FieldOption = None,
    code: CodeOption = None,
    stage: StageOption = None,
    since: SinceOption = None,
    every: Annotated[bool, typer.Option("--all", help="All of them: where no filter is given.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without, only what would be done is shown.")] = False,
    config: options.ConfigOption = None,
) -> int:
    """Put dead letters back into the topics that they came from, with their original bytes and key.

    They stay in the dead letters too. To put one back twice does no harm: it is a duplicate then, and removed.
    """
    wanted = Wanted(field, code, stage, _since_ms(since))
    if bool(at) + (wanted != Wanted()) + every != 1:
        raise UsageFault("say which: PARTITION:OFFSET, or filters (--field --code --stage --since), or --all")
    return asyncio.run(_requeue(options.settings_of(config), wanted, [_position(each) for each in at or ()], yes=yes))
