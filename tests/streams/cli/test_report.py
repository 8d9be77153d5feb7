"""`chat2ga report`, end to end: what a user types, what comes of it, and what is told."""

import json
import sys

import duckdb
import pytest

from tests.streams.cli.command import chat2ga, environment, the_line
from tests.streams.report.month import Shape, lines_of, month
from tests.streams.report.recount import recount

RECORDS = month(1, Shape(visitors=120, chatty=0.3))


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    path = tmp_path_factory.mktemp("history") / "chat.jsonl"
    path.write_bytes(b"\n".join(lines_of(RECORDS)))
    return path


def told(done):
    return dict(line.split("\t") for line in done.stderr.decode().splitlines())


def test_without_options_there_is_a_page(tmp_path, history):
    done = chat2ga("report", history, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"")
    page = (tmp_path / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    chatters, visitors = recount(RECORDS)["visitors"]
    assert f"<strong>{chatters}</strong> of <strong>{visitors}</strong> visitors had a conversation" in page
    said = told(done)
    assert said["visitors"] == str(visitors)
    assert said["had a conversation"] == f"{chatters} ({chatters / visitors:.1%})".replace("%)", " %)")
    assert said["written to"] == "report.html"
    assert "\x1b" not in done.stderr.decode(), "silent in a pipe: no bar, no colours"


def test_numbers_go_to_standard_output_for_other_programs(history):
    done = chat2ga("report", "-", "--to", "-", "--jobs", 1, stdin=history.read_bytes())
    numbers = json.loads(done.stdout)
    assert (numbers["headline"]["chatted"]["count"], numbers["headline"]["chatted"]["of"]) == recount(RECORDS)[
        "visitors"
    ]
    assert told(done)["written to"] == "standard output"


def test_a_table_can_be_asked_by_sql(tmp_path, history):
    assert chat2ga("report", history, "--to", tmp_path / "r.parquet").returncode == 0
    query = "SELECT account, kind, id, value FROM 'r.parquet' WHERE part = 'automations' AND measure = 'sent'"
    found = duckdb.sql(query.replace("r.parquet", str(tmp_path / "r.parquet"))).fetchall()
    assert {row[:3]: row[3] for row in found} == {key: of[0] for key, of in recount(RECORDS)["automations"].items()}


def test_an_account_and_a_time_zone_can_be_chosen(tmp_path):
    records = [*RECORDS, *month(2, Shape(account="bistro", visitors=40))]
    history, to = tmp_path / "chat.jsonl", tmp_path / "r.json"
    history.write_bytes(b"\n".join(lines_of(records)))
    assert chat2ga("report", history, "--to", to, "--account", "bistro", "--time-zone", "Asia/Tokyo").returncode == 0
    numbers, bistro = (
        json.loads(to.read_bytes()),
        recount(record for record in records if record["account_id"] == "bistro"),
    )
    assert numbers["headline"]["visits"] == bistro["visits"]
    assert [row["account"] for row in numbers["by_account"]] == ["bistro"]
    by_hour = {row["hour"]: row["visits"] for row in numbers["hours"]}
    assert by_hour == {(hour + 9) % 24: of[0] for hour, of in bistro["hours"].items()}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["--to", "r.xlsx"], 2, "--to 'r.xlsx': not supported. Supported: an .html page", id="a form"),
        pytest.param(["--time-zone", "Mars"], 1, "--time-zone 'Mars': not known here", id="a time zone"),
        pytest.param(
            ["--account", "nobody"],
            1,
            "no interaction is of account nobody. Those of the input: shop.",
            id="an account",
        ),
        pytest.param(["--to", "no/r.html"], 1, "mkdir -p no", id="no directory"),
        pytest.param(["--jobs", "0"], 2, "See `chat2ga report --help`", id="no process"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, history, arguments, code, says):
    done = chat2ga("report", history, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, b"")
    assert says in the_line(done)
    assert list(tmp_path.iterdir()) == []


def test_a_page_without_its_packages_says_what_to_install_and_numbers_need_none(tmp_path, history):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules.update({'matplotlib': None, 'jinja2': None})\n")
    paths = {"PYTHONPATH": ":".join([str(hidden), environment()["PYTHONPATH"], *sys.path[1:]])}
    done = chat2ga("report", history, cwd=tmp_path, env=paths)
    assert done.returncode == 1
    assert "pip install 'chat2ga[report]'" in the_line(done)
    assert chat2ga("report", history, "--to", "r.csv", cwd=tmp_path, env=paths).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hidden", "r.csv"]
