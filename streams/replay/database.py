"""DuckDB within bounds, for what is too large for memory: sorting, and files of columns."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from streams.replay.errors import NoRoom

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["database"]

MEMORY: Final = "256MB"
"""What DuckDB may hold; what is more lies in its temporary directory."""
_FULL: Final = ("No space left on device", "Disk quota exceeded", "max_temp_directory_size")


@contextmanager
def database(directory: Path | None = None, memory: str = MEMORY) -> Iterator["DuckDBPyConnection"]:
    """A database in memory, with bounds. It loads nothing from elsewhere; what does not fit lies in the directory."""
    config: dict[str, Any] = {
        "memory_limit": memory,
        "threads": 1,  # a replay has processes, and the order of rows is kept
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": "" if directory is None else str(directory),
    }
    try:
        with duckdb.connect(config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    except duckdb.Error as error:
        if directory is not None and any(full in str(error) for full in _FULL):
            raise NoRoom(str(directory)) from None
        raise
