"""The command line: `chat2ga` (CONTRACT §6). One file a verb; none decides anything about chat."""

__all__ = ["main"]


def main() -> int:
    """Run the command of this process's arguments; its exit code."""
    # Here and not above: the processes of a replay import this package and need no command line.
    from streams.cli.app import run

    return run()
