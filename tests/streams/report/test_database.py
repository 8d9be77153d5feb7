"""The database: bounded, fetching nothing, and telling where it has no room."""

import msgspec
import pytest

from streams.report.database import opened
from streams.report.errors import TooLarge
from streams.report.tables import COLUMNS, Row


class Setting(msgspec.Struct):
    name: str
    value: str


def test_it_is_bounded_and_installs_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "streams.report.database._statement",
        lambda _: "SELECT name, value FROM duckdb_settings() WHERE list_contains($names, name)",
    )
    names = ["max_memory", "temp_directory", "threads", "autoinstall_known_extensions", "autoload_known_extensions"]
    with opened(tmp_path, 2) as database:
        settings = {row.name: row.value for row in database.rows("settings", Setting, names=names)}
    assert settings["threads"] == "2"
    assert settings["temp_directory"] == str(tmp_path / "duckdb")
    assert settings["autoinstall_known_extensions"] == settings["autoload_known_extensions"] == "false"
    assert settings["max_memory"].endswith("MiB")


def test_memory_that_is_used_up_is_told_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("streams.report.database.MEMORY", "10MB")
    monkeypatch.setattr(
        "streams.report.database._statement", lambda _: "SELECT list(range::VARCHAR) AS l FROM range(9000000)"
    )
    with pytest.raises(TooLarge, match="TMPDIR"), opened(tmp_path, 1) as database:
        database.rows("", dict)


def test_a_path_with_quotes_is_a_path(tmp_path):
    directory = tmp_path / "it's"
    directory.mkdir()
    rows, made = directory / "ro'ws.jsonl", directory / "ma'de.csv"
    rows.write_bytes(msgspec.json.encode(Row(part="p", name='a "b", c', measure="m", value=0.5)))
    with opened(directory, 1) as database:
        database.convert(rows, COLUMNS, made)
    assert made.read_text().splitlines() == [",".join(name for name, _ in COLUMNS), 'p,,,,"a ""b"", c",,,,m,0.5,,,,']
