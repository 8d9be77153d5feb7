"""`chat2ga check`: what would stop the worker, each fault in a line."""

import asyncio
import json

import pytest

from streams.settings import Settings
from streams.worker.topics import ensure_topics
from tests.kafka import free_ports
from tests.streams.cli.command import chat2ga, the_line


def checked(**settings):
    done = chat2ga("check", **settings)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    return done, {row[0]: row[1] for row in rows if len(row) == 2}, [row for row in rows if len(row) == 3]


@pytest.fixture
def no_broker():
    return f"kafka://127.0.0.1:{free_ports(1)[0]}"


def test_without_a_broker_the_rest_is_checked_all_the_same(tmp_path, no_broker):
    accounts = tmp_path / "accounts.toml"
    accounts.write_text('[accounts.a]\nplan = "gold"\nmeasurement = 5\n')
    done, _, rows = checked(broker=no_broker, accounts=accounts, rules=tmp_path / "none.toml")
    assert (done.returncode, done.stderr) == (1, b"")
    faults = [(what, says) for kind, what, says in rows if kind == "FAULT"]
    assert [what for what, _ in faults] == ["accounts", "accounts", "rules", "broker"]
    assert "accounts.a.plan" in faults[0][1]
    assert "none.toml: there is no such file" in faults[2][1]
    assert no_broker in faults[3][1]
    assert "docker compose up -d kafka" in faults[3][1]


def test_settings_are_shown_as_they_stand_and_secrets_are_not(tmp_path, no_broker):
    config = tmp_path / "chat2ga.toml"
    config.write_text('group = "of-the-file"\nmax_run = 7\n')
    done = chat2ga("check", "--config", config, broker=no_broker, broker_password="hunter2", max_run=8)
    shown = dict(line.split("\t") for line in done.stdout.decode().splitlines() if line.count("\t") == 1)
    assert shown["CHAT2GA_GROUP"] == "of-the-file"
    assert shown["CHAT2GA_MAX_RUN"] == "8", "the environment wins"
    assert shown["CHAT2GA_BROKER_PASSWORD"] == "*" * 10
    assert b"hunter2" not in done.stdout + done.stderr


def test_settings_that_cannot_be_used_are_told_all_at_once(no_broker):
    done = chat2ga("check", broker="localhost", max_run="many")
    assert done.returncode == 1
    assert "CHAT2GA_BROKER: " in the_line(done)
    assert "CHAT2GA_MAX_RUN: " in the_line(done)


def test_more_processes_than_requests_in_flight_are_a_note_for_where_it_delivers(no_broker):
    _, _, rows = checked(broker=no_broker, processes=3, ga_in_flight=2)
    assert [says for kind, what, says in rows if (kind, what) == ("note", "processes")] == [
        "3 cannot share CHAT2GA_GA_IN_FLIGHT=2: where `deliver` runs the worker would not start"
    ]
    _, _, rows = checked(broker=no_broker, processes=2, ga_in_flight=2)
    assert [what for _, what, _ in rows if what == "processes"] == []


def test_a_secret_that_is_not_here_is_a_note_that_does_not_show_any(tmp_path, no_broker):
    accounts = tmp_path / "accounts.toml"
    secrets = {"G-AAA1": "env:NO_SUCH_SECRET", "G-BBB2": "env:CHAT2GA_TEST_SECRET"}
    table = "\n".join(f"{json.dumps(tracker)} = {json.dumps(source)}" for tracker, source in secrets.items())
    accounts.write_text(f"[accounts.a.api_secrets]\n{table}\n")
    done = chat2ga("check", broker=no_broker, accounts=accounts, test_secret="hunter2")
    notes = [line for line in done.stdout.decode().splitlines() if line.startswith("note")]
    assert len(notes) == 1
    assert "G-AAA1: there is no secret at env:NO_SUCH_SECRET" in notes[0]
    assert b"hunter2" not in done.stdout


def test_everything_good_is_success(kafka, prefix):
    settings = {"broker": kafka.url, "topic_prefix": prefix, "group": "g"}
    asyncio.run(ensure_topics(Settings(**settings)))
    done, _, rows = checked(**settings)
    assert done.returncode == 0
    assert {kind for kind, _, _ in rows} == {"good"}
    assert [what for _, what, _ in rows if what.startswith(prefix)] == [
        f"{prefix}{name}"
        for name in (
            "chat-interactions",
            "ga-events",
            "ga-receipts",
            "dead-letters",
            "g-sessions-changelog",
            "g-ledger-changelog",
        )
    ]


def test_topics_that_nobody_may_create_are_faults_and_that_is_no_success(kafka, prefix):
    done, _, rows = checked(broker=kafka.url, topic_prefix=prefix, topics_create="false")
    assert done.returncode == 1
    assert len([row for row in rows if row[0] == "FAULT"]) == 6
