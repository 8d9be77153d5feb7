"""Becomes a command that ends when the process that started it ends.

    python leashed.py STARTER_PID COMMAND [ARGUMENT...]

The process id stays the same, so that a signal to it reaches the command itself:
`kill -9` of a broker is a kill of the broker. Linux alone can do this; elsewhere
what a test starts ends with the test's own cleaning up.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(starter: int, command: list[str]) -> None:
    """Never returns: it is the command from here on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != starter:  # it ended before the line above
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
