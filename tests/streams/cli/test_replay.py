"""`chat2ga replay`, end to end: the contract's cases come out as written, and everything else is told."""

import gzip
import json
import re

import pytest
import zstandard

from tests.streams.attribution.test_contract_cases import OPTIONS, by_session, shown
from tests.streams.cli.command import CASES, chat2ga, the_line

INPUT = CASES / "interactions.jsonl"
AS_OF = "2026-01-01T00:00:00Z"
HASHED = re.compile(r"[0-9a-f]{32}@[0-9]+")


def comparable(event, fields):
    """What can be compared of an event; whether a client id is derived, the cases alone can tell."""
    event["caused_by"] = ["-" if HASHED.fullmatch(cause) else cause for cause in event["caused_by"]]
    return {name: event[name] for name in fields}


def toml(options):
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("order", "accounts", "options", "expected"),
    [
        pytest.param("time", "accounts.toml", {}, "events.time.jsonl", id="by time"),
        pytest.param("arrival", "accounts.toml", {}, "events.arrival.jsonl", id="as they arrived"),
        pytest.param("time", "accounts_defaults.toml", OPTIONS, "events.options.jsonl", id="with options"),
    ],
)
def test_the_contract_s_cases_come_out_as_written(tmp_path, order, accounts, options, expected, jobs):
    rules, dead = tmp_path / "rules.toml", tmp_path / "dead.jsonl"
    rules.write_text(toml(options))
    arguments = ["--accounts", CASES / accounts, "--rules", rules, "--order", order, "--as-of", AS_OF, "--jobs", jobs]
    done = chat2ga("replay", INPUT, "--to", "-", "--dead-letters", dead, *arguments)
    assert done.returncode == 0
    want = [json.loads(line) for line in (CASES / expected).read_bytes().splitlines()]
    got = [comparable(json.loads(line), want[0]) for line in done.stdout.splitlines()]
    for ours, theirs in zip(got, want, strict=True):
        if theirs["client_id"] == "derived":
            assert re.fullmatch(r"[0-9]+\.[0-9]+", ours["client_id"])
            ours["client_id"] = "derived"
    assert {key: shown(events) for key, events in by_session(got).items()} == {
        key: shown(events) for key, events in by_session(want).items()
    }
    assert [shown([event]) for event in got] == [shown([event]) for event in want], "sessions by their first records"
    dead_lines = (CASES / f"dead.{order}.txt").read_text().splitlines()
    lines = [int(re.match(r"dead line=(\d+)", line)[1]) + 1 for line in dead_lines]
    letters = [json.loads(line) for line in dead.read_bytes().splitlines()]
    assert [letter["line"] for letter in letters] == lines
    raw = INPUT.read_bytes().split(b"\n")
    assert all(letter["value"].encode() == raw[letter["line"] - 1] for letter in letters)


def test_a_file_a_packed_file_and_standard_input_give_the_same_bytes(tmp_path):
    plain = INPUT.read_bytes()
    (tmp_path / "in.gz").write_bytes(gzip.compress(plain))
    (tmp_path / "in.zst").write_bytes(zstandard.ZstdCompressor().compress(plain))
    outputs = []
    for number, (source, stdin) in enumerate(
        [(INPUT, b""), (tmp_path / "in.gz", b""), (tmp_path / "in.zst", b""), ("-", plain)]
    ):
        out = tmp_path / f"{number}.jsonl"
        assert chat2ga("replay", source, "--to", out, "--as-of", AS_OF, stdin=stdin).returncode == 0
        outputs.append(out.read_bytes())
    assert outputs[0].count(b"\n") > 3_000
    assert set(outputs) == {outputs[0]}


def test_the_summary_stands_on_stderr_and_counts_everything():
    done = chat2ga("replay", INPUT, "--to", "-", "--accounts", CASES / "accounts.toml", "--as-of", AS_OF)
    summary = dict(line.strip().split("\t") for line in done.stderr.decode().splitlines())
    numbers = {name: int(count.replace(",", "")) for name, count in summary.items() if name != "seconds"}
    assert numbers["records read"] == len(INPUT.read_bytes().splitlines())
    assert numbers["events"] == len(done.stdout.splitlines()) == 3_515
    assert numbers["Chatbot_sent"] == done.stdout.count(b'"name":"Chatbot_sent"')
    assert numbers["duplicates removed"] == numbers["same_id"] + numbers["exact_copy"] + numbers["tab_copy"] > 0
    assert numbers["dead letters"] == 100
    assert numbers["unknown types"] > 0
    assert numbers["dropped for consent"] > 0
    assert numbers["sessions"] > 120
    assert numbers["interactions"] + numbers["unknown types"] + 100 == numbers["records read"]
    assert "\x1b" not in done.stderr.decode(), "silent in a pipe: no bar, no colours"


