"""The sink, as a part of the suite: `benchmarks.sink` in a process of its own, and its figures as a table."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.environments import environment
from benchmarks.suite import Suite, turns
from benchmarks.tables import Column, Table

__all__ = ["measure", "table_of"]

_COLUMNS: Final = [
    Column("requests_per_s", "requests a second"),
    Column("events_per_s", "events a second"),
    Column("cpu_ms_per_request", "processor ms a request"),
]
Found = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]
"""By server and way: the figures of each turn."""


async def measure(suite: Suite) -> list[Table]:
    """One table, a row for each way to deliver to each server."""
    sizes = suite.sizes
    with tempfile.TemporaryDirectory(prefix="chat2ga-bench-") as directory:
        file = Path(directory) / "sink.json"
        given = ["--sessions", str(sizes.sink_sessions), "--rounds", str(sizes.rounds), "--json", str(file)]
        command = [sys.executable, "-P", "-m", "benchmarks.sink", *given]
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment(suite.core), capture_output=True, text=True, check=False
        )
        how = (
            f"Events of {sizes.sink_sessions:,} sample sessions, 32 requests in flight, {turns(sizes.rounds)}. "
            "The server is a process on the same cores: one that answers at once, one that is 20 ms away, and the "
            "demo's collector, which checks every rule of Google's."
        )
        if done.returncode:
            table = Table("sink", "The sink", how, "server, way", _COLUMNS)
            table.miss("chat2ga's sink", f"it ended with {done.returncode}: {done.stderr[-300:]}")
            return [table]
        return [table_of(msgspec.json.decode(file.read_bytes(), type=dict), how)]


def table_of(found: Found, how: str) -> Table:
    """The figures as rows."""
    table = Table("sink", "The sink", how, "server, way", _COLUMNS)
    for server, ways in found.items():
        for way, figures in ways.items():
            for each in figures:
                table.add(f"{server}, {way}", each)
    return table
