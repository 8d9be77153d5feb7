"""What holds of the repository as a whole: what may stand in it, and where."""

import ast
import os
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
KEPT_OUT = {".git", ".venv", ".cache", "build", "dist", "target", "node_modules", "__pycache__", "chat2ga-state"}
PACKAGES = ("schemas", "streams")


def files():
    """Every file but what tools keep (.gitignore)."""
    for directory, below, names in os.walk(ROOT):
        below[:] = sorted(
            name for name in below if name not in KEPT_OUT and not name.endswith(("_cache", ".egg-info", ".hypothesis"))
        )
        yield from (Path(directory, name) for name in sorted(names))


def text_files():
    for path in files():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a golden record of bytes that are no text


def shown(path):
    return str(path.relative_to(ROOT))


SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

# -- what may not stand anywhere ------------------------------------------------

FORBIDDEN = {
    # Written so that this file does not hold what it looks for.
    "a package registry's address": r"pypi\.o[r]g|pythonhoste[d]\.org|registry\.np[m]js|repo1?\.mave[n]|mave[n]\.org",
    "a path of somebody's machine": r"(?<![\w./-])/(?:work|root|home/\w+|Users/\w+)/[\w.]|/tmp/scra[t]ch",
    "a test that is switched off": r"pytest\.(?:mark\.)?(?:sk[i]p|xf[a]il)|unittest\.sk[i]p|importorsk[i]p",
    "work put off": r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b|NotImplemented[E]rror",
    "code hidden from coverage": r"pragma: no c[o]ver",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nowhere_stands(what):
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{shown(path)}:{text.count(chr(10), 0, hit.start()) + 1}: {hit[0]}"
        for path, text in text_files()
        if "vendored" not in path.parts and path.suffix != ".jsonl"
        for hit in pattern.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_patterns_find_what_they_look_for(what):
    samples = {
        "a package registry's address": "https://py" + "pi.org/simple",
        "a path of somebody's machine": 'open("/ho' + 'me/ann/chat2ga")',
        "a test that is switched off": "@pytest.mark.sk" + "ip",
        "work put off": "# TO" + "DO: later",
        "code hidden from coverage": "# pragma: no co" + "ver",
    }
    assert re.search(FORBIDDEN[what], samples[what])


def test_no_file_is_too_large_to_read():
    """Data that a test needs is generated, or small."""
    large = {shown(path): path.stat().st_size for path in files() if path.stat().st_size > 2_000_000}
    assert large == {}


# -- tests mirror the source ------------------------------------------------------

OF_A_PACKAGE = {
    "schemas/test_examples": "the golden messages of every topic",
    "schemas/test_generated": "what is generated of all structs",
    "streams/attribution/test_purity": "what the core may import, and that it keeps its arguments as they were",
    "streams/attribution/test_properties": "`step` over random histories: every module of it",
    "streams/attribution/test_contract_cases": "`step` over random sessions: every module of it",
}
"""Test files of a whole package, and what they hold it to."""

GUARANTEES = "guarantees/test_crashes"
TESTED_ELSEWHERE = {
    "streams/attribution/compiled": "test_compiled",
    "streams/attribution/reasons": "streams/attribution/test_step",
    "streams/cli/demo": "streams/demo/test_run",
    "streams/demo/leash": "streams/demo/test_children",
    "streams/demo/quiet": "streams/demo/test_run",
    "streams/errors": "streams/cli/test_running",
    "streams/ingest/errors": "streams/ingest/test_server",
    "streams/report/numbers": "streams/report/test_counting",
    "streams/replay/plan": "streams/replay/test_run",
    # Nothing shows that they are right but a real Kafka, and what it holds in the end.
    "streams/runs/errors": GUARANTEES,
    "streams/runs/lineage": "guarantees/test_topics",
    "streams/runs/run": GUARANTEES,
    "streams/runs/writing": "streams/runs/test_app",
    "streams/worker/broker": GUARANTEES,
    "streams/worker/refusal": "guarantees/test_security",
    "streams/worker/starting": "streams/cli/test_worker",
    "streams/worker/topics": GUARANTEES,
}
"""Modules without a test file of their own, and the one that holds them to what they do."""


def mirrored(test, modules):
    """The module of a test file: `test_post.py` or, of one aspect, `test_post_retries.py` are of `post.py`."""
    name = test.name.removeprefix("test_")
    return {
        module
        for module in modules
        if module.parent == test.parent and re.fullmatch(f"{module.name.strip('_')}(_.+)?", name)
    }


def source_modules():
    return {path.relative_to(ROOT).with_suffix("") for path in SOURCES if path.name != "__init__.py"}


def mirrors():
    return {
        path.relative_to(ROOT / "tests").with_suffix("")
        for path in TESTS
        if path.relative_to(ROOT / "tests").parts[0] in PACKAGES
    }


def test_every_module_has_its_tests():
    modules = source_modules()
    tested = {module for test in mirrors() for module in mirrored(test, modules)}
    without = {module.as_posix() for module in modules - tested if module.name != "__main__"}
    assert without == TESTED_ELSEWHERE.keys()
    assert {test for test in TESTED_ELSEWHERE.values() if not (ROOT / "tests" / f"{test}.py").exists()} == set()


def test_every_test_file_has_its_module():
    modules = source_modules()
    without = {test.as_posix() for test in mirrors() if not mirrored(test, modules)}
    assert without == OF_A_PACKAGE.keys()


# -- names --------------------------------------------------------------------------


def exported(path):
    """The names of a module's `__all__`; None where it has none."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return list(ast.literal_eval(node.value))
    return None


def defined(path):
    """The names that a module defines or imports at its top."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Import() | ast.ImportFrom():
                yield from (alias.asname or alias.name for alias in node.names)
            case ast.Name(ctx=ast.Store()):
                yield node.id


@pytest.mark.parametrize("path", SOURCES, ids=shown)
def test_a_module_says_what_it_is_and_what_is_public(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    holds_code = any(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) for node in tree.body)
    stands_alone = any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in tree.body)
    if holds_code and not stands_alone and path.name != "__main__.py":
        assert exported(path) is not None
    assert set(exported(path) or ()) <= set(defined(path))


