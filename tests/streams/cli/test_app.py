"""The command line itself: what there is, how it is asked wrongly, and that asking costs little."""

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.streams.cli.command import COMMAND, chat2ga, environment, the_line

VERBS = [
    "demo",
    "worker",
    "check",
    "replay",
    "explain",
    "compare",
    "dead-letters list",
    "dead-letters show",
    "dead-letters requeue",
    "ingest",
    "report",
    "receipts",
]
VERBS += ["schema show", "schema export"]


def test_the_version_is_the_package_s():
    done = chat2ga("--version")
    assert (done.returncode, done.stdout.decode()) == (0, f"chat2ga {version('chat2ga')}\n")


def test_the_installed_script_and_the_module_are_the_same_command():
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from streams.cli import main; sys.exit(main())", "--version"],
        capture_output=True,
        env=environment(),
        check=True,
    )
    assert done.stdout == chat2ga("--version").stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb):
    done = chat2ga(*verb.split(), "--help")
    assert done.returncode == 0
    assert f"chat2ga {verb}".encode() in done.stdout


def test_help_lists_the_verbs_that_there_are_and_no_others():
    listed = chat2ga("--help").stdout.decode()
    assert set(re.findall(r"^│ ([a-z][a-z-]*) {2,}\S", listed, re.MULTILINE)) == {verb.split()[0] for verb in VERBS}


def test_help_imports_nothing_of_what_the_verbs_do():
    loaded = "import sys; from streams.cli import main; main(); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", loaded, "--help"], capture_output=True, env=environment(), check=True)
    modules = set(done.stderr.decode().split())
    assert "streams.cli.app" in modules
    assert not modules & {
        "aiokafka",
        "faust",
        "pydantic",
        "httpx",
        "msgspec",
        "zstandard",
        "duckdb",
        "streams.replay",
        "streams.worker",
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["bogus"], "No such command 'bogus'", id="no such verb"),
        pytest.param(["replay", "--to", "-"], "Missing argument 'INPUT...'", id="an argument missing"),
        pytest.param(["replay", "x.jsonl"], "Missing option '--to'", id="an option missing"),
        pytest.param(
            ["replay", "x", "--to", "-", "--order", "x"], "'x' is not one of 'time', 'arrival'", id="a wrong choice"
        ),
        pytest.param(["replay", "x", "--to", "-", "--jobs", "0"], "--jobs", id="a number out of range"),
        pytest.param(["replay", "x", "--to", "-", "--no"], "No such option", id="no such option"),
        pytest.param(["worker", "--only", "both"], "--only", id="no such half"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line_that_names_the_help(arguments, says):
    done = chat2ga(*arguments)
    assert done.returncode == 2
    assert says in the_line(done)
    assert "--help`" in the_line(done)


def test_no_verb_at_all_shows_the_help_and_is_no_success():
    done = chat2ga()
    assert done.returncode == 2
    assert b"replay" in done.stdout
    assert done.stderr == b""


@pytest.mark.parametrize(
    "arguments", [["--debug", "replay", "none", "--to", "-"], ["replay", "none", "--to", "-", "--debug"]]
)
def test_debug_shows_the_traceback_wherever_it_stands(arguments):
    done = chat2ga(*arguments)
    assert done.returncode == 1
    assert b"Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(b"chat2ga: none: there is no such file")


def test_after_two_dashes_debug_is_a_file_like_any_other():
    done = chat2ga("replay", "--to", "-", "--", "--debug")
    assert the_line(done).startswith("chat2ga: --debug: there is no such file")


def test_the_module_s_name_is_what_is_run_here():
    assert COMMAND[-1] == "streams.cli"
