"""What engines run in: the core, the peers' own Python, and Kafka Streams as Maven builds it.

Whatever a machine lacks is told as a reason, which then stands in the table.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.kafka.jars import java
from tools.compiled import compiled, why_not

__all__ = ["ROOT", "Core", "core_of", "environment", "java_command", "peers_python", "why_no_java", "why_no_peers"]

ROOT: Final = Path(__file__).parents[1]
CACHE: Final = ROOT / ".cache" / "bench"
_VENV: Final = CACHE / "venv"
_STREAMS: Final = Path(__file__).with_name("peers") / "kafka-streams"
_BUILD_S: Final = 600.0


class Core(NamedTuple):
    """Which form of the core all engines in Python run, and the directory that it is first found in."""

    what: str
    first: Path | None


def core_of(*, pure: bool) -> Core:
    """The compiled one, or the reason why not. Raises CannotCompile."""
    if pure:
        return Core("pure Python, as asked for", None)
    missing = why_not()
    if missing is not None:
        return Core(f"pure Python (to compile it: install {missing})", None)
    return Core("compiled", compiled())


def environment(core: Core) -> dict[str, str]:
    """Of an engine in Python: nothing of this process's own `CHAT2GA_…`, and the core that all run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHAT2GA_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(str(path) for path in (core.first, ROOT) if path)}


def peers_python() -> str:
    """The Python that Quix Streams and Bytewax are installed for (benchmarks/constraints.txt)."""
    return str(_VENV / "bin" / "python")


def why_no_peers() -> str:
    """Empty where they are there."""
    return "" if Path(peers_python()).exists() else "its packages are not installed: `make bench` does"


def why_no_java() -> str:
    """Empty where Kafka Streams is built or can be."""
    if java() is None:
        return "there is no Java 17 or later"
    if not _built().is_dir() and shutil.which("mvn") is None:
        return "there is no Maven to build it with"
    try:
        java_command()
    except RuntimeError as error:
        return str(error)
    return ""


@cache
def java_command() -> tuple[str, ...]:
    """`java -cp … benchmarks.Counting`; built the first time. Raises RuntimeError with Maven's last words."""
    built = _built()
    if not built.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not built.is_dir():
                _build(built)
    return (java() or "java", "-cp", f"{built}/classes{os.pathsep}{built}/libs/*", "benchmarks.Counting")


def _built() -> Path:
    """Another source, another directory: nothing old is ever measured."""
    digest = hashlib.sha256()
    for path in (_STREAMS / "pom.xml", *sorted(_STREAMS.rglob("*.java"))):
        digest.update(path.read_bytes())
    return CACHE / f"kafka-streams-{digest.hexdigest()[:12]}"


def _build(built: Path) -> None:
    """Offline first, which is quicker and needs no network where Maven has it all."""
    unfinished = built.with_suffix(".unfinished")
    goals = [
        "org.apache.maven.plugins:maven-compiler-plugin:3.13.0:compile",
        "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
    ]
    given = [f"-Dbuilt={unfinished}", f"-DoutputDirectory={unfinished}/libs", "-DincludeScope=runtime"]
    for offline in (["-o"], []):
        shutil.rmtree(unfinished, ignore_errors=True)
        command = ["mvn", "-q", "-B", *offline, "-f", str(_STREAMS / "pom.xml"), *goals, *given]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_S, check=False)
        if not done.returncode:
            unfinished.rename(built)  # whole or not at all
            return
        print("Maven has not all of Kafka Streams yet" if offline else "Maven failed", file=sys.stderr, flush=True)
    shutil.rmtree(unfinished, ignore_errors=True)
    raise RuntimeError(f"Maven cannot build it: {(done.stdout + done.stderr)[:300]}")
