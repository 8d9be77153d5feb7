"""No process that tests start outlives them, however they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kafka import Process, free_ports

ROOT = Path(__file__).parents[2]
SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(1000)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(1000)",
]


COUNTS = """
import threading
print("up", flush=True)

def count():
    while True:
        print(1, flush=True)

for _ in range(3):
    threading.Thread(target=count).start()
"""


def until(holds, timeout_s=20.0):
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.01)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def start(tmp_path):
    started = []

    def start_one(command):
        process = Process(command, log=tmp_path / "log")
        started.append(process)
        until(lambda: "up" in process.text())
        return process

    yield start_one
    for process in started:
        process.kill()


def test_a_signal_reaches_the_command_itself(start):
    process = start(SLEEPER)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL


def test_asked_to_end_it_ends(start):
    assert start(SLEEPER).terminate() == -signal.SIGTERM


def test_what_does_not_end_when_asked_is_killed_and_its_exit_code_tells(start):
    assert start(STUBBORN).terminate(grace_s=0.2) == -signal.SIGKILL


def test_ending_twice_is_as_good_as_once(start):
    process = start(SLEEPER)
    assert process.kill() == process.kill() == process.terminate() == -signal.SIGKILL


if sys.platform == "linux":  # elsewhere nobody tells

    def test_frozen_it_stands_still_at_once_and_woken_it_goes_on(start):
        process = start([sys.executable, "-c", COUNTS])
        for _ in range(20):
            process.freeze()
            assert process.frozen
            before = process.text()
            time.sleep(0.005)
            assert process.text() == before
            process.wake()
            until(lambda before=before: process.text() != before)


HAS_A_CHILD = [sys.executable, "-c", f"import subprocess, sys; subprocess.run({SLEEPER!r})"]


def test_killed_it_alone_is_gone_and_its_group_with_what_it_has_started(start):
    process = start(HAS_A_CHILD)
    assert process.kill() == -signal.SIGKILL
    assert process.group_runs()
    process.kill_group()
    until(lambda: not process.group_runs())
    process.kill_group()  # twice is as good as once


STARTS_ONE = """
import sys, time
from pathlib import Path
from tests.kafka import Process
sleeper = "import time; print('up', flush=True); time.sleep(1000)"
process = Process([sys.executable, "-c", sleeper], log=Path(sys.argv[1]))
while "up" not in process.text():
    time.sleep(0.01)
print(process.pid, flush=True)
if sys.argv[2] == "lives on":
    time.sleep(1000)
"""


def test_it_ends_with_a_test_process_that_stops_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STARTS_ONE, str(tmp_path / "log"), "ends"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    until(lambda: not is_running(int(done.stdout)))


if sys.platform == "linux":  # elsewhere the kernel does not do this

    def test_it_ends_with_a_test_process_that_is_killed(tmp_path):
        with subprocess.Popen(
            [sys.executable, "-c", STARTS_ONE, str(tmp_path / "log"), "lives on"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as starter:
            assert starter.stdout is not None
            pid = int(starter.stdout.readline())
            assert is_running(pid)
            starter.kill()
        until(lambda: not is_running(pid))


def test_free_ports_are_different_and_outside_of_those_given_to_outgoing_connections():
    ports = [*free_ports(50), *free_ports(50)]
    assert len(set(ports)) == 100, "nobody listens on the first ones yet"
    assert max(ports) < 32_768


ITS_PORTS = "from tests.kafka import free_ports; print(*free_ports(100))"


def test_processes_of_the_tests_find_none_of_each_others_ports():
    found = [
        subprocess.run(
            [sys.executable, "-c", ITS_PORTS],
            env={**os.environ, "PYTEST_XDIST_WORKER": f"gw{number}", "PYTEST_XDIST_WORKER_COUNT": "3"},
            capture_output=True,
            check=True,
            cwd=ROOT,
        ).stdout.split()
        for number in range(3)
    ]
    assert [{int(port) % 3 for port in ports} for ports in found] == [{20_000 % 3}, {20_001 % 3}, {20_002 % 3}]
