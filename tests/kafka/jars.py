"""Apache Kafka itself: its jars, fetched once by Maven into .cache/kafka, and the Java that runs them."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["java", "kafka_classpath", "why_no_kafka"]

MIN_JAVA: Final = 17
_POM: Final = Path(__file__).with_name("pom.xml")
_CACHE: Final = Path(__file__).parents[2] / ".cache" / "kafka"
_FETCH_S: Final = 300.0


@cache
def java() -> str | None:
    """The Java to run Kafka with, of JAVA_HOME or the path; None where there is none, or an older one than 17."""
    home = os.environ.get("JAVA_HOME")
    command = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if command is None:
        return None
    said = subprocess.run([command, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    return command if version and int(version[1]) >= MIN_JAVA else None


def why_no_kafka() -> str | None:
    """What to install before a real Kafka can run here; None where it can."""
    missing = []
    if java() is None:
        missing.append(f"Java {MIN_JAVA} or later")
    if not _libs().is_dir() and shutil.which("mvn") is None:
        missing.append("Maven")
    return " and ".join(missing) or None


def kafka_classpath() -> str:
    """The class path of Apache Kafka. Fetches it the first time, once for all processes that ask.

    Raises RuntimeError with Maven's last words where it cannot be fetched.
    """
    libs = _libs()
    if not libs.is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with (_CACHE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not libs.is_dir():  # another process may have fetched it while this one waited
                _fetch(libs)
    return f"{libs}/*"


def _libs() -> Path:
    """Another pom.xml, another directory: an upgrade never runs with old jars."""
    return _CACHE / f"libs-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"


def _fetch(libs: Path) -> None:
    unfinished = libs.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    command = ["mvn", "-q", "-B", "-f", str(_POM), goal, f"-DoutputDirectory={unfinished}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_S, check=False)
    if done.returncode:
        raise RuntimeError(f"Maven cannot fetch Apache Kafka:\n{(done.stdout + done.stderr)[-2000:]}")
    unfinished.rename(libs)  # whole or not at all
