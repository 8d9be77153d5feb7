"""The commands put together, and how the command line itself fails."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from streams.cli import check, dead_letters, demo, explain, ingest, receipts, replay, schema, worker
from streams.cli.console import any_encoding
from streams.cli.running import USAGE, Debug, ended, tell

__all__ = ["app", "run"]

app = typer.Typer(
    name="chat2ga",
    help="Turns raw live-chat interactions on Kafka into deduplicated, rightly credited Google Analytics events.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(worker.worker)
app.command()(ingest.ingest)
app.command()(check.check)
app.command()(replay.replay)
app.command()(explain.explain)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(receipts.app, name="receipts")
app.add_typer(schema.app, name="schema")


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        sys.stdout.write(f"chat2ga {version('chat2ga')}\n")
        raise typer.Exit


@app.callback()
def chat2ga(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    _debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. May stand anywhere on the command line.")
    ] = False,
) -> None:
    """What all commands have in common is in `run`."""


def run() -> int:
    """Run the command of this process's arguments; its exit code."""
    any_encoding()
    arguments = sys.argv[1:]
    options, dashes, rest = _split(arguments)
    Debug.on = "--debug" in options
    given = [*(each for each in options if each != "--debug"), *dashes, *rest]
    return ended(lambda: _parsed(given))


def _parsed(given: list[str]) -> int:
    try:
        code = app(given, prog_name="chat2ga", standalone_mode=False)
    except typer.TyperException as error:
        return _usage(error)
    return int(code or 0)


def _split(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Arguments before `--`, the dashes, and what follows them."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at : at + 1], arguments[at + 1 :]


def _usage(error: typer.TyperException) -> int:
    """One line for a command line that is wrong."""
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "chat2ga")
    if message := error.format_message():  # none where nothing was asked for: the help has been shown
        tell(f"{message} See `{path} --help`.")
    return getattr(error, "exit_code", USAGE)
