"""A report from file to file: every form says the same, and nothing is left half done."""

import csv
import gzip

import duckdb
import msgspec
import pytest

from streams.attribution import RuleBook
from streams.replay.errors import BadInput, BadOutput, NotSupported
from streams.report import Report, report
from streams.report.errors import NothingToReport, UnknownAccount, UnknownTimeZone
from streams.report.tables import COLUMNS, long_table
from tests.streams.report.month import Shape, lines_of, month
from tests.streams.report.reports import AS_OF_MS, as_numbers, made, numbers_of, said

LINES = lines_of(month(1, Shape(visitors=80, chatty=0.3)))


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


def test_every_form_says_the_same(tmp_path):
    numbers = as_numbers(made(LINES, "r.json", tmp_path))
    rows = [msgspec.structs.astuple(row) for row in long_table(numbers)]
    parquet = made(LINES, "r.parquet", tmp_path)
    names = [name for name, _ in COLUMNS]
    found = duckdb.sql(f"SELECT {', '.join(names)} FROM '{parquet}'")
    assert found.columns == names
    assert found.fetchall() == rows
    with made(LINES, "r.csv", tmp_path).open(newline="") as file:
        head, *texts = csv.reader(file)
    assert head == names
    measured = names.index("value")
    assert [float(row[measured]) if row[measured] else None for row in texts] == [row[measured] for row in rows]
    assert f"{numbers.headline.chatted.count}</strong> of".encode() in made(LINES, "r.html", tmp_path).read_bytes()


def test_a_name_is_no_formula_in_a_spreadsheet_and_itself_elsewhere(tmp_path):
    robot = {"kind": "trigger", "id": "t", "name": "=1+1"}
    lines = lines_of([said("automation_sent", automation=robot)])
    assert ",'=1+1," in made(lines, "r.csv", tmp_path).read_text()
    parquet = made(lines, "r.parquet", tmp_path)
    assert duckdb.sql(f"SELECT DISTINCT name FROM '{parquet}' WHERE part = 'automations'").fetchall() == [("=1+1",)]


def test_a_packed_file_and_several_files_give_the_same_bytes(tmp_path):
    whole = made(LINES, "whole.json", tmp_path).read_bytes()
    parts = []
    for number, lines in enumerate((LINES[:200], LINES[200:])):
        path = tmp_path / f"part{number}.gz"
        path.write_bytes(gzip.compress(b"\n".join(lines)))
        parts.append(str(path))
    assert made(LINES, "parts.json", tmp_path, inputs=tuple(parts)).read_bytes() == whole


@pytest.mark.parametrize(
    ("wanted", "error", "says"),
    [
        pytest.param({"to": "r.xlsx"}, NotSupported, "Supported: an .html page, .json or -", id="a form"),
        pytest.param({"to": "no/r.html"}, BadOutput, "mkdir -p", id="no directory"),
        pytest.param({"time_zone": "Mars/Base"}, UnknownTimeZone, "Europe/Prague", id="no time zone"),
        pytest.param({"time_zone": "../etc"}, UnknownTimeZone, "Europe/Prague", id="a path"),
        pytest.param({"time_zone": "Europe"}, UnknownTimeZone, "Europe/Prague", id="half a time zone"),
        pytest.param({"inputs": ("none.jsonl",)}, BadInput, "there is no such file", id="no input"),
        pytest.param(
            {"accounts": ("nobody",)}, UnknownAccount, "account nobody. Those of the input: shop", id="an account"
        ),
    ],
)
def test_what_is_wrong_is_told_and_leaves_everything_as_it_was(tmp_path, monkeypatch, wanted, error, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.json").write_text("before")
    with pytest.raises(error, match=says):
        made(LINES, wanted.pop("to", "r.json"), tmp_path, **wanted)
    assert names_in(tmp_path) == ["in.jsonl", "r.json"]
    assert (tmp_path / "r.json").read_text() == "before"


def test_a_report_never_replaces_its_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "history.json").write_bytes(LINES[0])
    for inputs in (("history.json",), ("*.json",), (str(tmp_path / "hist*.json"),)):
        with pytest.raises(BadOutput, match="would replace an input"):
            made(LINES, "history.json", tmp_path, inputs=inputs)
    assert (tmp_path / "history.json").read_bytes() == LINES[0]


@pytest.mark.parametrize("lines", [[], [b"{}"], [b'{"type":"of tomorrow"}']])
def test_of_no_interaction_there_is_no_report(tmp_path, lines):
    with pytest.raises(NothingToReport, match="nothing to report"):
        made(lines, "r.json", tmp_path)


def test_no_temporary_file_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    made(LINES, "r.parquet", tmp_path)
    with pytest.raises(NothingToReport):
        made([], "r.html", tmp_path)
    assert names_in(tmp_path / "temporary") == []
    assert names_in(tmp_path) == ["in.jsonl", "r.parquet", "temporary"]


def test_progress_is_told_and_the_tally_is_given_back(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join([*LINES, b"{}", *lines_of([said("of_tomorrow")])]))
    phases = []
    wanted = {"inputs": (str(source),), "out": str(tmp_path / "r.json"), "book": RuleBook(), "as_of_ms": AS_OF_MS}
    reported = report(Report(**wanted), lambda phase, done, of: phases.append((phase, done, of)))
    assert phases[0][0] == "reading"
    assert reported.numbers == as_numbers(tmp_path / "r.json")
    assert (reported.tally.records, reported.numbers.dead_letters, reported.numbers.unknown_types) == (
        len(LINES) + 2,
        1,
        1,
    )


def test_numbers_survive_their_own_json(tmp_path):
    numbers = numbers_of(month(3, Shape(visitors=30)))
    assert msgspec.json.decode(msgspec.json.encode(numbers), type=type(numbers)) == numbers
