"""`chat2ga dead-letters` on a real broker: seen, understood, mended, put back, taken."""

import asyncio
import json
import time

import pytest

from schemas.dead_letter import DeadLetter, encode_dead_letter
from streams.replay import instant_text
from streams.settings import Settings
from streams.worker.topics import ensure_topics
from tests.kafka import Written, free_ports, produce, read_topic
from tests.streams.cli.command import chat2ga, the_line

ARRIVED_MS = 1_700_000_000_000
START_MS = time.time_ns() // 60_000_000_000 * 60_000 - 7_200_000  # two hours ago: the broker removes what is too old


def minute(number):
    """RFC 3339 of so many minutes after the start."""
    return instant_text(round(START_MS + number * 60_000) * 1_000)


def letter(number, **fields):
    whole = {
        "topic": "chat-interactions",
        "partition": 0,
        "offset": number,
        "timestamp_ms": ARRIVED_MS,
        "stage": "attribute",
        "field": "page",
        "code": "invalid",
        "reason": "Expected an \x1b[31mobject",
        "key": b"acme/s/s",
        "value": b'{"page": %d}' % number,
        "size": 11,
    }
    return DeadLetter(**{**whole, **fields})


@pytest.fixture
def run(kafka, prefix):
    """`chat2ga dead-letters`, with three dead letters of each of two kinds, the newest in partition 0."""
    settings = {"broker": kafka.url, "topic_prefix": prefix, "partitions": 2}
    asyncio.run(ensure_topics(Settings(**settings)))
    letters = [letter(n, topic=f"{prefix}chat-interactions", value=b'{"page": %d}' % n) for n in range(3)]
    strange = {"field": "$", "code": "not_json", "stage": "deliver", "value": b"\xff", "topic": f"{prefix}ga-events"}
    letters += [letter(n, **strange) for n in range(3, 6)]
    records = [
        Written(b"k", encode_dead_letter(each), 1 - n // 3, START_MS + n * 60_000) for n, each in enumerate(letters)
    ]
    asyncio.run(produce(kafka.bootstrap, f"{prefix}dead-letters", records))
    return lambda *arguments: chat2ga("dead-letters", *arguments, **settings)


def listed(done):
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line)["at"] for line in done.stdout.splitlines()]


def read(kafka, topic):
    return [(record.partition, record.key, record.value) for record in asyncio.run(read_topic(kafka.bootstrap, topic))]


ALL = ["1:0", "1:1", "1:2", "0:0", "0:1", "0:2"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], ALL, id="all, the newest last"),
        pytest.param(["--limit", "2"], ALL[-2:], id="the newest two"),
        pytest.param(["--limit", "0"], ALL, id="without a limit"),
        pytest.param(["--field", "page"], ALL[:3], id="by field"),
        pytest.param(["--code", "not_json"], ALL[3:], id="by code"),
        pytest.param(["--stage", "deliver", "--limit", "1"], ALL[-1:], id="by stage, the newest"),
        pytest.param(["--since", minute(3.5)], ALL[4:], id="since a moment"),
        pytest.param(["--since", "1h"], [], id="of the last hour"),
        pytest.param(["--field", "page", "--code", "not_json"], [], id="both must hold"),
    ],
)
def test_lists_those_that_were_asked_for(run, arguments, expected):
    assert listed(run("list", *arguments)) == expected


def test_a_line_says_where_it_lies_what_is_wrong_and_why(run):
    told = json.loads(run("list", "--field", "page", "--limit", "1").stdout)
    assert told["from"].endswith("chat-interactions[0]@2")
    assert (told["stage"], told["field"], told["code"]) == ("attribute", "page", "invalid")
    assert told["written"] == minute(2)


def test_shows_the_record_as_readable_as_it_can_be(run):
    done = run("show", "1:0")
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    assert (told["value"], told["key"], told["arrived"]) == ({"page": 0}, "acme/s/s", "2023-11-14T22:13:20.000Z")
    done = run("show", "0:0")
    assert json.loads(done.stdout)["value"] == {"base64": "/w=="}
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize("at", ["0:99", "7:0"])
def test_where_none_lies_that_is_told(run, at):
    done = run("show", at)
    assert done.returncode == 1
    assert f"no dead letter lies at {at}" in the_line(done)


@pytest.mark.parametrize(
    "arguments", [["show", "5"], ["list", "--since", "lately"], ["requeue"], ["requeue", "0:1", "--all"]]
)
def test_what_is_asked_wrongly_is_told_before_the_broker_is(arguments):
    done = chat2ga("dead-letters", *arguments, broker=f"kafka://127.0.0.1:{free_ports(1)[0]}")
    assert done.returncode == 2
    assert the_line(done)


@pytest.mark.parametrize("arguments", [["list"], ["show", "0:0"], ["requeue", "--all", "--yes"]])
def test_without_a_broker_one_line_says_what_to_type(arguments):
    broker = f"kafka://127.0.0.1:{free_ports(1)[0]}"
    done = chat2ga("dead-letters", *arguments, broker=broker)
    assert (done.returncode, done.stdout) == (1, b"")
    assert broker in the_line(done)
    assert "docker compose up -d kafka" in the_line(done)


def test_without_yes_nothing_is_written(run, kafka, prefix):
    done = run("requeue", "--all")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 6
    assert "6 would be requeued" in the_line(done)
    assert read(kafka, f"{prefix}chat-interactions") == read(kafka, f"{prefix}ga-events") == []


def test_with_yes_each_goes_back_to_its_topic_as_it_was(run, kafka, prefix):
    done = run("requeue", "--all", "--yes")
    assert done.returncode == 0
    assert "6 requeued, 0 cannot be" in the_line(done)
    assert read(kafka, f"{prefix}chat-interactions") == [(0, b"acme/s/s", b'{"page": %d}' % n) for n in range(3)]
    assert read(kafka, f"{prefix}ga-events") == [(0, b"acme/s/s", b"\xff")] * 3
    assert len(listed(run("list"))) == 6, "they stay where they are"


@pytest.mark.parametrize(
    ("arguments", "values"),
    [(["1:1"], [b'{"page": 1}']), (["1:2", "1:0"], [b'{"page": 2}', b'{"page": 0}']), (["--field", "page"], 3)],
)
def test_only_what_was_chosen_is_put_back(run, kafka, prefix, arguments, values):
    assert run("requeue", *arguments, "--yes").returncode == 0
    back = [value for _, _, value in read(kafka, f"{prefix}chat-interactions")]
    assert back == ([b'{"page": %d}' % n for n in range(3)] if values == 3 else values)
    assert read(kafka, f"{prefix}ga-events") == []


def test_one_that_was_cut_cannot_be_put_back_and_the_others_are(run, kafka, prefix):
    cut = letter(9, topic=f"{prefix}chat-interactions", truncated=True, size=5_000_000, offset=77)
    asyncio.run(produce(kafka.bootstrap, f"{prefix}dead-letters", [Written(b"k", encode_dead_letter(cut), 1)]))
    done = run("requeue", "--stage", "attribute", "--yes")
    assert done.returncode == 1
    said = done.stderr.decode().splitlines()
    assert "dead letter 1:3: only the head of its 5,000,000 bytes was kept" in said[0]
    assert "offset 77" in said[0]
    assert "3 requeued, 1 cannot be" in said[1]
    assert len(read(kafka, f"{prefix}chat-interactions")) == 3
