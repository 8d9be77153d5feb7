"""Processes that the demo starts: broker and worker. None outlives it, and none fails unseen.

Each runs on a leash (`leash.py`) and in a session of its own: Ctrl-C in the
terminal reaches the demo alone, which then ends them in the right order.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Final

from streams.demo import leash
from streams.errors import Chat2gaError, Fault

__all__ = ["Child", "ChildEnded", "running"]

GRACE_S: Final = 10.0
"""For a clean end: the worker gives itself nine seconds."""
_TAIL_LINES: Final = 30


class ChildEnded(Chat2gaError):
    """A process that the demo needs has ended: its last words."""

    fault = Fault.US

    def __init__(self, name: str, code: int | None, last_words: str) -> None:
        super().__init__(name, code, last_words)
        self.name, self.code, self.last_words = name, code, last_words

    def __str__(self) -> str:
        how = "does not get ready" if self.code is None else f"ended with exit code {self.code}"
        return f"the {self.name} {how}. Its log ends:\n{self.last_words}"


class Child:
    """A running process. Its output goes to a file, of which the tail is shown if it fails."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        self._grace_s: Final = grace_s
        self.name: Final = name
        self.log: Final = log
        self._output: IO[bytes] = log.open("ab")
        self._process: Final = subprocess.Popen(  # noqa: S603 - commands of our own
            [sys.executable, "-I", "-S", str(Path(leash.__file__)), str(grace_s), *command],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )

    def check(self) -> None:
        """Raise ChildEnded if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise ChildEnded(self.name, code, self.tail())

    def not_ready(self) -> ChildEnded:
        """What to raise where it runs but does not get ready."""
        return ChildEnded(self.name, self._process.poll(), self.tail())

    def tail(self, lines: int = _TAIL_LINES) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> int:
        """Ask it to end, make it end after a while; its exit code. Once is as good as twice."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):  # then letting go of the leash, below, ends it for good
                self._process.wait(self._grace_s)
        if self._process.stdin:
            self._process.stdin.close()
        code = self._process.wait()
        self._output.close()
        return code


@asynccontextmanager
async def running(
    name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """Run a command for as long as the block lasts."""
    child = Child(name, command, log=log, env=env)
    try:
        yield child
    finally:
        # In a thread: while the worker finishes what it has begun, the collector in this loop must answer it.
        await asyncio.to_thread(child.stop)
