"""From the records of a bucket to its sessions: their interactions, in the order in which they are applied.

In memory, or, where a bucket is more than that may hold, sorted on disk: a site
that gives all of its visitors the same id must not end a replay.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemas.decoding import session_key
from schemas.interaction import Fault, Interaction
from streams.replay.database import database
from streams.replay.dead_letters import dead_line
from streams.replay.engine import Engine, sort_by_time
from streams.replay.places import Lines, Placed
from streams.replay.plan import Plan
from streams.replay.segments import SegmentWriter

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Reader", "Session", "in_memory", "sorted_on_disk"]

Session = tuple[int, Iterable[Interaction]]
"""The place of a session key's first interaction, and all of them in their order."""

_ROWS: Final = 8_192
_KEY_BYTES: Final = 16


class Reader:
    """Reads records as interactions; the others it counts, and writes down as dead letters."""

    def __init__(self, plan: Plan, engine: Engine, letters: SegmentWriter | None) -> None:
        self._plan, self._engine, self._letters = plan, engine, letters

    def read(self, placed: Iterable[Placed]) -> Iterator[tuple[int, int, bytes, Interaction]]:
        """(place, arrival, bytes, interaction) of every record that is one."""
        read = self._engine.read
        for seq, arrival_ms, line in placed:
            decoded = read(line, arrival_ms)
            if type(decoded) is Fault:
                if self._letters is not None:
                    self._letters.write(seq, dead_line(*self._plan.place(seq), decoded, line))
            elif decoded is not None:
                yield seq, arrival_ms, line, decoded


def in_memory(found: Sequence[Lines], reader: Reader, plan: Plan) -> Iterator[Session]:
    """The sessions of all these records, in the order of their first interactions."""
    sessions: dict[str, tuple[int, list[Interaction]]] = {}
    for block in found:
        for seq, _, _, interaction in reader.read(block.records(plan.as_of_ms)):
            key = session_key(interaction)
            known = sessions.get(key)
            if known is None:
                sessions[key] = (seq, [interaction])
            else:
                known[1].append(interaction)
    for key in list(sessions):
        # One by one, so that the memory of those done is free.
        seq, interactions = sessions.pop(key)
        if plan.by_time:
            sort_by_time(interactions)
        yield seq, interactions


def sorted_on_disk(found: Sequence[Lines], reader: Reader, plan: Plan, directory: Path) -> Iterator[Session]:
    """The same of a bucket that fits in no memory: its records lie in a file, and DuckDB sorts where."""
    directory.mkdir()
    lines, index = directory / "lines", directory / "index.csv"
    _write_down(found, reader, plan, lines, index)
    with database(directory) as connection, lines.open("rb") as file:
        in_order = _in_order(connection, index)
        for (first, _), rows in groupby(in_order, key=itemgetter(0, 1)):
            yield first, _decoded(rows, file.fileno(), plan)


def _write_down(found: Sequence[Lines], reader: Reader, plan: Plan, lines: Path, index: Path) -> None:
    """The records one after the other, and of each: its session key's digest, its time, its place, where it lies."""
    with lines.open("wb") as file, index.open("w", encoding="ascii") as rows:
        at = 0
        for block in found:
            for seq, arrival_ms, line, interaction in reader.read(block.records(plan.as_of_ms)):
                key = blake2b(session_key(interaction).encode(), digest_size=_KEY_BYTES).hexdigest()
                micros = int(interaction.timestamp) if plan.by_time else 0
                file.write(line)
                rows.write(f"{key},{micros},{seq},{arrival_ms},{at},{len(line)}\n")
                at += len(line)


_Row = tuple[
    int, str, int, int, int
]  # first place of the session key, its digest, arrival, where the record lies, bytes


def _in_order(connection: "DuckDBPyConnection", index: Path) -> Iterator[_Row]:
    sorting = connection.execute(
        """
        SELECT min(seq) OVER (PARTITION BY key) AS first_seq, key, arrival_ms, begins, size
        FROM read_csv(?, auto_detect = false, header = false, delim = ',', columns = {
            'key': 'VARCHAR', 'micros': 'BIGINT', 'seq': 'UBIGINT',
            'arrival_ms': 'BIGINT', 'begins': 'BIGINT', 'size': 'BIGINT'
        })
        ORDER BY first_seq, key, micros, seq
        """,
        [str(index)],
    )
    while rows := sorting.fetchmany(_ROWS):
        yield from rows


def _decoded(rows: Iterable[_Row], file: int, plan: Plan) -> Iterator[Interaction]:
    for _, _, arrival_ms, at, size in rows:
        interaction = plan.book.decode(os.pread(file, size, at), arrival_ms)
        assert isinstance(interaction, Interaction)  # it was one when it was sorted
        yield interaction
