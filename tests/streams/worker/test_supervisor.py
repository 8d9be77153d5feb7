"""One worker as several processes on a real Kafka: one port, one stop, and no process that goes on alone."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
import urllib.error
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from streams.settings import BadSettings, load_settings
from streams.worker.supervisor import check_shares, share
from tests.guarantees import expected, judge, records_of
from tests.kafka import Process, WorkerProcess, free_ports, produce
from tests.streams.cli.command import chat2ga, the_line
from tests.streams.worker.group import Group, fill, the_input

ROOT = Path(__file__).parents[3]


@pytest.fixture
def group(kafka, prefix, tmp_path):
    workers = Group(kafka, prefix, tmp_path, processes=2)
    yield workers
    for worker in workers.workers.values():
        worker.end()


@pytest.fixture
def worker(kafka, prefix, tmp_path):
    """One worker of two processes, both agents in each."""
    settings = {"topic_prefix": prefix, "group": "g", "partitions": 4, "store": "rocksdb", "session_timeout_s": 6}
    one = WorkerProcess(kafka.url, tmp_path, processes=2, heartbeat_s=1, **settings)
    yield one
    one.end()


async def asked(worker, path):
    """Status and body."""
    try:
        return 200, await worker.get(path)
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


async def all_gone(process, within_s):
    """Whether nothing of it runs any more, after so long at the latest."""
    end = time.monotonic() + within_s
    while process.group_runs():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


def lines(worker):
    """All that it has logged."""
    return [json.loads(line) for line in worker.process.text().splitlines()]


def stopped(worker):
    """How often each of its processes has said that it stopped in order."""
    return Counter(line["process"] for line in lines(worker) if line["message"] == "stopped")


async def until_started(worker):
    end = time.monotonic() + 30
    while len(worker.pids()) < 2:
        assert time.monotonic() < end, worker.process.tail()
        await asyncio.sleep(0.01)


# -- one worker -----------------------------------------------------------------------


async def test_all_processes_answer_on_one_port(worker):
    await worker.start().ready()
    status, states = await asked(worker, "/readyz")
    parts = [f"process {number} {part}" for number in (0, 1) for part in ("attribute", "deliver")]
    assert (status, json.loads(states)) == (200, dict.fromkeys(parts, "ready"))
    assert (await asked(worker, "/healthz"))[0] == 200
    assert "process 1 deliver: ready" in await worker.get("/")


async def test_the_metrics_of_all_processes_are_one_exposition(kafka, prefix, group):
    await fill(kafka, prefix, records_of(seed=20, n=400))
    worker = group.start(0)
    await group.done()
    end = time.monotonic() + 60
    while partitions_of(text := await worker.get("/metrics")) != {"0": 2, "1": 2}:  # the second may join late
        assert time.monotonic() < end, text
        await asyncio.sleep(0.2)
    families = list(text_string_to_metric_families(text))
    assert text.count("# TYPE chat2ga_records_total ") == 1
    assert len({family.name for family in families}) == len(families)
    samples = [sample for family in families for sample in family.samples]
    assert len({(sample.name, *sorted(sample.labels.items())) for sample in samples}) == len(samples)
    assert {sample.labels["process"] for sample in samples} == {"0", "1"}
    ours = [sample.labels["partition"] for sample in samples if sample.name == "chat2ga_committed_offset"]
    assert sorted(ours) == ["0", "1", "2", "3"], "each is one process's"


def processes_of(text):
    return {sample.labels["process"] for family in text_string_to_metric_families(text) for sample in family.samples}


def partitions_of(text):
    """By process, how many partitions it has."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return Counter(sample.labels["process"] for sample in samples if sample.name == "chat2ga_committed_offset")


async def test_told_to_stop_all_of_it_ends_well_in_ten_seconds(worker):
    await worker.start().ready()
    began = time.monotonic()
    assert worker.terminate() == 0, worker.process.tail()
    assert time.monotonic() - began < 10
    assert await all_gone(worker.process, 1)
    assert {line["process"] for line in lines(worker)} == {"supervisor", "0", "1"}
    assert stopped(worker) == {"supervisor": 1, "0": 1, "1": 1}


async def test_told_to_stop_before_it_is_up_it_ends_well_too(worker):
    worker.start()
    await until_started(worker)
    os.killpg(worker.process.pid, signal.SIGINT)  # both are still importing
    assert worker.process.wait(10) == 0, worker.process.tail()
    assert await all_gone(worker.process, 1)


