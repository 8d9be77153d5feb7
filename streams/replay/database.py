"""DuckDB within bounds, for what is too large for memory: sorting, and files of columns."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streams.replay.errors import NoRoom

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["bounds", "database"]

MEMORY: Final = "256MB"
"""What DuckDB may hold; what is more lies in its temporary directory."""
_FULL: Final = ("No space left on device", "Disk quota exceeded", "max_temp_directory_size")


def bounds(directory: Path | None, memory: str, *, threads: int) -> dict[str, Any]:
    """DuckDB's settings: no more memory than that, what is more in the directory, and nothing from elsewhere."""
    return {
        "memory_limit": memory,
        "threads": threads,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": "" if directory is None else str(directory),
    }


@contextmanager
def database(directory: Path | None = None, memory: str = MEMORY) -> Iterator["DuckDBPyConnection"]:
    """A database in memory, with bounds. It loads nothing from elsewhere; what does not fit lies in the directory."""
    # Here: of what a process of a replay imports it took a third of the time, and most do without.
    import duckdb  # noqa: PLC0415

    try:
        # One thread: a replay has processes, and the order of rows is kept.
        with duckdb.connect(config=bounds(directory, memory, threads=1)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    except duckdb.Error as error:
        if directory is not None and any(full in str(error) for full in _FULL):
            raise NoRoom(str(directory)) from None
        raise
