"""Replay beside decoding alone: interactions a second a core, with one process and with two.

Both read the same file of sample traffic. Decoding alone is a loop over its lines in a
process of its own, with the same core; a replay is `chat2ga replay` as users run it.
Processor time is that of all its processes, so a second process cannot hide behind the clock.
"""

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.environments import environment
from benchmarks.names import DECODING, REPLAY, REPLAY_2
from benchmarks.peers.jobs import JOBS
from benchmarks.suite import Suite, turns
from benchmarks.tables import Column, Table

__all__ = ["measure"]

_COLUMNS: Final = [
    Column("per_s", "interactions a second"),
    Column("per_core_s", "interactions a second of processor time"),
]


class _Took(NamedTuple):
    wall_s: float
    cpu_s: float


async def measure(suite: Suite) -> list[Table]:
    """One table: decoding, and replays with one process and with two."""
    count = suite.sizes.replay_records
    how = f"{count:,} interactions of sample traffic in one file, read and written, {turns(suite.sizes.rounds)}."
    table = Table("replay", "Replay", how, "what", _COLUMNS)
    with tempfile.TemporaryDirectory(prefix="chat2ga-bench-") as directory:
        file = Path(directory) / "in.jsonl"
        with file.open("wb") as lines:
            lines.writelines((record.value or b"") + b"\n" for record in suite.input(JOBS["full"], count).records)
        replay = ["-m", "streams.cli", "replay", str(file), "--to", str(Path(directory) / "out.jsonl"), "--jobs"]
        whats = {
            DECODING: ["-m", "benchmarks.decoding", str(file)],
            REPLAY: [*replay, "1"],
            REPLAY_2: [*replay, "2"],
        }
        for turn in range(1, suite.sizes.rounds + 1):
            for what, arguments in whats.items():
                took = await asyncio.to_thread(_run, arguments, environment(suite.core))
                table.add(what, {"per_s": count / took.wall_s, "per_core_s": count / took.cpu_s})
                suite.tell(f"turn {turn}, {what}: {count / took.wall_s:,.0f}/s, {count / took.cpu_s:,.0f} a core")
    return [table]


def _run(arguments: list[str], env: dict[str, str]) -> _Took:
    """A process from its start to its end; raises RuntimeError with its last words where it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Took(time.monotonic() - began, cpu_s)