async def test_no_secret_stands_on_a_command_line(kafka, prefix, tmp_path):
    settings = {"topic_prefix": prefix, "group": "g", "processes": 2, "broker_password": "s3cret-pass"}
    worker = WorkerProcess(kafka.url, tmp_path, only="attribute", **settings)
    try:
        await worker.start().ready()
        for pid in worker.pids():
            told = await asyncio.create_subprocess_exec(
                "ps", "-ww", "-o", "args=", "-p", str(pid), stdout=asyncio.subprocess.PIPE
            )
            line, _ = await told.communicate()
            assert b"multiprocessing" in line
            assert b"s3cret-pass" not in line
        assert worker.terminate() == 0
    finally:
        worker.end()


async def test_each_process_has_a_local_store_of_its_own(kafka, prefix, group):
    await group.start(0).ready()  # both: one that is there first could do all the work
    await produce(kafka.bootstrap, f"{prefix}chat-interactions", records_of(seed=21, n=300))
    await group.done()
    assert group.stop() == {0: 0}
    stores = [path.parent.relative_to(group.directory) for path in group.directory.rglob("CURRENT")]
    assert {path.parts[:3] for path in stores} == {("0", "state", "process-0"), ("0", "state", "process-1")}
    assert {path.name for path in stores} == {"0", "1", "2", "3"}


async def test_more_processes_than_partitions_are_told_of_and_ready_all_the_same(kafka, prefix, tmp_path):
    settings = {"topic_prefix": prefix, "group": "g", "processes": 3, "partitions": 2, "heartbeat_s": 1}
    worker = WorkerProcess(kafka.url, tmp_path, only="attribute", **settings)
    try:
        await worker.start().ready()
        assert "3 processes for 2 partitions: some have nothing to do" in worker.process.text()
        assert worker.terminate() == 0
    finally:
        worker.end()


# -- what may happen to it ------------------------------------------------------------


