"""A hook of hatchling: with CHAT2GA_COMPILE=1, extension modules stand beside the sources in the wheel.

Without it the wheel is pure Python and needs no compiler. The sources are the very
same; mypyc compiles those that pyproject.toml lists, in a directory that goes away:
beside a source that somebody edits, an extension module would run in its place.
Why, and what it brings: docs/decisions/0012-compiled-core.md.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["CompileHook"]

COMPILE: Final = "CHAT2GA_COMPILE"
LIBRARY: Final = "chat2ga"
"""All compiled modules are one library, so that they call each other in C: `chat2ga__mypyc`, at the wheel's top."""


class CompileHook(BuildHookInterface):  # type: ignore[type-arg]  # of which builder's settings: of no interest here
    """Compiles, if it is told to."""

    _directory: tempfile.TemporaryDirectory[str] | None = None

    def dependencies(self) -> list[str]:
        """What an isolated build must install first: types are checked against what the project runs with."""
        if not _wanted():
            return []
        return ["mypy>=1.14", "setuptools>=78", *self.metadata.core.dependencies]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and let the wheel's tag say for which Python and machine it is. Raises SystemExit."""
        if not _wanted() or version == "editable":
            return
        root = Path(self.root)
        modules = sorted(path.relative_to(root) for glob in self.config["modules"] for path in root.glob(glob))
        self._directory = tempfile.TemporaryDirectory(prefix="chat2ga-")
        made = _compile(root, modules, Path(self._directory.name))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"].update({str(path): name for name, path in made.items()})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """The wheel is written: nothing else is left."""
        if self._directory is not None:
            self._directory.cleanup()


def _wanted() -> bool:
    return os.environ.get(COMPILE) == "1"


def _compile(root: Path, modules: list[Path], directory: Path) -> dict[str, Path]:
    """The extension modules by their place in the wheel. Raises SystemExit where mypyc or the C compiler fails."""
    from mypyc.build import mypycify  # noqa: PLC0415 - only who compiles has it
    from setuptools import Distribution  # type: ignore[import-untyped]  # noqa: PLC0415

    options = ["--cache-dir", str(directory / "cache")]
    # mypyc names modules by their paths from here; hatchling says on stdout which wheel it made, and nothing else.
    with contextlib.chdir(root), contextlib.redirect_stdout(sys.stderr):
        extensions = mypycify(
            [*options, *map(str, modules)], target_dir=str(directory / "c"), group_name=LIBRARY, debug_level="0"
        )
        distribution = Distribution({"ext_modules": extensions})
        build = distribution.get_command_obj("build_ext")
        build.build_lib, build.build_temp = str(directory / "lib"), str(directory / "objects")
        distribution.run_command("build_ext")
    made = {path.relative_to(directory / "lib").as_posix(): path for path in (directory / "lib").rglob("*.*")}
    assert len(made) == len(modules) + 1, f"{len(modules)} modules gave {sorted(made)}"
    return made