def test_accounts_and_rules_of_the_settings_hold_unless_others_are_named(tmp_path):
    accounts = tmp_path / "accounts.toml"
    accounts.write_text('[defaults]\napi_tracker = "G-SETTING"\n')
    record = b'{"type":"contact_form_sent","account_id":"a","session_id":"s","timestamp":1700000000000}'
    assert b"G-SETTING" in chat2ga("replay", "-", "--to", "-", stdin=record, accounts=accounts).stdout
    other = tmp_path / "other.toml"
    other.write_text('[defaults]\napi_tracker = "G-NAMED"\n')
    named = chat2ga("replay", "-", "--to", "-", "--accounts", other, stdin=record, accounts=accounts).stdout
    assert b"G-NAMED" in named
    config = tmp_path / "chat2ga.toml"
    config.write_text(f"accounts = {json.dumps(str(accounts))}\n")
    assert b"G-SETTING" in chat2ga("replay", "-", "--to", "-", "--config", config, stdin=record).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(
            ["none.jsonl", "--to", "-"], 1, "none.jsonl: there is no such file. Check the path", id="no input"
        ),
        pytest.param([".", "--to", "-"], 1, ".: no file in this directory ends in .jsonl", id="a directory"),
        pytest.param(["*.jsonl", "--to", "-"], 1, "*.jsonl: no file matches this pattern", id="a pattern"),
        pytest.param(["kafka:chat/x", "--to", "-"], 1, "expected kafka:TOPIC", id="a topic's name"),
        pytest.param(["kafka:chat", "--to", "-"], 1, "kafka://127.0.0.1:1", id="no broker to read from"),
        pytest.param([INPUT, "--to", "kafka"], 1, "kafka://127.0.0.1:1", id="no broker to write to"),
        pytest.param([INPUT, "--to", "x.csv"], 2, "Supported: a .jsonl or .parquet file, kafka", id="an output"),
        pytest.param([INPUT, "--to", "-", "--format", "chat"], 2, "Supported: interaction, smartsupp", id="a format"),
        pytest.param(
            [INPUT, "--to", "-", "--mapping", "m"], 2, "--mapping is of a --format", id="a mapping for nothing"
        ),
        pytest.param([INPUT, "--to", "-", "--since", "2h"], 2, "are of topics", id="a time for a file"),
        pytest.param([INPUT, "--to", "ga", "--receipts", "r"], 2, "--to ga needs --work DIR", id="ga without work"),
        pytest.param([INPUT, "--to", "ga", "--work", "w"], 2, "--receipts FILE go together", id="ga without receipts"),
        pytest.param([INPUT, "--to", "-", "--work", "w"], 1, "name a file", id="work that would be written twice"),
        pytest.param(["-", "--to", "x.jsonl", "--work", "w"], 1, "read once only", id="work of what is gone"),
        pytest.param([INPUT, "--to", "no/x.jsonl"], 1, "mkdir -p no", id="no directory"),
        pytest.param([INPUT, "--to", "-", "--as-of", "noon"], 2, "--as-of 'noon': Expected RFC 3339", id="as of when"),
        pytest.param([INPUT, "--to", "-", "--accounts", "none"], 1, "none: there is no such file", id="no accounts"),
        pytest.param([INPUT, "--to", "-", "--config", "none"], 1, "none: there is no such file", id="no settings"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_the_remedy(tmp_path, arguments, code, says):
    done = chat2ga("replay", *arguments, cwd=tmp_path, broker="kafka://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (code, b"")
    assert says in the_line(done)
    assert list(tmp_path.iterdir()) == []


def test_every_fault_of_an_accounts_file_is_told_at_once(tmp_path):
    accounts = tmp_path / "accounts.toml"
    accounts.write_text('[accounts.a]\nplan = "gold"\n[accounts.b]\nnaming = 3\n')
    done = chat2ga("replay", INPUT, "--to", "-", "--accounts", accounts)
    assert done.returncode == 1
    assert "accounts.a.plan" in the_line(done)
    assert "accounts.b.naming" in the_line(done)


def test_a_file_that_was_cut_off_leaves_the_old_output_alone(tmp_path):
    (tmp_path / "in.gz").write_bytes(gzip.compress(INPUT.read_bytes())[:-100])
    (tmp_path / "out.jsonl").write_text("old\n")
    done = chat2ga("replay", "in.gz", "--to", "out.jsonl", cwd=tmp_path)
    assert done.returncode == 1
    assert "cut off" in the_line(done)
    assert "gzip -dc in.gz | chat2ga replay -" in the_line(done)
    assert (tmp_path / "out.jsonl").read_text() == "old\n"
    assert {path.name for path in tmp_path.iterdir()} == {"in.gz", "out.jsonl"}


def test_records_none_of_which_is_an_interaction_are_remarked_on(tmp_path):
    done = chat2ga("replay", "-", "--to", "-", stdin=b"not a chat log\n" * 3)
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"none of the records is an interaction. Is it another --format?" in done.stderr


def test_receipts_are_summed_up(tmp_path):
    (tmp_path / "accounts.toml").write_text('[defaults]\napi_tracker = "G-NOSECRET1"\n')
    record = b'{"type":"contact_form_sent","account_id":"a","session_id":"s","timestamp":1700000000000}'
    accounts = tmp_path / "accounts.toml"
    arguments = ["--to", "ga", "--receipts", "r.jsonl", "--work", "w", "--accounts", accounts]
    done = chat2ga("replay", "-", *arguments, stdin=record, cwd=tmp_path)
    assert done.returncode == 1, "standard input cannot be gone on with"
    (tmp_path / "in.jsonl").write_bytes(record)
    done = chat2ga("replay", "in.jsonl", *arguments, cwd=tmp_path)
    assert done.returncode == 0
    assert b"  no_secret\t1\n" in done.stderr
    assert json.loads((tmp_path / "r.jsonl").read_bytes())["outcome"] == "no_secret"
    assert not (tmp_path / "w").exists()
