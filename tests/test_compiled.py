"""The compiled build: the same bytes from the same source, and none of it where one edits."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from schemas.ga_event import encode_event
from streams.attribution import CORE
from streams.demo.traffic import Mix, sessions
from tests.guarantees.judge import expected, judge
from tests.kafka import WorkerProcess, Written, create_topics, free_ports, produce, read_topic, until_read
from tests.streams.attribution import test_contract_cases as cases
from tools import compiled as build

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def compiled_core():
    """The directory to put first on PYTHONPATH; left out where there is no C compiler (tests/kafka/needs.py)."""
    return build.compiled()


def run(*command, first, cwd, **environment):
    path = [str(first), str(ROOT)] if first else [str(ROOT)]
    return subprocess.run(
        [sys.executable, "-P", "-m", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), **environment},
    )


@pytest.mark.parametrize(
    ("order", "accounts_file", "options", "expected_file"), [cases.BY_TIME, cases.BY_ARRIVAL, cases.WITH_OPTIONS]
)
def test_the_contracts_cases_come_out_to_the_byte(
    compiled_core, tmp_path, order, accounts_file, options, expected_file
):
    expected = [msgspec.json.decode(line) for line in (cases.CASES / expected_file).read_bytes().splitlines()]
    done = run(
        *("tests.compiled_cases", order, accounts_file, json.dumps(options), *expected[0]),
        first=compiled_core,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    loaded, *lines = done.stdout.splitlines()
    assert json.loads(loaded).keys() == set(build.modules())
    for name, file in json.loads(loaded).items():
        assert (Path(file).suffix, Path(file).is_relative_to(compiled_core)) == (".so", True), name
    assert lines[1::2] == cases.shown(expected)
    pure = cases.events_of(order, cases.book(accounts_file, options))
    assert lines[::2] == [encode_event(event).decode() for event, _ in pure]


@pytest.mark.parametrize(("compiled", "core"), [(True, "compiled"), (False, "pure Python")])
def test_check_says_which_one_runs(compiled_core, tmp_path, compiled, core):
    broker = f"kafka://127.0.0.1:{free_ports(1)[0]}"
    done = run("streams.cli", "check", first=compiled_core if compiled else None, cwd=tmp_path, CHAT2GA_BROKER=broker)
    assert f"good\tcore\t{core}" in done.stdout.splitlines(), done.stderr


def test_a_replay_of_several_processes_is_that_of_one_in_pure_python(compiled_core, tmp_path):
    for first, jobs in ((compiled_core, "2"), (None, "1")):
        out = tmp_path / f"{jobs}.jsonl"
        given = ["--accounts", str(cases.CASES / "accounts.toml"), "--as-of", "2026-01-01T00:00:00Z"]
        done = run(
            *("streams.cli", "replay", str(cases.CASES / "interactions.jsonl"), "--to", str(out)),
            *(*given, "--jobs", jobs),
            first=first,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "1.jsonl").stat().st_size > 100_000
    assert (tmp_path / "2.jsonl").read_bytes() == (tmp_path / "1.jsonl").read_bytes()


async def test_a_worker_says_it_and_gives_what_pure_python_gives(compiled_core, kafka, prefix, tmp_path):
    """On a real Kafka, dead letters and the sessions' changelog included; of two processes, killed once on the way."""
    topic = f"{prefix}chat-interactions"
    written = [
        Written(record.key, record.value, timestamp_ms=record.arrival_ms)
        for record in sessions(7, 4_000, mix=Mix(mean_interactions=5.0, starts_per_s=50.0))
    ]
    await create_topics(kafka.bootstrap, topic, config={"max.message.bytes": "8388608"})
    await produce(kafka.bootstrap, topic, written)
    want = expected(await read_topic(kafka.bootstrap, topic))
    due = sum(len(events) for events in want.events.values())
    given = {"first": compiled_core, "topic_prefix": prefix, "group": "g", "processes": 2, "max_run": 200}
    async with WorkerProcess(kafka.url, tmp_path, **given) as first:
        await until_read(kafka.bootstrap, f"{prefix}ga-events", due // 4)
        first.kill()
    async with WorkerProcess(kafka.url, tmp_path, **given) as second:
        await until_read(kafka.bootstrap, f"{prefix}ga-events", due)
        assert "at work: attribute, deliver (core: compiled)" in second.process.text()
        assert second.terminate() == 0
    verdict = await judge(kafka.bootstrap, prefix, "g", want)
    assert verdict.faults == {}


def test_pure_python_stays_what_runs_here():
    """`make demo` and `make test` need no compiler."""
    assert CORE == "pure Python"


def test_no_extension_module_lies_among_the_sources(compiled_core):
    assert compiled_core.is_relative_to(ROOT / ".cache")
    among = [path for package in ("schemas", "streams", "tools") for path in (ROOT / package).rglob("*.so")]
    assert among + list(ROOT.glob("*.so")) == []


def test_a_source_that_changes_makes_it_another_build(compiled_core, monkeypatch, tmp_path):
    for package in ("schemas", "streams", "tools"):
        # Without what other processes of the tests are writing.
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / file, tmp_path)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    assert build._digest() == compiled_core.name
    with (tmp_path / "streams/attribution/step.py").open("a") as source:
        source.write("# another\n")
    assert build._digest() != compiled_core.name


def test_unless_it_is_asked_for_the_wheel_is_pure_and_wants_no_compiler(tmp_path):
    done = run("hatchling", "build", "-t", "wheel", "-d", str(tmp_path), first=None, cwd=ROOT, CC="no-such-compiler")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as held:
        assert [name for name in held.namelist() if name.endswith(".so")] == []
