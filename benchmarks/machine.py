"""What the figures were taken on: without it they are nobody's."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Final

from benchmarks.environments import Core
from tests.kafka.jars import java

__all__ = ["described"]

_POM: Final = Path(__file__).parents[1] / "tests" / "kafka" / "pom.xml"


def described(core: Core) -> dict[str, str]:
    """The machine, by what it has."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Java": _java(),
        "Apache Kafka": f"{_kafka()}, one node on the same cores, 1 GiB of heap",
        "core of every engine in Python": core.what,
    }


def _processor() -> str:
    """As Linux names it; elsewhere the architecture has to do."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _java() -> str:
    command = java()
    if command is None:
        return "none"
    return subprocess.run([command, "-version"], capture_output=True, text=True, check=False).stderr.partition("\n")[0]


def _kafka() -> str:
    return _POM.read_text(encoding="utf-8").partition("<version>")[2].partition("<version>")[2].partition("<")[0]
