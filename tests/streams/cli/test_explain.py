"""`chat2ga explain`: readable by people, and by programs."""

import json

import pytest

from tests.streams.cli.command import chat2ga, the_line

RECORDS = [
    {
        "type": "automation_sent",
        "automation": {"kind": "chatbot", "id": "b", "name": "Hello \x1b[31m✓"},
        "interaction_id": "i1",
    },
    {"type": "box_opened", "interaction_id": "i2", "page": {"url": "https://x.test/"}},
    {"type": "visitor_message", "text": "hi", "interaction_id": "i3"},
    {"type": "visitor_message", "text": "hi", "interaction_id": "i3"},
    {"type": "button_clicked", "interaction_id": "i4"},
]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    start = 1_700_000_000_000
    whole = [
        {"account_id": "acme", "session_id": "s", "timestamp": start + 1_000 * n, **record}
        for n, record in enumerate(RECORDS)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in whole))
    return path


def explained(source, *arguments):
    done = chat2ga("explain", source, "--session", "s", "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


def test_json_has_every_rule_with_its_reason_both_states_and_the_events(source):
    told = explained(source)
    assert told["session_key"] == "acme/s/s"
    first, opened, typed, repeated = told["interactions"]
    assert (first["file"], first["line"], first["time"]) == (str(source), 1, "2023-11-14T22:13:20.000Z")
    assert first["before"] is None
    assert [event["name"] for event in typed["events"]] == ["Chatbot_interaction", "Chatbot_visitor_reaction"]
    assert typed["events"][0]["caused_by"] == ["i3", "i1"]
    rules = {reason["rule"]: reason for reason in typed["rules"]}
    assert (rules["reaction"]["outcome"], rules["started"]["outcome"]) == ("fired", "held")
    assert rules["started"]["why"] == "a message came before it in the conversation"
    assert typed["before"] == opened["after"]
    assert {"what": "context: page", "before": None, "after": "https://x.test/"} in opened["changes"]
    assert (repeated["duplicate"], repeated["events"], repeated["changes"]) == ("same_id", [], [])
    assert [(left["line"], left["field"]) for left in told["left_out"]] == [(5, "button")]


def test_an_event_is_shown_with_what_it_was_caused_by(source):
    reaction = explained(source)["interactions"][2]["events"][1]["event_id"]
    told = explained(source, "--event", reaction)
    assert [each["record"]["interaction_id"] for each in told["interactions"]] == ["i1", "i3"]


def test_people_read_which_rule_fired_which_did_not_and_what_changed(source):
    done = chat2ga("explain", source, "--session", "s")
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "fired   reaction             the first typed answer to this run" in text
    assert "held    started              a message came before it in the conversation" in text
    assert "stopped same_id              an interaction of the same interaction_id was applied" in text
    assert "state   runs: chatbot b (run 1): reacted: false -> true" in text
    assert "event   Chatbot_visitor_reaction" in text
    assert "caused by i3, i1" in text
    assert f"{source}:5  button  invalid" in text
    assert "\x1b" not in text, "a name from outside colours no terminal"
    assert "✓" in text


def test_an_event_alone_finds_its_session(source):
    reaction = explained(source)["interactions"][2]["events"][1]["event_id"]
    done = chat2ga("explain", source, "--event", reaction, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["session_key"]) == (0, "acme/s/s")
    assert [each["record"]["interaction_id"] for each in told["interactions"]] == ["i1", "i3"]
    nowhere = chat2ga("explain", source, "--event", "0" * 32)
    assert nowhere.returncode == 1
    assert "no interaction of the 5 records sent event" in the_line(nowhere)


def test_sessions_of_a_visitor_or_with_a_conversation_are_each_explained(source):
    with source.open("a") as file:
        for session, kept in (("t", {"visitor_id": "v", "conversation_id": "c"}), ("u", {"visitor_id": "v"})):
            record = {"type": "box_opened", "account_id": "acme", "session_id": session, "timestamp": 1_700_000_000_000}
            file.write(json.dumps({**record, **kept}) + "\n")
    done = chat2ga("explain", source, "--visitor", "v", "--json")
    assert [json.loads(line)["session_key"] for line in done.stdout.splitlines()] == ["acme/s/t", "acme/s/u"]
    done = chat2ga("explain", source, "--conversation", "c", "--json")
    assert json.loads(done.stdout)["session_key"] == "acme/s/t"
    text = chat2ga("explain", source, "--visitor", "v").stdout.decode()
    assert "\n\nSession acme/s/u\n" in text
    assert f"{source}:6" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["in.jsonl"], "which session? Give --session", id="nothing"),
        pytest.param(["in.jsonl", "--session", "s", "--visitor", "v"], "give one of --session,", id="two"),
        pytest.param(
            ["in.jsonl", "--visitor", "v", "--event", "e"], "--event stands alone", id="an event of a visitor"
        ),
        pytest.param(["--session", "s"], "Missing argument 'INPUT...', or --live", id="no input"),
        pytest.param(["in.jsonl", "--session", "s", "--live"], "have no place beside it", id="live and a file"),
        pytest.param(["--session", "s", "--live", "--as-of", "0"], "have no place beside it", id="live as of"),
        pytest.param(["--session", "s", "--live", "--order", "arrival"], "have no place beside it", id="live in order"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_line(arguments, says):
    done = chat2ga("explain", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in the_line(done)


def test_a_session_that_is_not_there_is_told_with_how_sessions_go(source):
    done = chat2ga("explain", source, "--session", "nobody")
    assert done.returncode == 1
    assert "none of the 5 records belongs to session 'nobody'" in the_line(done)
    assert "<visitor_id>@<ms>" in the_line(done)


def test_a_session_of_several_accounts_asks_for_the_account(source):
    source.write_text(source.read_text() + source.read_text().replace("acme", "beta"))
    done = chat2ga("explain", source, "--session", "s")
    assert done.returncode == 1
    assert "acme/s/s, beta/s/s" in the_line(done)
    assert "--account" in the_line(done)
    assert explained(source, "--account", "beta")["session_key"] == "beta/s/s"
