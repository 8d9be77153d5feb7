"""`chat2ga check --ga`: sample events through a validation server, as its users run it."""

import asyncio
from typing import get_args

import pytest

from schemas.ga_event import EventName, Tracker
from streams.cli.check_ga import sample_events
from streams.demo.collector import Collector, Misbehaviour
from tests.kafka import free_ports
from tests.streams.cli.command import chat2ga

SECRETS = {"ga_one": "hunter2-one", "ga_two": "hunter2-two"}
ACCOUNTS = """
[accounts.one]
api_secrets = { "G-ONE1" = "env:CHAT2GA_GA_ONE", "UA-1-1" = "env:CHAT2GA_GA_ONE", "G-GONE1" = "env:CHAT2GA_NONE" }
[accounts.two]
region = "eu"
api_secrets = { "G-TWO2" = "env:CHAT2GA_GA_TWO" }
"""


@pytest.fixture
def accounts(tmp_path):
    path = tmp_path / "accounts.toml"
    path.write_text(ACCOUNTS)
    return path


async def checked(endpoint, **settings):
    """What it says of GA; there is no broker here, which is another matter."""
    broker = f"kafka://127.0.0.1:{free_ports(1)[0]}"
    given = {"broker": broker, "ga_endpoint": endpoint, "ga_timeout_s": 5, "log_level": "debug", **SECRETS, **settings}
    done = await asyncio.to_thread(chat2ga, "check", "--ga", **given)
    assert done.returncode == 1  # for want of a broker at least
    assert done.stderr == b""
    for secret in SECRETS.values():
        assert secret.encode() not in done.stdout
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    return [(row[0], row[2]) for row in rows if len(row) == 3 and row[1] == "ga"]


def test_the_sample_is_one_of_each_event():
    assert [event.name for event in sample_events(0, Tracker("G-A", "1"))] == list(get_args(EventName))


async def test_each_tracker_with_a_secret_is_asked_about_and_nothing_is_sent(accounts):
    async with Collector(secrets={"G-ONE1": SECRETS["ga_one"], "G-TWO2": SECRETS["ga_two"]}) as there:
        found = await checked(there.url, accounts=accounts)
        assert there.summary()["events"] == 0
    assert found == [
        ("good", f"G-ONE1 (one): 17 sample events, nothing wrong with them, says {there.url}"),
        ("good", f"G-TWO2 (two): 17 sample events, nothing wrong with them, says {there.url}"),
    ]


async def test_without_any_secret_a_sample_tracker_stands_in():
    async with Collector() as there:
        (note, good) = await checked(there.url)
    assert note == ("note", "no account has an API secret here: a sample tracker stands in")
    assert good[0] == "good"


async def test_a_wrong_secret_is_a_fault_that_says_where_it_came_from(accounts):
    async with Collector(secrets={"G-ONE1": "another", "G-TWO2": SECRETS["ga_two"]}) as there:
        (wrong, good) = await checked(there.url, accounts=accounts)
    assert (wrong[0], good[0]) == ("FAULT", "good")
    assert wrong[1].startswith("G-ONE1 (one): api_secret: VALUE_INVALID: ")
    assert "Check the secret at env:CHAT2GA_GA_ONE" in wrong[1]


async def test_a_server_that_refuses_is_a_fault_for_that_tracker_alone(accounts):
    async with Collector() as there:
        there.misbehave(Misbehaviour(status=403))
        (wrong, good) = await checked(there.url, accounts=accounts)
    assert (wrong[0], good[0]) == ("FAULT", "good")
    assert "status 403. Check the API secret" in wrong[1]


async def test_a_server_that_is_not_there_is_told_once(accounts):
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    (wrong, skipped) = await checked(url, accounts=accounts)
    assert wrong[0] == "FAULT"
    assert f"{url}: the validation server was asked in vain: it cannot be reached" in wrong[1]
    assert skipped == ("note", "G-TWO2 (two): not asked, see above")


async def test_accounts_that_cannot_be_read_are_not_asked_about(tmp_path):
    (tmp_path / "bad.toml").write_text("[accounts.a]\nplan = 5\n")
    assert await checked("http://127.0.0.1:1", accounts=tmp_path / "bad.toml") == [
        ("note", "not asked: accounts.toml must be right first")
    ]