async def test_killed_three_times_under_load_no_process_goes_on_and_nothing_is_lost(kafka, prefix, group):
    total = await fill(kafka, prefix, records_of(seed=22, n=12_000))
    for kill in range(3):
        worker = group.start(0)
        await group.progressed((kill + 1) * total // 5)
        pids = worker.pids()
        assert worker.kill() == -signal.SIGKILL
        assert await all_gone(worker.process, 10), f"an orphan of {pids} goes on"
        assert stopped(worker) == {"0": kill + 1, "1": kill + 1}, "in order, not by a second kill"
    group.start(0)
    await group.done()
    assert group.stop() == {0: 0}
    verdict = await judge(kafka.bootstrap, prefix, "g", expected(await the_input(kafka, prefix)))
    assert verdict.faults == {}


async def test_with_one_of_its_processes_killed_the_worker_stops_says_which_and_nothing_is_lost(kafka, prefix, group):
    total = await fill(kafka, prefix, records_of(seed=23, n=6_000))
    worker = group.start(0)
    await group.progressed(total // 4)
    pid = worker.pids()[1]
    os.kill(pid, signal.SIGKILL)
    assert await asyncio.to_thread(worker.process.wait, 15) == 1
    (line,) = [line for line in worker.process.text().splitlines() if "ended by itself" in line]
    assert f"process 1 (pid {pid}) ended by itself: exit code -9 (SIGKILL)" in line
    assert await all_gone(worker.process, 1)
    group.start(0)
    await group.done()
    assert group.stop() == {0: 0}
    verdict = await judge(kafka.bootstrap, prefix, "g", expected(await the_input(kafka, prefix)))
    assert verdict.faults == {}


async def test_ctrl_c_under_load_reaches_all_and_nothing_is_done_twice(kafka, prefix, group):
    total = await fill(kafka, prefix, records_of(seed=24, n=8_000))
    worker = group.start(0)
    await group.progressed(total // 4)
    began = time.monotonic()
    os.killpg(worker.process.pid, signal.SIGINT)
    assert await asyncio.to_thread(worker.process.wait, 15) == 0, worker.process.tail()
    assert time.monotonic() - began < 10
    group.start(0)
    await group.done()
    assert group.stop() == {0: 0}
    verdict = await judge(kafka.bootstrap, prefix, "g", expected(await the_input(kafka, prefix)))
    assert (verdict.faults, verdict.repeats) == ({}, 0)


async def test_a_process_that_does_not_answer_is_named_and_the_others_metrics_still_come(worker):
    await worker.start().ready()
    hanging = worker.pids()[0]
    os.kill(hanging, signal.SIGSTOP)
    try:
        end = time.monotonic() + 60  # on a busy machine the other one may be late, too: then it is asked again
        while True:
            status, states = await asked(worker, "/readyz")
            assert status == 503
            if json.loads(states).keys() == {"process 0", "process 1 attribute", "process 1 deliver"}:
                break
            assert time.monotonic() < end, states
        assert json.loads(states)["process 0"] == "silent"
        assert json.loads(states)["process 1 attribute"] in ("ready", "starting")  # a rebalance may have begun
        assert (await asked(worker, "/healthz"))[0] == 503
        while not (found := processes_of(await worker.get("/metrics"))):
            assert time.monotonic() < end
        assert found == {"1"}
    finally:
        os.kill(hanging, signal.SIGCONT)
    await worker.ready()


async def test_a_process_that_hangs_for_good_is_killed_and_the_worker_does_not_call_that_success(worker):
    await worker.start().ready()
    os.kill(worker.pids()[0], signal.SIGSTOP)
    began = time.monotonic()
    os.kill(worker.process.pid, signal.SIGTERM)
    assert await asyncio.to_thread(worker.process.wait, 15) == 1
    assert time.monotonic() - began < 10.5
    assert "process 0" in worker.process.text()
    assert "it is killed" in worker.process.text()
    assert await all_gone(worker.process, 1)


async def test_a_process_that_hangs_does_not_outlive_a_supervisor_that_was_killed(tmp_path):
    command = [sys.executable, "-m", "tests.streams.worker.hanging"]
    supervisor = Process(command, log=tmp_path / "log", env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        end = time.monotonic() + 30
        while supervisor.text().count("hangs") < 2:
            assert time.monotonic() < end, supervisor.tail()
            await asyncio.sleep(0.05)
        supervisor.kill()
        assert supervisor.group_runs(), "they hang"
        assert await all_gone(supervisor, 12)
    finally:
        supervisor.kill_group()


# -- what each process has -------------------------------------------------------------


@given(st.integers(1, 256), st.data())
def test_the_requests_in_flight_of_all_processes_are_those_of_the_worker(processes, data):
    in_flight = data.draw(st.integers(processes, 1_000))
    settings = load_settings(processes=processes, ga_in_flight=in_flight)
    shares = [share(settings, number).ga_in_flight for number in range(processes)]
    assert sum(shares) == in_flight
    assert shares == sorted(shares, reverse=True), "what is left over goes to the first ones"
    assert 1 <= shares[-1] >= shares[0] - 1


def test_all_else_is_as_the_worker_has_it_but_for_the_directory():
    settings = load_settings(processes=3, ga_in_flight=8, state_dir="state", broker_password="s3cret", group="g")
    own = share(settings, 2)
    assert own.state_dir == Path("state/process-2")
    assert own.model_copy(update={"state_dir": settings.state_dir, "ga_in_flight": 8}) == settings


def test_a_worker_that_delivers_nothing_needs_no_requests_in_flight():
    settings = load_settings(processes=3, ga_in_flight=2)
    check_shares(settings, delivers=False)
    with pytest.raises(BadSettings, match="Raise that, or run fewer processes"):
        check_shares(settings, delivers=True)


# -- what is told before any of them is started ---------------------------------------


def test_a_bad_accounts_file_is_told_once_and_nothing_is_started(tmp_path):
    (tmp_path / "accounts.toml").write_text("[accounts.a]\nplan = 1\nnaming = 2\n")
    done = chat2ga("worker", accounts=tmp_path / "accounts.toml", processes=2)
    assert done.returncode == 1
    assert "accounts.a.plan" in the_line(done)


def test_a_broker_that_is_not_there_is_told_once_and_nothing_is_started():
    broker = f"kafka://127.0.0.1:{free_ports(1)[0]}"
    done = chat2ga("worker", broker=broker, processes=2)
    assert done.returncode == 1
    assert broker in the_line(done)


async def test_a_port_that_is_taken_is_told_once_and_nothing_is_started(kafka, prefix, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = {"http_port": other.getsockname()[1], "topic_prefix": prefix, "log_level": "warning", "processes": 2}
        done = await asyncio.to_thread(chat2ga, "worker", broker=kafka.url, state_dir=tmp_path, **taken)
    assert done.returncode == 1
    assert "CHAT2GA_HTTP_PORT" in the_line(done)
    assert list(tmp_path.iterdir()) == []


def test_more_processes_than_requests_in_flight_are_refused_where_they_deliver():
    done = chat2ga("worker", processes=3, ga_in_flight=2)
    assert done.returncode == 1
    assert "CHAT2GA_PROCESSES: 3 processes cannot share CHAT2GA_GA_IN_FLIGHT=2" in the_line(done)


@pytest.mark.parametrize("processes", [0, -1, 257, "many"])
def test_a_number_of_processes_that_cannot_be_is_told_by_name(processes):
    done = chat2ga("worker", processes=processes)
    assert done.returncode == 1
    assert "CHAT2GA_PROCESSES" in the_line(done)
