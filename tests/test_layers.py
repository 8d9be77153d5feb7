"""The layers of the design, beyond what import-linter can say (pyproject.toml has its contracts)."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]

PURE = ["schemas", "streams/attribution", "streams/measurement", "streams/sources"]
PURE_MODULES = {
    *("bisect", "collections", "copy", "datetime", "enum", "functools", "hashlib", "hmac", "itertools", "json"),
    *("math", "operator", "re", "string", "types", "typing", "unicodedata", "urllib.parse"),
}
"""Of the standard library: nothing that reads a clock, the world or chance. What is not in the list is not allowed."""

CLOCKS = {"now", "utcnow", "today"}


def modules_of(directory):
    return sorted((ROOT / directory).rglob("*.py"))


def imports_of(path):
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def shown(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for directory in PURE for path in modules_of(directory)], ids=shown)
def test_the_pure_core_imports_msgspec_and_the_pure_standard_library_alone(path):
    """`streams` from `streams` is the layers' matter, which import-linter checks."""
    for imported in imports_of(path):
        top = imported.partition(".")[0]
        assert top in {"msgspec", "schemas", "streams"} or imported in PURE_MODULES or top in PURE_MODULES, imported


@pytest.mark.parametrize("path", [path for directory in PURE for path in modules_of(directory)], ids=shown)
def test_the_pure_core_does_nothing_but_compute(path):
    """What needs no import: printing, opening, asking the clock through `datetime`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name):
                assert called.id not in {"print", "open", "input", "eval", "exec", "__import__"}
            if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
                assert (called.value.id in {"datetime", "date"} and called.attr in CLOCKS) is False
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await)


def test_the_pure_packages_are_those_of_the_contract_on_purity():
    contract = next(contract for contract in CONTRACTS if contract["name"].startswith("Pure"))
    assert {name.replace(".", "/") for name in contract["source_modules"]} == set(PURE)


def test_every_package_and_module_has_its_layer():
    """One that is in no layer may import what it likes."""
    layers = next(contract for contract in CONTRACTS if contract["type"] == "layers")["layers"]
    named = {name.strip(" ()") for layer in layers for name in layer.replace("|", ":").split(":")}
    there = {f"streams.{path.stem}" for path in (ROOT / "streams").iterdir() if is_module(path)} | {"schemas"}
    assert there == named


def is_module(path):
    return path.name != "__init__.py" and (path.suffix == ".py" or (path / "__init__.py").exists())


def test_runs_of_records_can_be_lifted_out():
    """Nothing of ours but the base of all errors."""
    for path in modules_of("streams/runs"):
        ours = {name for name in imports_of(path) if name.partition(".")[0] in {"schemas", "streams"}}
        assert {name for name in ours if not name.startswith("streams.runs")} <= {"streams.errors"}


@pytest.mark.parametrize(
    "path", [path for directory in ("schemas", "streams") for path in modules_of(directory)], ids=shown
)
def test_only_settings_reads_the_environment(path):
    """The demo hands its own on to the processes that it starts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    reads = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "expandvars"}
    ]
    if shown(path) not in {"streams/settings.py", "streams/demo/stage.py"}:
        assert reads == []


def test_the_list_of_pure_modules_names_the_standard_library():
    assert {name.partition(".")[0] for name in PURE_MODULES} <= set(sys.stdlib_module_names)
