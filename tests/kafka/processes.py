"""Processes that tests start: brokers and workers. Each is ended by its id, and none outlives the tests.

Three nets, for a test run that ends well, badly or by `kill -9`: whoever started
it stops it; `atexit` kills what is left; the kernel kills it with the test process
(`leashed.py`).
"""

import atexit
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["Process", "free_ports"]

STOP_S: Final = 30.0
_LEASHED: Final = Path(__file__).with_name("leashed.py")
_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS: Final = range(20_000 + _WORKER, 30_000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
"""Below those that Linux gives to outgoing connections, and of this process of the tests alone: a port stays
free from when it is found until its server listens, and while its broker is being restarted."""
_found: Final[deque[int]] = deque(maxlen=1_000)  # a soak would find all of them in time

# The kernel ties a process to the thread that started it. A thread of a test's event loop ends with
# the test; this one ends with the interpreter.
_starter: Final = ThreadPoolExecutor(1, thread_name_prefix="starter")


class Process:
    """A running process whose output goes to the end of a file."""

    def __init__(self, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log: Final = log
        self._popen: Final = _starter.submit(self._start, command, env).result()
        atexit.register(self.kill)

    def _start(self, command: Sequence[str], env: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LEASHED), str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,  # Ctrl-C reaches the tests, which stop what they started
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def terminate(self, grace_s: float = STOP_S) -> int:
        """SIGTERM and wait; the exit code. After `grace_s` seconds it is killed, which the exit code tells."""
        if self.exit_code is None:
            self._popen.terminate()
            try:
                self._popen.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        return self._ended()

    def kill(self) -> int:
        """SIGKILL, unless it has ended; the exit code."""
        if self.exit_code is None:
            self._popen.kill()
        return self._ended()

    def kill_group(self) -> None:
        """SIGKILL for it and all that it has started: they are a session of their own."""
        with suppress(ProcessLookupError):  # all have ended
            os.killpg(self.pid, signal.SIGKILL)
        self.kill()

    def group_runs(self) -> bool:
        """Whether it, or anything that it has started, still runs; a zombie does not."""
        listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
        rows = (line.split() for line in listed.splitlines())
        return any(int(group) == self.pid and not state.startswith("Z") for group, state in rows)

    def freeze(self) -> None:
        """SIGSTOP: it does nothing until it is woken, and to others it looks alive or cut off.

        On Linux it stands still, with all its threads, when this returns; elsewhere soon after.
        """
        self._popen.send_signal(signal.SIGSTOP)
        end = time.monotonic() + STOP_S
        while sys.platform == "linux" and self.exit_code is None and not self._stands_still():
            if time.monotonic() > end:
                raise TimeoutError(f"process {self.pid} does not stand still after {STOP_S:g} s")
            time.sleep(0.001)

    def wake(self) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        self._popen.send_signal(signal.SIGCONT)

    @property
    def frozen(self) -> bool:
        """Whether it stands still, frozen by whomever. Linux tells, others do not."""
        return _state(Path(f"/proc/{self.pid}")) == "T"

    def _stands_still(self) -> bool:
        """Whether each of its threads does; one that has ended meanwhile does."""
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(OSError):
                if _state(thread) not in "TXZ":
                    return False
        return True

    def wait(self, timeout_s: float) -> int:
        """Wait for it to end by itself; the exit code. Raises subprocess.TimeoutExpired."""
        self._popen.wait(timeout_s)
        return self._ended()

    def _ended(self) -> int:
        atexit.unregister(self.kill)
        return self._popen.wait()

    def text(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tail(self, lines: int = 40) -> str:
        """The end of what it has written."""
        return "\n".join(self.text().splitlines()[-lines:])


def _state(process: Path) -> str:
    """Of a process or a thread, as Linux tells it: a letter."""
    return (process / "stat").read_text().rpartition(")")[2].split()[0]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, and that nobody else is given: no outgoing connection, and no other caller."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(_PORTS)
        if port in _found:  # its server may be about to listen, or be killed and about to come back
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _found.append(port)
        found.append(port)
    return found
