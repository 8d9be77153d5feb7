"""`chat2ga schema`: the contracts, as they are shipped."""

import json

import pytest

from streams.reference import contract_files
from tests.streams.cli.command import chat2ga, the_line


@pytest.mark.parametrize("topic", ["chat-interactions", "ga-events", "ga-receipts", "dead-letters"])
def test_a_topic_s_schema_is_shown(topic):
    done = chat2ga("schema", "show", topic)
    assert done.returncode == 0
    assert json.loads(done.stdout)["title"] == topic


@pytest.mark.parametrize("name", ["asyncapi", "asyncapi.yaml"])
def test_the_document_of_all_topics_is_shown(name):
    assert chat2ga("schema", "show", name).stdout == contract_files()["asyncapi.yaml"]


def test_an_unknown_schema_is_told_with_those_that_there_are():
    done = chat2ga("schema", "show", "events")
    assert done.returncode == 2
    assert "chat-interactions, dead-letters, ga-events, ga-receipts, asyncapi" in the_line(done)


def test_all_are_exported_into_a_directory_that_is_made(tmp_path):
    done = chat2ga("schema", "export", tmp_path / "a" / "b")
    assert done.returncode == 0
    written = {path.name: path.read_bytes() for path in (tmp_path / "a" / "b").iterdir()}
    assert written == dict(contract_files())
    assert len(done.stdout.splitlines()) == len(written)


def test_a_directory_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    done = chat2ga("schema", "export", tmp_path / "file" / "x")
    assert done.returncode == 1
    assert "nothing can be written there" in the_line(done)
