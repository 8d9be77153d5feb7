"""The worker as a process: ready, asked, stopped, killed, and a start that fails."""

import signal

import pytest

from tests.kafka import WorkerProcess


async def test_it_gets_ready_answers_and_stops_cleanly(kafka, prefix, tmp_path):
    async with WorkerProcess(kafka.url, tmp_path, topic_prefix=prefix, group=prefix.strip("-")) as worker:
        assert '"ready"' in await worker.get("/readyz")
        assert "# TYPE" in await worker.get("/metrics")
        assert worker.terminate() == 0
    assert "Traceback" not in worker.process.text()


async def test_killed_it_is_gone_and_another_goes_on_in_its_directory(kafka, prefix, tmp_path):
    given = {"only": "attribute", "topic_prefix": prefix, "group": prefix.strip("-")}
    async with WorkerProcess(kafka.url, tmp_path, **given) as first:
        assert first.kill() == -signal.SIGKILL
    async with WorkerProcess(kafka.url, tmp_path, **given) as second:
        assert second.terminate() == 0


async def test_a_start_that_fails_is_told_in_its_own_words(kafka, tmp_path):
    with pytest.raises(RuntimeError, match="CHAT2GA_PARTITIONS"):
        await WorkerProcess(kafka.url, tmp_path, partitions="many").start().ready()
