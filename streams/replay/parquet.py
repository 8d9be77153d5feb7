"""Parquet, by DuckDB: rows of interactions in, rows of events out.

A row in is a record: its columns are the fields of the contract, nested ones as
structs, maps or JSON text; or one column `value` holds the record itself, as
exports of Kafka topics have it. What warehouses make of a field (a timestamp
without a zone, a whole number as a float) is turned back.
"""

from array import array
from collections.abc import Iterator, Sequence
from glob import escape
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from schemas.ga_event import GaEvent
from schemas.interaction import TYPES
from streams.replay.database import database
from streams.replay.errors import BadInput
from streams.replay.places import RECORD_BYTES, Records, line_at
from streams.replay.reading import Read

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["parquet_records", "write_parquet"]

_MEMORY: Final = "512MB"
"""For a group of rows, which is unpacked as a whole. No other process of a replay has begun by then."""
_ROWS: Final = 4_096
_NESTED: Final = ("page", "ga", "consent", "automation", "agent", "goal")
_WHOLE: Final = ("timestamp", "rating")
_REQUIRED: Final = ("type", "account_id", "timestamp")
_IDS: Final = ("session_id", "visitor_id")
_VALUE: Final = "value"


# -- in ------------------------------------------------------------------------------------


def parquet_records(index: int, name: str, read: Read, chunk_bytes: int) -> Iterator[Records]:
    """The rows of a file as records. Raises BadInput for a file that is damaged or has other columns."""
    import duckdb  # noqa: PLC0415 - as in `database`

    size = Path(name).stat().st_size
    try:
        with database(memory=_MEMORY) as connection:
            connection.execute("SET disable_parquet_prefetching = true")  # whole groups of rows, at once
            columns, rows = _columns(connection, name)
            record = _record(name, columns)  # made of names of the contract alone
            found = connection.execute(f"SELECT {record} FROM read_parquet(?)", [escape(name)])  # noqa: S608
            yield from _in_pieces(index, found, rows, size, read, chunk_bytes)
    except duckdb.OutOfMemoryException:
        reason = f"a group of its rows takes more than {_MEMORY}. Write it with smaller groups, or as .jsonl."
        raise BadInput(name, reason) from None
    except duckdb.Error as error:
        raise BadInput(name, f"this Parquet file cannot be read: {_first_line(error)}. Fetch it again.") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip().rstrip(".")


def _columns(connection: "DuckDBPyConnection", name: str) -> tuple[dict[str, str], int]:
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [escape(name)]).fetchall()
    rows = connection.execute("SELECT num_rows FROM parquet_file_metadata(?)", [escape(name)]).fetchall()
    return {column: kind for column, kind, *_ in described}, sum(row for (row,) in rows)


def _record(name: str, columns: dict[str, str]) -> str:
    """What of a row is its record, in SQL."""
    if _VALUE in columns and "type" not in columns:
        return f'"{_VALUE}"' if columns[_VALUE] == "BLOB" else f'encode(CAST("{_VALUE}" AS VARCHAR))'
    missing = [column for column in _REQUIRED if column not in columns]
    if not any(column in columns for column in _IDS):
        missing.append(" or ".join(_IDS))
    if missing:
        raise BadInput(
            name,
            f"no column {', '.join(missing)}: the columns are {', '.join(columns) or 'none'}. They must be the fields "
            f"of an interaction, or one column `{_VALUE}` must hold the record as JSON, as of every other --format.",
        )
    fields = ", ".join(f'"{column}" := {_field(column, columns[column])}' for column in columns if column in _FIELDS)
    return f"encode(CAST(to_json(struct_pack({fields})) AS VARCHAR))"


def _fields() -> frozenset[str]:
    return frozenset(name for kind in TYPES.values() for name in get_type_hints(kind)) | {"type"}


_FIELDS: Final = _fields()


def _field(column: str, kind: str) -> str:
    """A field as the contract wants it, of what a warehouse may have made of it."""
    quoted = f'"{column}"'
    if column == "timestamp" and kind.startswith(("TIMESTAMP", "DATE")):
        return f"strftime(CAST({quoted} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')"
    if column in _WHOLE and kind.startswith(("DOUBLE", "FLOAT", "DECIMAL")):
        whole, finite = f"TRY_CAST({quoted} AS BIGINT)", f"isfinite(CAST({quoted} AS DOUBLE))"
        as_it_is = f"CASE WHEN {finite} THEN to_json({quoted}) ELSE to_json(CAST({quoted} AS VARCHAR)) END"
        return f"CASE WHEN {finite} AND {whole} = {quoted} THEN to_json({whole}) ELSE {as_it_is} END"
    if column in _NESTED and kind == "VARCHAR":
        return f"coalesce(TRY_CAST({quoted} AS JSON), to_json({quoted}))"
    return quoted


def _in_pieces(
    index: int, found: "DuckDBPyConnection", rows: int, size: int, read: Read, chunk_bytes: int
) -> Iterator[Records]:
    """Rows until they are as large as a chunk. `read` is told of the file's bytes as far as its rows were read."""
    row, told = 0, 0
    values: list[bytes] = []
    held = 0
    while block := found.fetchmany(_ROWS):
        for (value,) in block:
            values.append(value or b"")
            held += len(values[-1]) + RECORD_BYTES
            if held >= chunk_bytes:
                yield _records(index, row, values)
                row, values, held = row + len(values), [], 0
        done = size * (row + len(values)) // max(rows, 1)
        read(done - told)
        told = done
    if values:
        yield _records(index, row, values)
    read(size - told)


def _records(index: int, row: int, values: Sequence[bytes]) -> Records:
    first = line_at(index, row + 1)
    step = line_at(0, 1)
    return Records(array("Q", range(first, first + step * len(values), step)), None, values)


# -- out -----------------------------------------------------------------------------------


def write_parquet(lines: Path, out: Path, schema: type[msgspec.Struct] = GaEvent) -> None:
    """A file of JSON lines as one of Parquet, with a column for each field, in the order of the lines."""
    columns = ", ".join(f"'{field.name}': '{_type(field.type)}'" for field in msgspec.structs.fields(schema))
    with database(lines.parent) as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_json(?, format = 'newline_delimited', columns = {{{columns}}}, "  # noqa: S608
            "maximum_object_size = 16777216)) TO ? (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192)",
            [escape(str(lines)), str(out)],
        )


_SCALARS: Final = {str: "VARCHAR", int: "BIGINT", bool: "BOOLEAN", float: "DOUBLE"}


def _type(annotation: Any) -> str:  # noqa: ANN401 - a type, whatever it is
    """DuckDB's name of a type of the schemas. Raises TypeError for one that none of them has."""
    origin, given = get_origin(annotation), get_args(annotation)
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if origin is Literal:
        return "VARCHAR"
    if origin in (Union, UnionType):
        (kind,) = (each for each in given if each is not NoneType)
        return _type(kind)
    if origin is tuple:
        return f"{_type(given[0])}[]"
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        fields = (f'"{field.name}" {_type(field.type)}' for field in msgspec.structs.fields(annotation))
        return f"STRUCT({', '.join(fields)})"
    raise TypeError(annotation)
