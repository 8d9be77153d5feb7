"""Tables of figures: kept as JSON, shown as Markdown. Pure.

A figure is the list of what each turn gave, never their mean alone: whoever reads
the JSON can do statistics of their own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from benchmarks.figures import Spread, spread

__all__ = ["Column", "Result", "Row", "Table", "median_of", "number", "of_json", "to_json", "to_markdown"]


class Column(msgspec.Struct, frozen=True):
    """One figure: its key in the rows, and its heading with the unit."""

    key: str
    heading: str


class Row(msgspec.Struct):
    """What was measured of one thing."""

    name: str
    figures: dict[str, list[float]] = {}
    """By column: what each turn gave."""
    missing: str = ""
    """Why there is nothing, or less than there should be: it cannot be installed, its outputs are wrong, it ended."""


class Table(msgspec.Struct):
    """Rows measured side by side."""

    key: str
    title: str
    how: str
    """What was done, in a sentence or two: records, sessions, partitions, turns."""
    first: str
    """Heading of the rows' names."""
    columns: list[Column]
    rows: list[Row] = []

    def row(self, name: str) -> Row:
        """The row of that name, made at its first use."""
        found = next((row for row in self.rows if row.name == name), None)
        if found is None:
            found = Row(name, {})
            self.rows.append(found)
        return found

    def add(self, name: str, figures: Mapping[str, float]) -> None:
        """What one turn gave."""
        row = self.row(name)
        for key, value in figures.items():
            row.figures.setdefault(key, []).append(value)

    def miss(self, name: str, reason: str) -> None:
        """Why a row is empty."""
        self.row(name).missing = reason


class Result(msgspec.Struct):
    """One run of the suite."""

    machine: dict[str, str]
    command: str
    tables: list[Table]


def to_json(result: Result) -> bytes:
    """As it is kept."""
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def of_json(kept: bytes) -> Result:
    """Raises msgspec.ValidationError where it is no result."""
    return msgspec.json.decode(kept, type=Result)


def median_of(tables: Iterable[Table], table: str, row: str, column: str) -> float | None:
    """The median of a figure; None where it was not measured."""
    for each in tables:
        if each.key == table:
            for one in each.rows:
                if one.name == row and one.figures.get(column):
                    return spread(one.figures[column]).median
    return None


# -- Markdown ---------------------------------------------------------------------

_SMALL: Final = 10.0
_WHOLE: Final = 1_000.0
_NOTHING: Final = "-"


def to_markdown(table: Table) -> str:
    """A table with its title, how it was measured, and a line for each row."""
    heads = [table.first, *(column.heading for column in table.columns)]
    lines = [f"### {table.title}", "", table.how, "", _line(heads), "|---" * len(heads) + "|"]
    lines += [_line([row.name, *_cells(table, row)]) for row in table.rows]
    failed = [
        f"- {row.name}: a turn failed: {_one_line(row.missing)}" for row in table.rows if row.missing and row.figures
    ]
    lines += ["", *failed] if failed else []
    return "\n".join(lines)


def _cells(table: Table, row: Row) -> Iterator[str]:
    for place, column in enumerate(table.columns):
        given = row.figures.get(column.key)
        if given:
            yield _shown(spread(given), len(given))
        else:
            yield f"not measured: {row.missing}" if row.missing and not place else _NOTHING


def _shown(of: Spread, turns: int) -> str:
    if turns == 1 or of.least == of.most:
        return number(of.median)
    return f"{number(of.median)} ({number(of.least)} to {number(of.most)})"


def number(value: float) -> str:
    """As many digits as say something: three of small ones, none behind the point of large ones."""
    if abs(value) >= _WHOLE:
        return f"{value:,.0f}"
    if abs(value) >= _SMALL:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.3g}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_one_line(cell) for cell in cells)} |"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
