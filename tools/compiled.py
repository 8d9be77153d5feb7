"""The compiled build in a directory of its own, to stand first on PYTHONPATH: `make compiled`.

    PYTHONPATH=$(make -s compiled) .venv/bin/chat2ga worker

It holds the whole wheel, sources too, and never the tree that one edits. Its name
is a digest of all that goes into it, so that it is there, or it is not what is wanted.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["CannotCompile", "compiled", "modules", "why_not"]

ROOT: Final = Path(__file__).parents[1]
KEPT: Final = ROOT / ".cache" / "compiled"
BUILDING: Final = "building-"


class CannotCompile(RuntimeError):
    """The build failed: what it said."""


def why_not() -> str | None:
    """What this machine lacks to compile; None if it can."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"a C compiler ({compiler})"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "Python's headers (python3-dev)"
    return None


def modules() -> list[str]:
    """The modules that are compiled, as they are imported."""
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    globs = built["targets"]["wheel"]["hooks"]["custom"]["modules"]
    paths = sorted(path.relative_to(ROOT).with_suffix("") for glob in globs for path in ROOT.glob(glob))
    return [".".join(path.parts).removesuffix(".__init__") for path in paths]


def compiled() -> Path:
    """The directory; built first, in half a minute, where it is not there yet. Raises CannotCompile."""
    wanted = KEPT / _digest()
    if wanted.is_dir():
        return wanted
    KEPT.mkdir(parents=True, exist_ok=True)
    for old in KEPT.iterdir():
        if not old.name.startswith(BUILDING):  # another process may be at it
            shutil.rmtree(old)
    with tempfile.TemporaryDirectory(prefix=BUILDING, dir=KEPT) as made:
        unpacked = Path(made, "unpacked")
        with zipfile.ZipFile(_wheel(Path(made))) as wheel:
            wheel.extractall(unpacked)
        if not wanted.is_dir():  # another process may have been as quick
            unpacked.rename(wanted)
    return wanted


def _wheel(directory: Path) -> Path:
    """As the Dockerfile builds it."""
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(directory), str(ROOT)]
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "pip", *build],
        env={**os.environ, "CHAT2GA_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotCompile(done.stdout + done.stderr)
    return next(directory.glob("*.whl"))


def _digest() -> str:
    """Of the sources, of what compiles them, and of the Python that they are compiled for."""
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {sysconfig.get_platform()}".encode())
    for path in _ingredients():
        digest.update(f"\n{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _ingredients() -> Iterator[Path]:
    yield from (ROOT / "pyproject.toml", ROOT / "constraints.txt", ROOT / "tools" / "compile_hook.py")
    for package in ("schemas", "streams"):
        yield from sorted(path for path in (ROOT / package).rglob("*") if path.is_file() and path.suffix != ".pyc")


if __name__ == "__main__":
    missing = why_not()
    if missing is not None:
        sys.exit(f"chat2ga cannot be compiled here: install {missing}. Nothing needs it: pure Python does the same.")
    try:
        print(compiled())  # noqa: T201 - what it is run for
    except CannotCompile as error:
        sys.exit(str(error))
