"""The worker as its users run it: a process of its own, told by its environment, watched over HTTP."""

import asyncio
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from tests.kafka.processes import Process, free_ports

__all__ = ["WorkerProcess"]

READY_S: Final = 60.0
_ROOT: Final = Path(__file__).parents[2]
_HTTP_S: Final = 30.0
_direct: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy the machine goes through


class WorkerProcess:
    """`chat2ga worker`, with its log and its state in a directory.

        async with WorkerProcess(kafka.url, tmp_path, topic_prefix=prefix, partitions=4) as worker:
            ...
            worker.kill()

    Settings are those of CONTRACT §7 in small letters; nothing of the tests' own
    environment reaches it. `first` is a directory to stand before the sources on its
    path: a compiled build (tools/compiled.py). Another one on the same directory goes on with its state.
    """

    def __init__(
        self,
        broker: str,
        directory: Path,
        *,
        only: Literal["attribute", "deliver"] | None = None,
        program: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        first: Path | None = None,
        **settings: object,
    ) -> None:
        """`program`: Python's arguments in place of `-m streams.cli worker`. `environment`: what accounts refer to."""
        directory.mkdir(parents=True, exist_ok=True)
        self.port: Final = free_ports(1)[0]
        self.log: Final = directory / "worker.log"
        given = {
            "broker": broker,
            "state_dir": directory / "state",
            "http_port": self.port,
            "session_timeout_s": 8,  # so long a killed one is missed; 30 by default
            "heartbeat_s": 2,
            "log_format": "json",
            **settings,
        }
        self._env: Final = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CHAT2GA_")},
            **{f"CHAT2GA_{name.upper()}": str(value) for name, value in given.items() if value is not None},
            "PYTHONPATH": os.pathsep.join(str(path) for path in (first, _ROOT) if path is not None),
            **(environment or {}),
        }
        # -P: the directory in which the tests run stands on no path, so that `first` does stand first.
        what = ("-P", *(program or ("-m", "streams.cli", "worker")))
        self._command: Final = [sys.executable, *what, *(["--only", only] if only else [])]
        self._process: Process | None = None

    def start(self) -> Self:
        """Start it; whether it gets anywhere, `ready` tells."""
        self._process = Process(self._command, log=self.log, env=self._env)
        return self

    @property
    def process(self) -> Process:
        """The process: its id, its exit code, what it has written."""
        assert self._process is not None
        return self._process

    async def ready(self, timeout_s: float = READY_S) -> None:
        """Wait until /readyz says 200. Raises RuntimeError with its last words where it ends, TimeoutError."""
        end = time.monotonic() + timeout_s
        while True:
            if self.process.exit_code is not None:
                raise RuntimeError(f"the worker ended with {self.process.exit_code}:\n{self.process.tail()}")
            if await asyncio.to_thread(self._status, "/readyz") == 200:
                return
            if time.monotonic() > end:
                raise TimeoutError(f"the worker is not ready after {timeout_s:g} s:\n{self.process.tail()}")
            await asyncio.sleep(0.05)

    async def get(self, path: str) -> str:
        """What it answers over HTTP: /healthz, /readyz, /metrics. Raises urllib.error.HTTPError."""
        return await asyncio.to_thread(self._get, path)

    def terminate(self) -> int:
        """SIGTERM, and wait for its clean stop; the exit code."""
        return self.process.terminate()

    def kill(self) -> int:
        """SIGKILL, as a crash, of the process alone: what it has started must notice by itself; the exit code."""
        return self.process.kill()

    def pids(self) -> list[int]:
        """The processes that it has started last, with CHAT2GA_PROCESSES over 1, in their order."""
        started = re.findall(r"started process (\d+) \(pid (\d+)\)", self.process.text())
        last = {int(number): int(pid) for number, pid in started}
        return [last[number] for number in sorted(last)]

    def end(self) -> None:
        """Whatever became of it, nothing of it goes on: for the end of a test."""
        if self._process is not None:
            self._process.kill_group()

    async def __aenter__(self) -> Self:
        self.start()
        try:
            await self.ready()
        except BaseException:
            self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.terminate)

    def _get(self, path: str) -> str:
        with _direct.open(f"http://127.0.0.1:{self.port}{path}", timeout=_HTTP_S) as answer:
            return str(answer.read().decode())

    def _status(self, path: str) -> int | None:
        try:
            self._get(path)
        except urllib.error.HTTPError as answer:
            return answer.code
        except OSError:
            return None  # not listening yet
        return 200
