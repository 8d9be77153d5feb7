"""`chat2ga compare`: a table for people, lines and one object for programs, and an exit code that says whether."""

import asyncio
import json
import os
import pty
import subprocess

import pytest

from tests.kafka import Written, create_topics, produce
from tests.streams.attribution.builders import BOT, joined, opened, sent
from tests.streams.cli.command import COMMAND, chat2ga, environment, the_line

START_MS = 1_700_000_000_000
RECORDS = [
    sent({**BOT, "name": "Hello \x1b[31m✓"}),
    opened("widget"),
    joined(),
    sent(account_id="beta"),
    opened("widget", account_id="beta"),
]


@pytest.fixture
def files(tmp_path):
    """A history, rules A and B, and accounts."""
    whole = [
        {"account_id": "acme", "session_id": "s", "timestamp": START_MS + 1_000 * number, **record}
        for number, record in enumerate(RECORDS)
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in whole) + "{\n")
    (tmp_path / "a.toml").write_text("")
    (tmp_path / "b.toml").write_text("widget_open_counts = true\n")
    (tmp_path / "to.toml").write_text('[defaults]\napi_tracker = "G-A"\n')
    return tmp_path


def compared(files, *arguments, a="a.toml", b="b.toml"):
    return chat2ga("compare", "in.jsonl", "--rules", a, "--rules", b, *arguments, cwd=files)


def test_a_pipe_gets_lines_with_tabs_and_the_counts_of_both_on_stderr(files):
    done = compared(files)
    assert done.returncode == 3
    assert done.stdout.decode().splitlines() == [
        "gained\tChatbot_viewed\tchatbot bot (Hello \\x1b[31m✓)\tacme\t1\tacme/s/s",
        "gained\tChatbot_viewed\tchatbot bot (Bot)\tbeta\t1\tbeta/s/s",
    ]
    counts = dict(line.strip().split("\t", 1) for line in done.stderr.decode().splitlines())
    assert counts["events"] == "3\t5"
    assert counts["the same"] == "3\t3"
    assert counts["gained"] == "0\t2"
    assert counts["records read"] == "6\t6"
    assert counts["dead letters of both"] == "1\t1"


def test_nothing_that_differs_is_exit_code_0_and_no_row(files):
    done = compared(files, b="a.toml")
    assert (done.returncode, done.stdout) == (0, b"")
    swapped = compared(files, a="b.toml", b="a.toml")
    assert swapped.returncode == 3
    assert {line.split("\t")[0] for line in swapped.stdout.decode().splitlines()} == {"lost"}


def test_json_is_one_object_with_all_of_it(files):
    done = compared(files, "--json")
    assert (done.returncode, done.stderr) == (3, b"")
    told = json.loads(done.stdout)
    assert (told["records"], told["a"]["events"], told["b"]["events"], told["same"]) == (6, 3, 5, 3)
    assert told["dead_letters"] == 1
    assert told["a"]["rules_version"] == "1" != told["b"]["rules_version"]
    assert told["differences"]["gained"] == 2
    assert told["rows"][0]["automation"] == {"kind": "chatbot", "id": "bot", "name": "Hello \x1b[31m✓"}
    assert told["rows"][0]["sessions"] == ["acme/s/s"]


def test_the_differences_go_to_a_file_or_to_standard_output(files):
    assert compared(files, "--to", "out.jsonl").returncode == 3
    lines = (files / "out.jsonl").read_bytes()
    first = json.loads(lines.splitlines()[0])
    assert (first["kind"], first["session"], first["a"], first["b"]["name"]) == (
        "gained",
        "acme/s/s",
        None,
        "Chatbot_viewed",
    )
    done = compared(files, "--to", "-")
    assert done.stdout == lines
    assert done.stderr.startswith(b"gained\tChatbot_viewed")


def test_accounts_are_those_of_both_or_one_each_or_those_of_the_settings(files):
    (files / "none.toml").write_text("")
    same = ("--rules", "a.toml", "--rules", "a.toml")
    assert chat2ga("compare", "in.jsonl", *same, "--accounts", "to.toml", cwd=files).returncode == 0
    done = chat2ga("compare", "in.jsonl", *same, "--accounts", "none.toml", "--accounts", "to.toml", cwd=files)
    assert done.returncode == 3
    assert {line.split("\t")[0] for line in done.stdout.decode().splitlines()} == {"changed"}
    assert "trackers\t3\t3" in done.stderr.decode()
    told = chat2ga("compare", "in.jsonl", *same, "--json", "--to", "out.jsonl", cwd=files, accounts="to.toml")
    assert told.returncode == 0, told.stderr


