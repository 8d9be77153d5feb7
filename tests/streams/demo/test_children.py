"""Processes of the demo: none outlives it, and none fails unseen."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.demo.children import Child, ChildEnded, running
from tests.streams.demo.processes import eventually, is_alive

SLEEPS = (sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import os, signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print(os.getpid(), flush=True); time.sleep(600)",
)

HOLDER = """
import sys, time
from pathlib import Path
from streams.demo.children import Child

Child("child", sys.argv[2:], log=Path(sys.argv[1]), grace_s=0.2)
time.sleep(600)
"""


def pid_in(log: Path) -> int:
    return int(eventually(lambda: log.exists() and log.read_text().strip()))


def test_stopping_ends_the_command(tmp_path):
    child = Child("sleeper", SLEEPS, log=tmp_path / "log")
    pid = pid_in(tmp_path / "log")
    assert is_alive(pid)
    assert child.stop() == 128 + signal.SIGTERM
    assert not is_alive(pid)
    assert child.stop() == 128 + signal.SIGTERM


def test_a_command_that_will_not_end_is_made_to(tmp_path):
    child = Child("stubborn", STUBBORN, log=tmp_path / "log", grace_s=0.2)
    pid = pid_in(tmp_path / "log")
    assert child.stop() == 128 + signal.SIGKILL
    assert not is_alive(pid)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("command", [SLEEPS, STUBBORN], ids=["willing", "stubborn"])
def test_a_command_does_not_outlive_whoever_holds_the_leash(tmp_path, how, command):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "log"), *command])
    try:
        pid = pid_in(tmp_path / "log")
    finally:
        holder.send_signal(how)
        holder.wait()
    eventually(lambda: not is_alive(pid))


def test_a_child_that_ended_is_an_error_with_its_last_words(tmp_path):
    child = Child("worker", (sys.executable, "-c", "print('no broker'); raise SystemExit(3)"), log=tmp_path / "log")

    def error():
        try:
            child.check()
        except ChildEnded as ended:
            return ended
        return None

    ended = eventually(error)
    assert str(ended) == "the worker ended with exit code 3. Its log ends:\nno broker"
    assert child.stop() == 3


def test_a_child_that_runs_raises_nothing_and_says_so_where_it_does_not_get_ready(tmp_path):
    child = Child("worker", SLEEPS, log=tmp_path / "log")
    pid_in(tmp_path / "log")
    child.check()
    assert str(child.not_ready()).startswith("the worker does not get ready. Its log ends:\n")
    child.stop()


def test_the_tail_of_a_log_is_its_end(tmp_path):
    child = Child("counter", (sys.executable, "-c", "for i in range(100): print(i)"), log=tmp_path / "log")
    eventually(lambda: (tmp_path / "log").read_text().endswith("99\n"))
    assert child.tail(3) == "97\n98\n99"
    child.stop()


async def test_while_a_child_is_being_stopped_the_loop_goes_on(tmp_path):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async with running("sleeper", SLEEPS, log=tmp_path / "log"):
        pid = pid_in(tmp_path / "log")
        ticking = asyncio.create_task(tick())
        await asyncio.sleep(0)
        before = ticks
    assert ticks > before
    assert not is_alive(pid)
    ticking.cancel()
