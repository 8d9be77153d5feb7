"""From the lines of a bucket to its sessions: their interactions, in the order in which they are applied.

In memory, or, where one session key alone is more than that may hold, sorted on
disk: a site that gives all of its visitors the same id must not end a replay.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

import msgspec

from schemas.interaction import Fault, Interaction, session_key
from streams.replay.dead_letters import dead_line
from streams.replay.engine import Engine, sort_by_time
from streams.replay.plan import Plan
from streams.replay.segments import SegmentWriter
from streams.replay.spill import Block, Lines, Placed

__all__ = ["Reader", "in_memory", "sorted_on_disk"]

Session = tuple[int, Iterable[Interaction]]
"""The place of a session key's first interaction, and all of them in their order."""

_Entry = tuple[str, int, int, bytes]
"""Of a run that is sorted on disk: session key, event time, place, line."""
_entries: Final = msgspec.msgpack.Decoder(_Entry)
_encode: Final = msgspec.msgpack.Encoder().encode
_SIZE_BYTES: Final = 4


class Reader:
    """Reads lines as interactions; the others it counts, and writes down as dead letters."""

    def __init__(self, plan: Plan, engine: Engine, letters: SegmentWriter | None) -> None:
        self._plan, self._engine, self._letters = plan, engine, letters

    def read(self, placed: Iterable[Placed]) -> Iterator[tuple[int, bytes, Interaction]]:
        """(place, line, interaction) of every line that is one."""
        read = self._engine.read
        for seq, line in placed:
            decoded = read(line)
            if type(decoded) is Fault:
                if self._letters is not None:
                    self._letters.write(seq, dead_line(*self._plan.place(seq), decoded, line))
            elif decoded is not None:
                yield seq, line, decoded


def in_memory(found: Sequence[Lines], reader: Reader, *, by_time: bool) -> Iterator[Session]:
    """The sessions of all these lines, in the order of their first interactions."""
    sessions: dict[str, tuple[int, list[Interaction]]] = {}
    for block in found:
        for seq, _, interaction in reader.read(block.lines()):
            key = session_key(interaction)
            known = sessions.get(key)
            if known is None:
                sessions[key] = (seq, [interaction])
            else:
                known[1].append(interaction)
    for key in list(sessions):
        # One by one, so that the memory of those done is free.
        seq, interactions = sessions.pop(key)
        if by_time:
            sort_by_time(interactions)
        yield seq, interactions


def sorted_on_disk(found: Sequence[Block], reader: Reader, plan: Plan, bucket: Path) -> Iterator[Session]:
    """The sessions of a bucket that fits in no memory, in any order."""
    first_seqs: dict[str, int] = {}
    runs: list[Path] = []
    held: list[_Entry] = []
    size = 0
    for block in found:
        for seq, line, interaction in reader.read(block.lines()):
            key = session_key(interaction)
            first_seqs.setdefault(key, seq)
            held.append((key, int(interaction.timestamp) if plan.by_time else 0, seq, line))
            size += len(line)
        if size >= plan.limits.bucket_bytes:
            runs.append(_written(held, bucket / f"run-{len(runs)}"))
            held, size = [], 0
    runs.append(_written(held, bucket / f"run-{len(runs)}"))
    del held
    in_order = merge(*map(_read_run, runs))
    for key, entries in groupby(in_order, key=itemgetter(0)):
        yield first_seqs[key], _decoded(entries, plan)


def _decoded(entries: Iterable[_Entry], plan: Plan) -> Iterator[Interaction]:
    for _, _, _, line in entries:
        interaction = plan.book.decode(line, plan.as_of_ms)
        assert isinstance(interaction, Interaction)  # it was one when it was sorted
        yield interaction


def _written(held: list[_Entry], path: Path) -> Path:
    held.sort()
    with path.open("wb") as file:
        for entry in held:
            data = _encode(entry)
            file.write(len(data).to_bytes(_SIZE_BYTES, "big") + data)
    return path


def _read_run(path: Path) -> Iterator[_Entry]:
    with path.open("rb") as file:
        while size := file.read(_SIZE_BYTES):
            yield _entries.decode(file.read(int.from_bytes(size, "big")))