def test_two_files_of_events_are_compared_alike(files):
    for name in ("a", "b"):
        assert (
            chat2ga("replay", "in.jsonl", "--rules", f"{name}.toml", "--to", f"{name}.jsonl", cwd=files).returncode == 0
        )
    done = chat2ga("compare", "--events", "a.jsonl", "b.jsonl", cwd=files)
    assert done.returncode == 3
    assert [line.split("\t")[:5] for line in done.stdout.decode().splitlines()] == [
        line.split("\t")[:5] for line in compared(files).stdout.decode().splitlines()
    ]
    assert chat2ga("compare", "--events", "a.jsonl", "a.jsonl", cwd=files).returncode == 0
    assert "none: there is no such file" in the_line(chat2ga("compare", "--events", "a.jsonl", "none", cwd=files))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["in.jsonl"], "--rules was given 0 times; expected two", id="no rules"),
        pytest.param(["in.jsonl", "--rules", "a.toml"], "given 1 times", id="one"),
        pytest.param(["in.jsonl", *["--rules", "a.toml"] * 3], "given 3 times", id="three"),
        pytest.param([*["--rules", "a.toml"] * 2], "Missing argument 'INPUT...'", id="no input"),
        pytest.param(
            ["in.jsonl", *["--rules", "a.toml"] * 2, *["--accounts", "to.toml"] * 3],
            "--accounts was given 3 times",
            id="accounts",
        ),
        pytest.param(["in.jsonl", "--json", "--to", "-"], "both want standard output", id="both to stdout"),
        pytest.param(["in.jsonl", "--events", "a", "b"], "have no place beside it", id="events and a history"),
        pytest.param(
            ["in.jsonl", *["--rules", "a.toml"] * 2, "--to", "x.parquet"], "--to 'x.parquet': not supported", id="to"
        ),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_line(files, arguments, says):
    done = chat2ga("compare", *arguments, cwd=files)
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in the_line(done)


def test_what_cannot_be_read_is_no_difference(files):
    done = compared(files, b="none.toml")
    assert (done.returncode, done.stdout) == (1, b"")
    assert "none.toml: there is no such file" in the_line(done)


def test_of_a_topic_each_record_is_as_far_ahead_as_it_was_when_it_arrived(files, kafka, prefix):
    """Of what only one of the two takes, each has its own arrival: all of it is long ago by now."""
    (files / "strict.toml").write_text("max_ahead_s = 5\n")
    (files / "lax.toml").write_text("max_ahead_s = 10\n")
    record = {"type": "agent_joined", "account_id": "acme", "session_id": "s"}
    aheads = [5, 6, 10, 11]
    values = [
        json.dumps({**record, "timestamp": START_MS + 1_000 * ahead, "agent": {"id": str(ahead), "name": ""}}).encode()
        for ahead in aheads
    ]
    asyncio.run(create_topics(kafka.bootstrap, f"{prefix}chats", partitions=1))
    asyncio.run(produce(kafka.bootstrap, f"{prefix}chats", [Written(b"k", value, 0, START_MS) for value in values]))
    arguments = ["--rules", "strict.toml", "--rules", "lax.toml", "--json", "--to", "out.jsonl"]
    done = chat2ga("compare", f"kafka:{prefix}chats", *arguments, cwd=files, broker=kafka.url)
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert told["differences"] == {"gained": 2, "lost": 0, "reattributed": 0, "moved": 0, "changed": 0}
    assert (told["a"]["dead_ahead"], told["b"]["dead_ahead"], told["same"]) == (2, 0, 1)


def test_a_terminal_gets_tables(files):
    text = on_a_terminal(files, "compare", "in.jsonl", "--rules", "a.toml", "--rules", "b.toml", code=3)
    assert "difference" in text
    assert "chatbot bot (Hello \\x1b[31m✓)" in text
    assert "\x1b[31m✓" not in text


def on_a_terminal(cwd, *arguments, code):
    ours, theirs = pty.openpty()
    env = {**environment(), "COLUMNS": "200", "TERM": "xterm"}
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=env, cwd=cwd
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
        assert it.wait(60) == code, text
    os.close(ours)
    return text.decode()
