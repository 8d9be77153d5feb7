"""A leash: runs a command that does not outlive the process that started this one.

    python leash.py GRACE_S COMMAND [ARGUMENT...]

Standard input is the leash. It stays open as long as its holder lives, however
the holder ends: by itself, by Ctrl-C or by `kill -9`. Then the command is asked to
end, and after GRACE_S seconds made to. Portable, where PR_SET_PDEATHSIG is Linux alone.
Stands alone and imports little: it starts in a blink.
"""

import os
import signal
import subprocess
import sys
import threading


def main(grace_s: float, command: list[str]) -> int:
    """Run the command on the leash; its exit code, or 128 and the signal's number."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the demo's own commands

    def end(*_: object) -> None:
        if child.poll() is None:
            child.terminate()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)

    def hold() -> None:
        while os.read(0, 1024):
            pass
        end()
        try:
            child.wait(grace_s)
        except subprocess.TimeoutExpired:
            child.kill()

    threading.Thread(target=hold, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
