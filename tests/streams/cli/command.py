"""`chat2ga` as its users run it: a process with arguments, pipes and an exit code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

__all__ = ["CASES", "COMMAND", "ROOT", "chat2ga", "environment", "the_line"]

ROOT: Final = Path(__file__).parents[3]
CASES: Final = ROOT / "tests" / "contract_cases"
COMMAND: Final = (sys.executable, "-m", "streams.cli")


def environment(**settings: object) -> dict[str, str]:
    """This process's, with no setting of chat2ga but those given, in small letters as in Settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CHAT2GA_")}
    given = {f"CHAT2GA_{name.upper()}": str(value) for name, value in settings.items()}
    return {**ours, "PYTHONPATH": str(ROOT), **given}


def chat2ga(
    *arguments: object,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    within_s: float = 120.0,
    **settings: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Run it to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**environment(**settings), **(env or {})},
        timeout=within_s,
        check=False,
    )


def the_line(done: subprocess.CompletedProcess[bytes]) -> str:
    """The one line that it wrote to stderr."""
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, done.stderr.decode()
    return lines[0]
