"""The demo, whole: real broker, real worker, real HTTP. What it started has ended, however it ends."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from streams.demo import run, stage
from tests.streams.demo.processes import descendants, eventually, is_alive

DEMO = (sys.executable, "-m", "streams.cli", "demo", "--sessions", "40")


def test_the_demo_shows_what_it_should_and_says_so(capfd):
    before = set(descendants(os.getpid()))  # a broker of other tests, perhaps
    assert run.run_demo(seed=3, sessions=120) == 0
    out = capfd.readouterr().out
    assert len(re.findall(r"^ ok  ", out, re.MULTILINE)) == 8
    assert "NOT OK" not in out
    assert re.search(r"violations of Google's rules\s+0\s", out)
    assert re.search(r"\$\s+too_large\s+1\s", out)
    assert "is credited to" in out
    assert set(descendants(os.getpid())) <= before


def test_one_visit_alone_is_enough(capfd):
    assert run.run_demo(seed=3, sessions=1) == 0
    assert "NOT OK" not in capfd.readouterr().out


def test_a_worker_that_fails_is_shown_with_its_log(monkeypatch, capfd):
    failing = (sys.executable, "-c", "raise SystemExit('no such setting')")
    monkeypatch.setattr(stage, "WORKER", failing)
    assert run.run_demo(seed=3, sessions=5) == 1
    assert "the worker ended with exit code 1. Its log ends:\nno such setting" in capfd.readouterr().out


# A worker that takes the records, commits them and writes nothing: all that is wrong is what comes out.
IDLE = """
import asyncio, os
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

async def commit(group, topic):
    server = os.environ["CHAT2GA_BROKER"].removeprefix("kafka://")
    consumer = AIOKafkaConsumer(bootstrap_servers=server, group_id=group, auto_offset_reset="earliest",
                                enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)])
    while True:
        for at, records in (await consumer.getmany(timeout_ms=100)).items():
            await consumer.commit({at: OffsetAndMetadata(records[-1].offset + 1, "")})

async def main():
    app = web.Application()
    app.add_routes([web.get("/{any:.*}", lambda request: web.Response(text=""))])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["CHAT2GA_HTTP_PORT"])).start()
    await asyncio.gather(commit("chat2ga", "chat-interactions"), commit("chat2ga-deliver", "ga-events"))

asyncio.run(main())
"""


def test_a_worker_that_loses_what_it_takes_is_found_out(monkeypatch, capfd):
    monkeypatch.setattr(stage, "WORKER", (sys.executable, "-c", IDLE))
    assert run.run_demo(seed=3, sessions=40) == 1
    out = capfd.readouterr().out
    assert re.search(r"ok\s+records taken, of those sent", out)
    for what in ("events to the byte those of a replay", "duplicates removed", "dead letters", "receipts", "collector"):
        assert re.search(rf"NOT OK\s+[^\n]*{what}", out), what
    assert "the demo has not shown what it should. The worker's log ends:" in out


STUCK = IDLE.replace("await asyncio.gather(", "await asyncio.sleep(600); (")


def test_a_worker_that_runs_and_does_nothing_is_given_up(monkeypatch, capfd):
    monkeypatch.setattr(stage, "WORKER", (sys.executable, "-c", STUCK))
    monkeypatch.setattr(run, "PATIENCE_S", 1.0)
    assert run.run_demo(seed=3, sessions=5) == 1
    assert "nothing has moved for 1 s: 0 records attributed, 0 events delivered" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_nothing_outlives_it_however_it_is_ended(tmp_path, sent, code):
    log = tmp_path / "log"
    with log.open("wb") as out:
        demo = subprocess.Popen([*DEMO, "--serve"], stdout=out, stderr=subprocess.STDOUT)
    try:
        # Broker and worker, each on its leash.
        pids = eventually(lambda: started if len(started := descendants(demo.pid)) >= 4 else None)
        demo.send_signal(sent)
        assert demo.wait(60) == code
    finally:
        demo.kill()
        demo.wait()
    eventually(lambda: not any(map(is_alive, pids)))


DEAF = """
import asyncio, os, signal, sys
from aiokafka import AIOKafkaProducer

start = AIOKafkaProducer.start

async def deaf(self):
    os.kill(os.getpid(), signal.SIGINT)
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        pass
    await start(self)

AIOKafkaProducer.start = deaf
from streams.demo import run_demo
sys.exit(run_demo(sessions=40, serve=True))
"""


def test_an_interruption_that_a_library_loses_ends_it_all_the_same():
    done = subprocess.run([sys.executable, "-c", DEAF], capture_output=True, timeout=60, check=False)
    assert done.returncode == 130, done.stderr
    assert b"interrupted: everything that was started has ended" in done.stdout + done.stderr


def test_served_it_stays_up_with_traffic_until_it_is_told(tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as out:
        demo = subprocess.Popen([*DEMO, "--serve"], stdout=out, stderr=subprocess.STDOUT)
    try:
        urls = r"health +(\S+)\n +metrics +(\S+)\n +collector +(\S+)\n"
        served = eventually(lambda: re.search(urls, log.read_text()), within_s=90)
        health, metrics, collector = served.groups()
        assert b"ready" in read(health)
        before = read(collector)
        eventually(lambda: read(collector) != before)  # slow traffic goes on
        assert b"chat2ga_records_total" in read(metrics)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    finally:
        demo.kill()
        demo.wait()
    assert log.read_text().endswith("stopping\n")


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body
