"""`chat2ga receipts` on a real broker: added up, listed, filtered."""

import asyncio
import json
import os
import pty
import subprocess
import time

import pytest

from schemas.receipt import encode_receipt
from streams.replay import instant_text
from streams.settings import Settings
from streams.worker.topics import ensure_topics
from tests.kafka import Written, free_ports, produce
from tests.schemas.receipts import receipt
from tests.streams.cli.command import COMMAND, chat2ga, environment, the_line

START_MS = time.time_ns() // 60_000_000_000 * 60_000 - 7_200_000  # the broker removes what is too old


def minute(number):
    return instant_text(round(START_MS + number * 60_000) * 1_000)


def numbered(number, outcome="delivered", **changes):
    """A receipt of the event of this number; of one that was sent it tells when."""
    sent = {"attempts": 1, "status": 204, "sent_micros": 2_000_000, "answered_micros": 2_040_000}
    of_outcome = sent if outcome in ("delivered", "refused") else {}
    return receipt(outcome, event_id=f"e{number}", **{**of_outcome, **changes})


RECEIPTS = [
    numbered(0),
    numbered(1, attempts=3),
    numbered(2, "refused", status=403, reason="status \x1b[31m403", tracker_id="G-B"),
    numbered(3, "plan", reason="its plan", account_id="free"),
    numbered(0, "repeated"),
]


@pytest.fixture
def settings(kafka, prefix):
    """One minute after the other, in two partitions."""
    given = {"broker": kafka.url, "topic_prefix": prefix, "partitions": 2}
    asyncio.run(ensure_topics(Settings(**given)))
    records = [
        Written(b"k", encode_receipt(each), number % 2, START_MS + number * 60_000)
        for number, each in enumerate(RECEIPTS)
    ]
    records.append(Written(b"k", b"no receipt", 1, START_MS + 300_000))
    asyncio.run(produce(kafka.bootstrap, f"{prefix}ga-receipts", records))
    return given


def told(done):
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


def test_in_a_pipe_they_are_added_up_in_one_object(settings):
    found = told(chat2ga("receipts", **settings))
    assert (found["receipts"], found["unreadable"]) == (5, 1)
    assert found["outcomes"] == {"delivered": 2, "plan": 1, "refused": 1, "repeated": 1}
    assert found["attempts"] == {"tried": 3, "more_than_once": 1, "most": 3}
    assert found["sent_to_answered_s"]["max"] == 0.04
    assert found["event_to_sent_s"]["p95"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "events"),
    [
        (["--account", "acme"], ["e0", "e1", "e2", "e0"]),
        (["--tracker", "G-B"], ["e2"]),
        (["--outcome", "delivered"], ["e0", "e1"]),
        (["--event", "e0"], ["e0", "e0"]),
        (["--event", "e0", "--outcome", "repeated"], ["e0"]),
        (["--account", "acme", "--since", minute(1)], ["e1", "e2", "e0"]),
        (["--account", "acme", "--until", minute(2)], ["e0", "e1"]),
        (["--account", "acme", "--since", minute(1), "--until", minute(2)], ["e1"]),
        (["--account", "acme", "--limit", "2"], ["e2", "e0"]),
        (["--account", "nobody"], []),
    ],
    ids=" ".join,
)
def test_lists_and_adds_up_those_that_were_asked_for(settings, arguments, events):
    done = chat2ga("receipts", "list", *arguments, **settings)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [json.loads(line)["event_id"] for line in done.stdout.splitlines()] == events
    if "--limit" not in arguments:
        assert told(chat2ga("receipts", *arguments, **settings))["receipts"] == len(events)


def test_without_a_limit_all_are_listed_and_what_is_no_receipt_says_so(settings):
    lines = [json.loads(line) for line in chat2ga("receipts", "list", "--limit", "0", **settings).stdout.splitlines()]
    assert len(lines) == 6
    assert [line["at"] for line in lines if line["outcome"] is None] == ["1:2"]


def test_a_terminal_gets_tables_and_json_if_it_wants(settings):
    text = on_a_terminal("receipts", **settings)
    assert [
        name for name in ("acme", "free", "G-B", "Chatbot_sent", "its plan", "event to sent") if name not in text
    ] == []
    assert "3 sent, 1 of them more than once, 3 times at most" in text
    assert "\x1b[31m403" not in text
    assert "e2" in on_a_terminal("receipts", "list", **settings)
    assert '"receipts": 5' in on_a_terminal("receipts", "--json", **settings)


def on_a_terminal(*arguments, **settings):
    ours, theirs = pty.openpty()
    env = {**environment(**settings), "COLUMNS": "200", "TERM": "xterm"}
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=env
    ) as it:
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # Linux says so where nobody writes any more
                break
            if not part:
                break
            text += part
        assert it.wait(60) == 0, text
    os.close(ours)
    return text.decode()


@pytest.mark.parametrize(
    "arguments",
    [["--outcome", "lost"], ["--since", "lately"], ["list", "--until", "soon"], ["--account", "acme", "list"]],
    ids=" ".join,
)
def test_what_is_asked_wrongly_is_told_before_the_broker_is(arguments):
    done = chat2ga("receipts", *arguments, broker=f"kafka://127.0.0.1:{free_ports(1)[0]}")
    assert done.returncode == 2
    assert the_line(done)


def test_without_a_broker_or_a_topic_one_line_says_what_to_do(kafka, prefix):
    done = chat2ga("receipts", broker=f"kafka://127.0.0.1:{free_ports(1)[0]}")
    assert (done.returncode, done.stdout) == (1, b"")
    assert "docker compose up -d kafka" in the_line(done)
    done = chat2ga("receipts", broker=kafka.url, topic_prefix=prefix)
    assert done.returncode == 1
    assert "CHAT2GA_TOPIC_PREFIX" in the_line(done)
