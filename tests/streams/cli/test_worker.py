"""`chat2ga worker`: it begins, or says in a line why not."""

import pytest

from tests.kafka import WorkerProcess, free_ports
from tests.streams.cli.command import chat2ga, the_line


def test_without_a_broker_the_last_line_says_what_was_tried_and_what_to_type():
    broker = f"kafka://127.0.0.1:{free_ports(1)[0]}"
    done = chat2ga("worker", broker=broker, log_level="error")
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert broker in last
    assert "docker compose up -d kafka" in last
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("only", ["attribute", "deliver"])
def test_a_bad_accounts_file_is_told_before_anything_else(tmp_path, only):
    (tmp_path / "accounts.toml").write_text("[accounts.a]\nplan = 1\nnaming = 2\n")
    done = chat2ga("worker", "--only", only, accounts=tmp_path / "accounts.toml")
    assert done.returncode == 1
    assert "accounts.a.plan" in the_line(done)
    assert "accounts.a.naming" in the_line(done)


def test_exactly_once_without_idempotence_is_refused_because_such_a_broker_has_no_transactions():
    done = chat2ga("worker", processing_guarantee="exactly_once", idempotence="false")
    assert done.returncode == 1
    assert "CHAT2GA_IDEMPOTENCE=true" in the_line(done)


@pytest.mark.parametrize("only", ["attribute", "deliver", None])
async def test_it_works_until_it_is_told_to_stop_and_that_is_success(kafka, prefix, tmp_path, only):
    async with WorkerProcess(kafka.url, tmp_path, only=only, topic_prefix=prefix, partitions=1) as worker:
        assert worker.terminate() == 0, worker.tail()
