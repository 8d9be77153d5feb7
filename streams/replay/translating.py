"""Records of another format become interactions, before they are dealt into buckets.

What cannot be translated ends here: it is counted, and a dead letter holds the
record as it was given.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

from schemas.interaction import Fault, Unknown
from streams.replay.dead_letters import dead_line
from streams.replay.engine import Engine
from streams.replay.places import Lines, Placed, Records, place, within
from streams.replay.plan import Plan, Translation
from streams.replay.segments import SegmentWriter
from streams.sources import FORMATS

__all__ = ["Translator", "translated"]

Either = tuple[int, int, bytes, Fault | Unknown | None]
"""Of an interaction its place, arrival and bytes; of a record that holds none the same, and why."""


def translated(translation: Translation | None, given: Iterable[Placed]) -> Iterator[Either]:
    """The interactions in records, and what is left of the records. Of our own format, the records."""
    if translation is None:
        for seq, arrival_ms, raw in given:
            yield seq, arrival_ms, raw, None
        return
    translate, mapping = FORMATS[translation.format].translate, translation.mapping
    for seq, arrival_ms, raw in given:
        made = translate(raw, mapping)
        if isinstance(made, (Fault, Unknown)):
            yield seq, arrival_ms, raw, made
            continue
        for number, interaction in enumerate(made):
            yield within(seq, number), arrival_ms, interaction, None


class Translator:
    """Translates as the plan says, and keeps account of what is left."""

    def __init__(self, plan: Plan, engine: Engine, letters: SegmentWriter | None) -> None:
        self._plan: Final = plan
        self._engine: Final = engine
        self._letters: Final = letters

    def records(self, piece: Lines) -> Iterator[Placed]:
        """The interactions of a piece."""
        given = piece.records(self._plan.as_of_ms)
        return given if self._plan.translation is None else self._taken(given)

    def translated(self, piece: Lines) -> Lines:
        """The same as a piece."""
        if self._plan.translation is None:
            return piece
        found = list(self._taken(piece.records(self._plan.as_of_ms)))
        seqs, arrivals_ms, values = zip(*found, strict=True) if found else ((), (), ())
        return Records(array("Q", seqs), array("q", arrivals_ms), values)

    def _taken(self, given: Iterable[Placed]) -> Iterator[Placed]:
        last = None
        for seq, arrival_ms, raw, left in translated(self._plan.translation, given):
            if left is not None:
                self._leave(seq, raw, left)
                continue
            if place(seq) != last:  # the first interaction of its record
                last = place(seq)
                self._engine.tally.translated += 1
            yield seq, arrival_ms, raw

    def _leave(self, seq: int, raw: bytes, left: Fault | Unknown) -> None:
        fault = self._engine.leave(left)
        if fault is not None and self._letters is not None:
            self._letters.write(seq, dead_line(*self._plan.place(seq), fault, raw))
