"""How a verb ends: by itself, by a fault, by a bug, by a signal, or because nobody reads any more."""

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.cli import running
from streams.cli.running import Debug, verb
from streams.errors import Chat2gaError
from tests.streams.cli.command import CASES, COMMAND, chat2ga, environment

WAIT_S = 60.0


class Trouble(Chat2gaError):
    def __str__(self):
        return "two\nlines and \x1b[31mred"


def code_of(function):
    with pytest.raises(running.typer.Exit) as ended:
        verb(function)()
    return ended.value.exit_code


def raising(error):
    def function():
        raise error

    return function


@pytest.fixture(autouse=True)
def _signals_as_they_were():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    Debug.on = False


@pytest.mark.parametrize(
    ("function", "code"),
    [
        pytest.param(lambda: None, 0, id="nothing to say"),
        pytest.param(lambda: 3, 3, id="a code of its own"),
        pytest.param(raising(Trouble()), 1, id="a fault that is known"),
        pytest.param(raising(running.UsageFault("x")), 2, id="a wrong command line"),
        pytest.param(raising(KeyboardInterrupt()), 130, id="Ctrl-C"),
        pytest.param(raising(ZeroDivisionError()), 70, id="a bug"),
    ],
)
def test_every_end_has_its_exit_code(function, code, capsys):
    assert code_of(function) == code
    assert len(capsys.readouterr().err.splitlines()) == (0 if code in (0, 3) else 1)


def test_a_fault_is_one_line_that_colours_no_terminal(capsys):
    code_of(raising(Trouble()))
    assert capsys.readouterr().err == "chat2ga: two lines and \\x1b[31mred\n"


def test_a_bug_says_that_it_is_one_and_how_to_report_it(capsys):
    code_of(raising(ZeroDivisionError("by zero")))
    said = capsys.readouterr().err
    assert "this is a bug in chat2ga: ZeroDivisionError: by zero" in said
    assert "--debug" in said
    Debug.on = True
    code_of(raising(ZeroDivisionError("by zero")))
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_ends_it_without_a_word():
    with subprocess.Popen(
        [*COMMAND, "replay", CASES / "interactions.jsonl", "--to", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout.readline().startswith(b'{"event_id"')
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["replay", CASES / "interactions.jsonl", "--to", "-"], id="much"),
        pytest.param(["explain", CASES / "interactions.jsonl", "--session", "s4"], id="more than a buffer"),
        pytest.param(["schema", "show", "ga-receipts"], id="little, written at the end"),
        pytest.param(["--version"], id="a line"),
        pytest.param(["--help"], id="the help"),
    ],
)
def test_a_full_disk_behind_standard_output_is_one_line(arguments):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"chat2ga: standard output: no space left")
    assert done.stderr.count(b"\n") == 1


class UnderWay:
    """A replay of standard input whose processes are all at work, and which waits for more."""

    def __init__(self, directory, *, jobs):
        self.directory = directory
        (directory / "tmp").mkdir()
        self.process = subprocess.Popen(
            [
                *COMMAND,
                "replay",
                "-",
                "--to",
                directory / "out.jsonl",
                "--jobs",
                str(jobs),
                "--dead-letters",
                directory / "d",
            ],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment(), "TMPDIR": str(directory / "tmp")},
            start_new_session=True,
        )
        lines = (CASES / "interactions.jsonl").read_bytes()
        for _ in range(32):  # more than a bucket may hold: they are being dealt when it has taken them all
            self.process.stdin.write(lines)
        self.process.stdin.flush()

    def left(self):
        return sorted(str(path.relative_to(self.directory)) for path in self.directory.rglob("*") if path.is_file())

    def until_none_is_left(self):
        """Wait until every process that it started has ended."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.05)
        os.killpg(self.process.pid, signal.SIGKILL)
        return False


@pytest.fixture
def interruptible():
    """What is started from here takes Ctrl-C, also where a shell in the background has told us to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("number", "says"), [(signal.SIGINT, b"chat2ga: interrupted\n"), (signal.SIGTERM, b"chat2ga: terminated\n")]
)
def test_a_signal_ends_it_at_once_with_one_line_and_nothing_half_written(tmp_path, jobs, number, says):
    under_way = UnderWay(tmp_path, jobs=jobs)
    if number == signal.SIGINT:
        os.killpg(under_way.process.pid, number)  # Ctrl-C reaches every process of a terminal
    else:
        under_way.process.send_signal(number)
    _, said = under_way.process.communicate(timeout=WAIT_S)
    assert (under_way.process.returncode, said) == (128 + number, says)
    assert under_way.until_none_is_left()
    assert under_way.left() == []


EARLY = """
import sys

class CtrlC:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
from streams.cli import main
sys.exit(main())
"""


def test_ctrl_c_while_the_modules_are_read_is_told_in_one_line_too():
    ended = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, timeout=WAIT_S, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"chat2ga: interrupted\n")


def test_its_processes_do_not_outlive_it_when_it_is_killed(tmp_path):
    under_way = UnderWay(tmp_path, jobs=3)
    under_way.process.kill()
    under_way.process.communicate(timeout=WAIT_S)
    assert under_way.until_none_is_left()
    assert "out.jsonl" not in under_way.left()


def test_a_locale_without_letters_ends_nothing(tmp_path):
    record = {
        "type": "contact_form_sent",
        "account_id": "é✓",
        "session_id": "s",
        "interaction_id": "\u202e",
        "timestamp": 1_700_000_000_000,
    }
    import json

    (tmp_path / "in.gz").write_bytes(gzip.compress(json.dumps(record).encode()))
    done = chat2ga(
        "explain",
        tmp_path / "in.gz",
        "--session",
        "s",
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\xe9\\u2713/s/" in done.stdout
    done.stdout.decode("ascii")
