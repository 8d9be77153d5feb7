"""DuckDB within bounds: what does not fit in memory lies in the directory, and a full disk is told."""

import duckdb
import pytest

from streams.replay.database import database
from streams.replay.errors import NoRoom


def test_a_full_disk_is_no_room(tmp_path):
    with pytest.raises(NoRoom, match=str(tmp_path)), database(tmp_path):
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")


def size(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:  # DuckDB has removed it meanwhile
        return 0


def test_what_is_larger_than_memory_is_sorted_on_disk(tmp_path):
    with database(tmp_path) as connection:
        found = connection.execute("SELECT i, repeat('x', 200) FROM range(3000000) t(i) ORDER BY hash(i)")
        first = found.fetchmany(10)
        used = sum(map(size, tmp_path.rglob("*")))
    assert len(first) == 10
    assert used > 100_000_000


def test_nothing_is_loaded_from_elsewhere():
    with database() as connection, pytest.raises(duckdb.Error):
        connection.execute("SELECT * FROM read_parquet('https://127.0.0.1:1/x.parquet')")
