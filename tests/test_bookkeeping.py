"""What a machine cannot run is left out, counted and told; where Kafka is required, there is no green without it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kafka.needs import closing_line, existing_kafka

ROOT = Path(__file__).parents[1]
CONFTEST = """
import pytest
from tests.bookkeeping import Bookkeeping

def pytest_configure(config):
    config.pluginmanager.register(Bookkeeping(config))

@pytest.fixture(scope="session")
def kafka():
    return "a broker"

@pytest.fixture
def kafka_cluster():
    return "brokers"

@pytest.fixture
def compiled_core():
    return "a directory"
"""
TESTS = """
def test_of_anything():
    pass

def test_on_a_broker(kafka):
    assert kafka == "a broker"

def test_on_another_broker(kafka):
    pass

def test_that_kills(kafka_cluster):
    pass
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_one.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers = kafka\naddopts = --import-mode=importlib -p no:cacheprovider\n"
    )

    def run_pytest(*arguments, java=True, **environment):
        given = {name: value for name, value in os.environ.items() if not name.startswith(("CHAT2GA_", "PYTEST_"))}
        if java:
            (tmp_path / "bin").mkdir()
            (tmp_path / "bin/java").write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
            (tmp_path / "bin/java").chmod(0o755)
            (tmp_path / "bin/mvn").write_text("#!/bin/sh\n")
            (tmp_path / "bin/mvn").chmod(0o755)
        given |= {
            "PATH": str(tmp_path / "bin"),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            **environment,
        }
        given.pop("JAVA_HOME", None)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=given,
        )
        return done.returncode, done.stdout

    return run_pytest


def last_line(said):
    return said.strip().splitlines()[-1]


@pytest.mark.parametrize("how", [[], ["-n", "2", "--dist", "loadgroup"]], ids=["in one process", "in several"])
def test_without_java_the_last_line_says_what_was_left_out_and_what_to_install(run, how):
    code, said = run(*how, java=False)
    assert code == 0
    assert "1 passed" in said
    assert last_line(said).startswith("Not run here: 2 tests on a real Apache Kafka (install Java 17 or later")
    assert "or set CHAT2GA_TEST_BROKER=kafka://host:port); 1 test on brokers that can be killed" in last_line(said)


@pytest.mark.parametrize("how", [[], ["-n", "2", "--dist", "loadgroup"]], ids=["in one process", "in several"])
def test_without_java_and_with_kafka_required_it_fails(run, how):
    code, said = run(*how, java=False, CHAT2GA_REQUIRE_KAFKA="1")
    assert code == 1
    assert last_line(said) == "CHAT2GA_REQUIRE_KAFKA=1: 0 tests ran on a real Apache Kafka."


@pytest.mark.parametrize("how", [[], ["-n", "2", "--dist", "loadgroup"]], ids=["in one process", "in several"])
def test_with_java_everything_runs_and_nothing_is_said(run, how):
    code, said = run(*how)
    assert code == 0
    assert "4 passed" in said
    assert "Not run here" not in said


@pytest.mark.parametrize("how", [[], ["-n", "2", "--dist", "loadgroup"]], ids=["in one process", "in several"])
def test_without_a_compiler_the_last_lines_say_so_and_kafka_is_not_missed_for_it(run, how, tmp_path):
    (tmp_path / "test_two.py").write_text("def test_compiled(compiled_core):\n    pass\n")
    code, said = run(*how, CHAT2GA_REQUIRE_KAFKA="1", CC="no-such-compiler")
    assert code == 0
    told, required = said.strip().splitlines()[-2:]
    assert told == "Not run here: 1 test of the compiled core (install a C compiler (no-such-compiler))."
    assert required == "CHAT2GA_REQUIRE_KAFKA=1: 3 tests ran on a real Apache Kafka."


def test_the_compiled_core_is_no_kafka(run, tmp_path):
    (tmp_path / "test_one.py").write_text("def test_compiled(compiled_core):\n    pass\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/cc").write_text("#!/bin/sh\n")
    (tmp_path / "bin/cc").chmod(0o755)
    code, said = run(java=False, CHAT2GA_REQUIRE_KAFKA="1", CC="cc")
    assert code == 1
    assert last_line(said) == "CHAT2GA_REQUIRE_KAFKA=1: 0 tests ran on a real Apache Kafka."


def test_the_tests_of_a_broker_stay_in_one_process(run, tmp_path):
    """Otherwise each process starts a broker of its own, and two of them share two cores with what is tested."""
    (tmp_path / "test_many.py").write_text("".join(f"def test_{n}(kafka):\n    pass\n\n" for n in range(20)))
    code, said = run("-n", "2", "--dist", "loadgroup", "-v", "test_many.py")
    assert code == 0
    assert len(re.findall(r"\[gw\d\].* PASSED", said)) == 20
    assert len(set(re.findall(r"\[(gw\d)\].* PASSED", said))) == 1


def test_with_kafka_required_it_says_how_many_ran(run):
    code, said = run(CHAT2GA_REQUIRE_KAFKA="1")
    assert code == 0
    assert last_line(said) == "CHAT2GA_REQUIRE_KAFKA=1: 3 tests ran on a real Apache Kafka."


def test_with_kafka_required_a_run_without_such_tests_fails(run):
    code, said = run("-k", "anything", CHAT2GA_REQUIRE_KAFKA="1")
    assert code == 1
    assert "1 passed" in said


def test_a_broker_of_somebody_else_is_not_killed(run):
    code, said = run(java=False, CHAT2GA_TEST_BROKER="kafka://10.0.0.1:9092")
    assert code == 0
    assert "3 passed" in said
    assert last_line(said).startswith("Not run here: 1 test on brokers that can be killed")


def test_a_failure_stays_a_failure(run, tmp_path):
    (tmp_path / "test_two.py").write_text("def test_red():\n    assert False\n")
    code, said = run(java=False)
    assert code == 1
    assert "1 failed" in said


def test_several_brokers_are_one_bootstrap():
    kafka = existing_kafka({"CHAT2GA_TEST_BROKER": "kafka://a:1,kafka://b:2"})
    assert kafka is not None
    assert (kafka.bootstrap, kafka.url) == ("a:1,b:2", "kafka://a:1,kafka://b:2")


@pytest.mark.parametrize("given", ["a:1", "http://a:1", "kafka://a", "kafka://a:1,b:2"])
def test_what_is_no_broker_is_told(given):
    with pytest.raises(ValueError, match="CHAT2GA_TEST_BROKER: expected kafka://host:port"):
        existing_kafka({"CHAT2GA_TEST_BROKER": given})


def test_where_all_ran_there_is_nothing_to_say():
    assert closing_line({"kafka": 0}) is None
