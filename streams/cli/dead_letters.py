"""`chat2ga dead-letters`: look at the records that could not be taken, and put them back once they can."""

import asyncio
import json
import re
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from streams.cli import options
from streams.cli.console import print_table, shown
from streams.cli.newest import newest
from streams.cli.running import UsageFault, tell, verb
from streams.errors import Chat2gaError, Fault

if TYPE_CHECKING:
    from schemas.dead_letter import DeadLetter
    from streams.inspect.admin import Kept
    from streams.settings import Settings

__all__ = ["app"]

LIMIT = 100
REMEMBERED = 1_000_000
"""Events of one requeue that are recognised when they come again: some 80 MB."""
_AT = re.compile(r"(\d+):(\d+)", re.ASCII)

app = typer.Typer(help="List, show and requeue the records that could not be taken.", no_args_is_help=True)

FieldOption = Annotated[str | None, typer.Option("--field", help="Only those with this field at fault.")]
CodeOption = Annotated[str | None, typer.Option("--code", help="Only those of this code: not_json, invalid, ahead, …")]
StageOption = Annotated[
    str | None, typer.Option("--stage", help="Only those of translate, rekey, attribute or deliver.")
]
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


class Wanted(NamedTuple):
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
def list_(
    field: FieldOption = None,
    code: CodeOption = None,
    stage: StageOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="The newest so many; 0: all.")] = LIMIT,
    config: options.ConfigOption = None,
) -> None:
    """List dead letters, the newest last: a table on a terminal, JSON lines in a pipe."""
    settings = options.settings_of(config)
    wanted = Wanted(field, code, stage, options.moment_ms("--since", since))
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
def requeue(
    at: Annotated[
        list[str] | None, typer.Argument(metavar="[PARTITION:OFFSET...]", help="Which; or by filter.")
    ] = None,
    field: FieldOption = None,
    code: CodeOption = None,
    stage: StageOption = None,
    since: SinceOption = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them: where no filter is given.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without, only what would be done is shown.")] = False,
    config: options.ConfigOption = None,
) -> int:
    """Put dead letters back into the topics that they came from, with their original bytes and key.

    They stay in the dead letters too. To put one back twice does no harm: it is a duplicate then, and removed.
    An event that was refused goes to the trackers that have not taken it; put back once, however often it was refused.
    """
    wanted = Wanted(field, code, stage, options.moment_ms("--since", since))
    if bool(at) + (wanted != Wanted()) + every != 1:
        raise UsageFault("say which: PARTITION:OFFSET, or filters (--field --code --stage --since), or --all")
    return asyncio.run(_requeue(options.settings_of(config), wanted, [_position(each) for each in at or ()], yes=yes))


# -- reading them -------------------------------------------------------------------------


async def _found(settings: "Settings", wanted: Wanted) -> AsyncIterator["Kept"]:
    from streams.inspect.admin import dead_letters

    async for kept in dead_letters(settings, since_ms=wanted.since_ms):
        if wanted.takes(kept):
            yield kept


async def _newest(settings: "Settings", wanted: Wanted, limit: int) -> list["Kept"]:
    """The newest `limit` of them, or all, in the order in which they were written."""
    return await newest(_found(settings, wanted), limit, lambda each: (each.timestamp_ms, each.partition, each.offset))


async def _one(settings: "Settings", partition: int, offset: int) -> "Kept":
    from streams.inspect.admin import dead_letters

    # Closed here and now: left to the loop's end, the client would be closed in the middle of something.
    async with aclosing(dead_letters(settings, at=(partition, offset))) as found:
        async for kept in found:
            return kept
    raise NoneSuch(f"{partition}:{offset}")


# -- putting them back ---------------------------------------------------------------------


async def _requeue(settings: "Settings", wanted: Wanted, at: list[tuple[int, int]], *, yes: bool) -> int:
    from streams.inspect.admin import CannotRequeue, requeuing

    put_back = left = again = 0
    refused: set[bytes] = set()
    async with requeuing(settings) as requeue:
        async for kept in _chosen(settings, wanted, at):
            try:
                letter = requeue.check(kept)
            except CannotRequeue as error:
                tell(str(error))
                left += 1
                continue
            if letter.code == "refused":
                digest = _digest(letter)
                if digest in refused:
                    again += 1
                    continue
                if len(refused) < REMEMBERED:
                    refused.add(digest)
            if yes:
                await requeue.put_back(letter)
            put_back += 1
            line = (
                f"{kept.partition}:{kept.offset} -> {letter.topic}[{letter.partition}] {letter.field}: {letter.reason}"
            )
            sys.stdout.write(shown(line) + "\n")
    more = f", {again} are the same events once more" if again else ""
    if yes:
        tell(f"{put_back} requeued, {left} cannot be{more}")
    else:
        tell(f"{put_back} would be requeued, {left} cannot be{more}. Nothing was written: give --yes to do it.")
    return 1 if left else 0


def _digest(letter: "DeadLetter") -> bytes:
    """Of what an event is, whatever it was refused for and whenever.

    Refused again after it was put back, it has one dead letter more. If each of them were put
    back, those that are refused still would double with every requeue.
    """
    return blake2b(letter.value or b"", digest_size=16, key=letter.topic.encode()[:64]).digest()


async def _chosen(settings: "Settings", wanted: Wanted, at: list[tuple[int, int]]) -> AsyncIterator["Kept"]:
    if not at:
        async for kept in _found(settings, wanted):
            yield kept
    for partition, offset in at:
        yield await _one(settings, partition, offset)


# -- what is given and shown ------------------------------------------------------------------


def _position(given: str) -> tuple[int, int]:
    match = _AT.fullmatch(given)
    if match is None:
        raise UsageFault(f"{given!r}: expected PARTITION:OFFSET, like 0:42, as `chat2ga dead-letters list` shows")
    return int(match[1]), int(match[2])


def _row(kept: "Kept") -> dict[str, Any]:
    """A dead letter without its record."""
    from streams.replay import instant_text

    letter = kept.letter
    at = {"at": f"{kept.partition}:{kept.offset}", "written": instant_text(kept.timestamp_ms * 1_000)}
    if letter is None:
        unreadable = "this record is no dead letter of chat2ga's: somebody else writes to the topic"
        return {**at, "stage": None, "from": None, "field": None, "code": None, "reason": unreadable}
    return {
        **at,
        "stage": letter.stage,
        "from": f"{letter.topic}[{letter.partition}]@{letter.offset}",
        "field": letter.field,
        "code": letter.code,
        "reason": letter.reason,
        **({"trackers": list(letter.trackers)} if letter.trackers else {}),
    }


def _record(kept: "Kept") -> dict[str, Any]:
    """The record of a dead letter, as readable as it can be."""
    letter = kept.letter
    if letter is None:
        return {}
    from streams.replay import instant_text

    size = {"size": letter.size, "truncated": letter.truncated, "sha256": letter.sha256}
    arrived = {"arrived": instant_text(letter.timestamp_ms * 1_000)} if letter.timestamp_ms >= 0 else {}
    return {**arrived, "key": _text(letter.key), **size, "value": _text(letter.value, json.loads)}


def _text(given: bytes | None, decode: Callable[[bytes], Any] = bytes.decode) -> Any:  # noqa: ANN401 - whatever JSON holds
    """As JSON if it is that, else as text, else in base64."""
    if given is None:
        return None
    for way in (decode, bytes.decode):
        try:
            return way(given)
        except (ValueError, RecursionError):
            continue
    return {"base64": b64encode(given).decode()}
