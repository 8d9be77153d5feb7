"""The command line: `chat2ga` (CONTRACT §6). One file a verb; none decides anything about chat."""

import signal
import sys

__all__ = ["main"]


def main() -> int:
    """Run the command of this process's arguments; its exit code."""
    # Here and not above: the processes of a replay import this package and need no command line.
    try:
        from streams.cli.app import run
    except KeyboardInterrupt:  # so early that nobody else is there yet to say it in one line
        sys.stderr.write("chat2ga: interrupted\n")
        return 128 + signal.SIGINT
    return run()
