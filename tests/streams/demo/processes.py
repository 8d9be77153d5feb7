"""Looking at processes from outside: which live, and when they are gone."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

__all__ = ["descendants", "eventually", "is_alive", "pids_with"]

T = TypeVar("T")


def eventually(found: Callable[[], T], within_s: float = 30.0) -> T:
    """What `found` gives once it is true; a condition waited for, not a time."""
    deadline = time.monotonic() + within_s
    while not (value := found()):
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.01)
    return value


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def pids_with(text: str) -> list[int]:
    """Processes that have this in their command line."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    found = (line.split(maxsplit=1) for line in listed.splitlines() if text in line)
    return [int(pid) for pid, *_ in found if int(pid) != os.getpid()]


def descendants(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(maxsplit=2) for line in listed.splitlines())
    parents = {int(child): int(parent) for child, parent, command in rows if command != "ps"}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found - {pid})
