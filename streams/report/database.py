"""The database of a report: DuckDB over the facts, in bounded memory, on disk. The only importer of duckdb.

What a table is made of stands in `sql/`, one file a table. Nothing is fetched
from anywhere: extensions are neither looked for nor installed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import msgspec

from streams.replay.database import bounds
from streams.report.errors import TooLarge

__all__ = ["Database", "opened"]

T = TypeVar("T")

MEMORY: Final = "512MB"
"""What DuckDB may hold; beyond it, it uses its file and the temporary directory."""
_SQL: Final = Path(__file__).parent / "sql"


class Database:
    """The facts as tables, and questions to them."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        self._connection: Final = connection

    def rows(self, name: str, kind: type[T], **given: Any) -> list[T]:  # noqa: ANN401 - what SQL takes as a parameter
        """The rows of `sql/<name>.sql`, each as a struct of that kind with the columns' names."""
        found = self._connection.execute(_statement(name), given)
        columns = [column[0] for column in found.description]
        return [msgspec.convert(dict(zip(columns, row, strict=True)), kind) for row in found.fetchall()]

    def row(self, name: str, kind: type[T], **given: Any) -> T:  # noqa: ANN401 - as above
        """The one row of `sql/<name>.sql`."""
        (row,) = self.rows(name, kind, **given)
        return row

    def load(self, facts: Path) -> None:
        """Make the tables of a file of facts."""
        first, *others = duckdb.extract_statements(_statement("load"))
        self._connection.execute(first, {"facts": str(facts)})
        for statement in others:
            self._connection.execute(statement)

    def convert(self, rows: Path, columns: Sequence[tuple[str, str]], to: Path) -> None:
        """Write rows, one JSON object a line, to a .csv or .parquet file with these columns: (name, type)."""
        kinds = ", ".join(f"{name}: '{kind}'" for name, kind in columns)
        source = f"read_json($rows, format = 'newline_delimited', columns = {{{kinds}}})"
        how = "FORMAT parquet" if to.suffix == ".parquet" else "FORMAT csv, HEADER"
        self._connection.execute(f"COPY (FROM {source}) TO $to ({how})", {"rows": str(rows), "to": str(to)})


@cache
def _statement(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def opened(directory: Path, threads: int) -> Iterator[Database]:
    """A database in a directory for temporary files. Raises TooLarge where its memory or its disk is used up."""
    config = bounds(directory / "duckdb", MEMORY, threads=threads)
    try:
        connection = duckdb.connect(str(directory / "facts.duckdb"), config=config)
        try:
            yield Database(connection)
        finally:
            connection.close()
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise TooLarge(str(directory), str(error).partition("\n")[0]) from None
