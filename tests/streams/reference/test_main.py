"""`python -m streams.reference`: writes what is generated, and finds what is out of date."""

import sys

import pytest

from streams.reference import __main__ as command
from tests.schemas.golden import ROOT


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A project of which only what examples are made from is there."""
    source = "schemas/examples/chat-interactions"
    (tmp_path / source).mkdir(parents=True)
    for file in (ROOT / source).iterdir():
        (tmp_path / source / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(command, "ROOT", tmp_path)
    return tmp_path


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["reference", *arguments])
    return command.main()


def test_it_writes_what_the_project_has(copied, monkeypatch, capsys):
    assert run(monkeypatch) == 0
    files = command.generated()
    assert sorted(capsys.readouterr().out.split()) == sorted(files)
    for name in files:
        assert (copied / name).read_bytes() == (ROOT / name).read_bytes()


def test_what_was_written_is_up_to_date_and_is_not_written_again(copied, monkeypatch, capsys):
    run(monkeypatch)
    capsys.readouterr()
    assert run(monkeypatch, "--check") == 0
    assert run(monkeypatch) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        "schemas/generated/asyncapi.yaml",
        "schemas/generated/ga-events.schema.json",
        "schemas/examples/ga-events/valid-chatbot-sent.json",
        "docs/reference/topics.md",
    ],
)
def test_a_change_by_hand_or_a_missing_file_is_found_and_mended(name, copied, monkeypatch, capsys):
    run(monkeypatch)
    path = copied / name
    good = path.read_bytes()
    for break_it in (lambda: path.write_bytes(good + b" "), path.unlink):
        break_it()
        capsys.readouterr()
        assert run(monkeypatch, "--check") == 1
        assert capsys.readouterr().err == f"{name}: not what the code says; run `python -m streams.reference`\n"
        assert run(monkeypatch) == 0
        assert path.read_bytes() == good


def test_a_file_that_nothing_generates_any_more_is_found_and_removed(copied, monkeypatch, capsys):
    run(monkeypatch)
    left = [
        copied / "schemas/generated/chat-sessions.schema.json",
        copied / "schemas/examples/ga-events/valid-chatbot-closed.json",
    ]
    kept = [copied / "schemas/examples/ga-events/invalid-name.json", copied / "docs/reference/by-hand.md"]
    for path in left + kept:
        path.write_text("{}")
    assert run(monkeypatch, "--check") == 1
    run(monkeypatch)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)
