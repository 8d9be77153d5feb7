"""`chat2ga ingest`: it begins, or says in a line why not."""

import pytest

from tests.kafka import free_ports
from tests.streams.cli.command import chat2ga, the_line


def test_without_endpoints_it_says_how_to_name_them():
    done = chat2ga("ingest")
    assert done.returncode == 1
    assert "--endpoints or CHAT2GA_INGEST" in the_line(done)


@pytest.mark.parametrize("given", ["option", "setting"])
def test_all_that_is_wrong_with_the_endpoints_is_told_before_the_broker_is_asked(tmp_path, given):
    file = tmp_path / "endpoints.toml"
    file.write_text('[endpoints.a]\nformat = "b"\n[endpoints.c]\nformat = "interaction"\nsecret = "hunter2"\n')
    arguments = ["--endpoints", file] if given == "option" else []
    settings = {} if given == "option" else {"ingest": file}
    done = chat2ga("ingest", *arguments, broker=f"kafka://127.0.0.1:{free_ports(1)[0]}", **settings)
    assert done.returncode == 1
    line = the_line(done)
    assert f"{file}: endpoints.a.format: " in line
    assert f"{file}: endpoints.c.secret: " in line
    assert "hunter2" not in line


def test_check_looks_at_the_endpoints_too(tmp_path):
    file = tmp_path / "endpoints.toml"
    file.write_text('[endpoints.a]\nformat = "interaction"\nsecret = "env:NO_SUCH_SECRET"\n')
    broker = f"kafka://127.0.0.1:{free_ports(1)[0]}"
    done = chat2ga("check", broker=broker, ingest=file)
    faults = [line.split("\t")[1:] for line in done.stdout.decode().splitlines() if line.startswith("FAULT")]
    assert ["ingest", f"{file}: endpoints.a.secret: There is no secret at env:NO_SUCH_SECRET"] in faults
    file.write_text('[endpoints.a]\nformat = "interaction"\nopen = true\n')
    done = chat2ga("check", broker=broker, ingest=file)
    assert f"good\tingest\t{file}: a" in done.stdout.decode().splitlines()
