"""What an engine takes of the machine, with all the processes that it has started. Linux tells, in /proc."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["cpu_s", "family", "peak_mib", "resident_mib"]


def family(pid: int) -> Iterator[int]:
    """A process and those that it started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError):  # a thread that has just ended
            for child in children.read_text().split():
                yield from family(int(child))


def cpu_s(pid: int) -> float:
    """Processor time so far, those included that have ended and were waited for."""
    per_s = int(os.sysconf("SC_CLK_TCK"))
    stats = [Path(f"/proc/{each}/stat").read_text().rpartition(") ")[2].split() for each in family(pid)]
    return sum(sum(map(int, fields[11:15])) / per_s for fields in stats)


def peak_mib(pid: int) -> float:
    """Peak memory of each, together."""
    return _status_mib(pid, "VmHWM")


def resident_mib(pid: int) -> float:
    """Memory of each now, together."""
    return _status_mib(pid, "VmRSS")


def _status_mib(pid: int, name: str) -> float:
    lines = [Path(f"/proc/{each}/status").read_text().splitlines() for each in family(pid)]
    return sum(int(line.split()[1]) / 1024 for each in lines for line in each if line.startswith(name))