def packages_public_names():
    """Package by package, the names that its `__init__` exports."""
    for path in SOURCES:
        if path.name == "__init__.py":
            yield ".".join(path.parent.relative_to(ROOT).parts), set(exported(path) or ())


def test_a_public_name_has_one_import_path():
    """From outside of a package, by the package: not by the module in which it happens to stand."""
    public = dict(packages_public_names())
    found = []
    for path in SOURCES:
        here = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            package = node.module.rpartition(".")[0]
            if here.startswith(f"{package}."):
                continue
            found += [
                f"{shown(path)}: {alias.name} from {node.module}, not from {package}"
                for alias in node.names
                if alias.name in public.get(package, ())
            ]
    assert found == []


@pytest.mark.parametrize(("package", "names"), list(packages_public_names()))
def test_a_package_defines_a_public_name_once(package, names):
    modules = (ROOT / package.replace(".", "/")).glob("*.py")
    counted = Counter(
        node.name
        for path in modules
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in names
    )
    assert [name for name, count in counted.items() if count > 1] == []


# -- what is installed ----------------------------------------------------------------

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<rest>.*?(?:\n {4}--hash=.*)*)$", re.MULTILINE)


def locked(file):
    """The pinned packages of a locked file by name: version, number of hashes."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return {
        canonicalize_name(pin["name"]): (pin["version"], pin["rest"].count("--hash=sha256:"))
        for pin in LOCKED.finditer(text)
    }


@pytest.mark.parametrize("file", ["constraints.txt", "deploy/requirements.txt", "benchmarks/constraints.txt"])
def test_all_that_is_installed_is_pinned_with_its_hashes(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    pins = list(LOCKED.finditer(text))  # some are pinned once for older versions of Python and once for newer ones
    assert sum(bool(re.match(r"[A-Za-z]", line)) for line in text.splitlines()) == len(pins)
    assert {pin["name"] for pin in pins if "--hash=sha256:" not in pin["rest"]} == set()


def test_what_is_locked_is_what_the_project_asks_for():
    """Fails where pyproject.toml was changed and `make lock` was not run."""
    asked = [
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["dev"],
        *PROJECT["optional-dependencies"]["demo"],
        *PROJECT["optional-dependencies"]["report"],
    ]
    for requirement in (Requirement(text) for text in asked):
        if requirement.name != PROJECT["name"]:
            version, _ = locked("constraints.txt")[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), requirement


def test_what_is_deployed_is_what_was_tested():
    tested, deployed = locked("constraints.txt"), locked("deploy/requirements.txt")
    assert {name: pin for name, pin in deployed.items() if tested.get(name) != pin} == {}
    assert {Requirement(text).name for text in PROJECT["dependencies"]} <= deployed.keys()


def test_engines_beside_which_it_is_measured_have_the_same_decoder():
    """And all that benchmarks/requirements.in asks for is pinned: fails where `make lock` was not run."""
    product, peers = locked("constraints.txt"), locked("benchmarks/constraints.txt")
    assert {name: peers[name] for name in ("msgspec", "orjson")} == {
        name: product[name] for name in ("msgspec", "orjson")
    }
    lines = (ROOT / "benchmarks" / "requirements.in").read_text(encoding="utf-8").splitlines()
    for requirement in (Requirement(line) for line in lines if line and not line.startswith("#")):
        version, _ = peers[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


# -- commands ---------------------------------------------------------------------------


def make_targets():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


def test_commands_that_the_docs_name_are_there():
    for name in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"(?:^|`|run )make ([a-z][a-z-]+)(?=[\s`]|$)", text, re.MULTILINE)) <= make_targets(), (
            name
        )


def test_every_target_is_told_by_help_and_makes_no_file():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    assert targets == make_targets() == set(re.findall(r"^\.PHONY: ([a-z-]+)$", text, re.MULTILINE))


def test_continuous_integration_takes_no_green_without_kafka():
    text = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert text.index("export CHAT2GA_REQUIRE_KAFKA=1") < text.index("run make test")
    assert os.access(ROOT / ".ci/run", os.X_OK)
