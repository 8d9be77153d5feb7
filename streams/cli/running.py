"""How a verb ends: its exit code, one line on stderr where it failed, and the traceback only with `--debug`."""

import errno
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Final, ParamSpec

import typer

from streams.cli.console import shown
from streams.errors import Chat2gaError

__all__ = ["Debug", "UsageFault", "ended", "tell", "verb"]

P = ParamSpec("P")

FAILED: Final = 1
USAGE: Final = 2
BUG: Final = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED: Final = 128 + signal.SIGINT
TERMINATED: Final = 128 + signal.SIGTERM
NO_READER: Final = 128 + signal.SIGPIPE
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Debug:
    """Whether `--debug` was given, anywhere on the command line."""

    on: bool = False


class UsageFault(Chat2gaError):
    """The command line itself is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class _Terminated(SystemExit):
    """SIGTERM: end as by Ctrl-C, cleaning up on the way. An event loop lets no other exception of this kind through."""


def _terminate(*_: object) -> None:
    raise _Terminated


def tell(line: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"chat2ga: {shown(' '.join(line.split()))}\n")


def verb(function: Callable[P, int | None]) -> Callable[P, None]:
    """A command of typer's, of a function that returns an exit code or nothing.

    Whatever happens ends in an exit code here, and not in typer: it has words of
    its own for Ctrl-C and a broken pipe.
    """

    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        signal.signal(signal.SIGTERM, _terminate)
        raise typer.Exit(ended(lambda: function(*args, **kwargs)))

    return command


def ended(function: Callable[[], int | None]) -> int:
    """The exit code of what was done, however it ended; standard output is written by then, or never will be."""
    try:
        code = function() or 0
        sys.stdout.flush()
    except BrokenPipeError:
        return _left(NO_READER)  # `| head` has seen enough
    except KeyboardInterrupt:
        return _left(INTERRUPTED, "interrupted")
    except _Terminated:
        return _left(TERMINATED, "terminated")
    except Chat2gaError as error:
        return _left(_code_of(error), str(error))
    except Exception as error:  # noqa: BLE001 - the last place where it can be told in one line
        return _left(*_unforeseen(error))
    return code


def _unforeseen(error: Exception) -> tuple[int, str]:
    if isinstance(error, OSError) and error.errno in _FULL:
        return FAILED, f"{error.filename or 'standard output'}: no space left. Make room there."
    hint = "" if Debug.on else "; run it again with --debug and report what it prints"
    return BUG, f"this is a bug in chat2ga: {type(error).__name__}: {error}{hint}"


def _code_of(error: Chat2gaError) -> int:
    from streams.replay.errors import NotSupported

    return USAGE if isinstance(error, (NotSupported, UsageFault)) else FAILED


def _left(code: int, line: str | None = None) -> int:
    if Debug.on:
        traceback.print_exc()
    if line is not None:
        tell(line)
    try:
        sys.stdout.flush()
    except OSError:
        # Nobody reads, or there is no room: what is left over must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
