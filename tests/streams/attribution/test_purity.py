"""The core needs the contract and nothing else of ours (`tests/test_layers.py` has what it may take from Python)."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
_TOLD: Final = "import sys, msgspec; before = set(sys.modules); import {package}; print(*set(sys.modules) - before)"
"""What msgspec brings along, or the interpreter that runs the tests, is not the core's."""


@pytest.mark.parametrize(
    ("package", "ours"),
    [("schemas.catalog", {"schemas"}), ("streams.attribution", {"schemas", "streams", "streams.attribution"})],
)
def test_importing_it_imports_no_other_package_of_ours_and_no_library(package, ours):
    told = subprocess.run(
        [sys.executable, "-c", _TOLD.format(package=package)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert package in told
    packages = {".".join(name.split(".")[: 2 if name.startswith("streams.") else 1]) for name in told}
    stray = {name for name in packages if name not in sys.stdlib_module_names and name != "msgspec"}
    assert stray == ours
    assert not {"asyncio", "logging", "random", "secrets", "socket", "threading", "time"} & set(told)
