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
from streams.replay.places import Lines, Placed, Records, within
from streams.replay.plan import Plan, Translation
from streams.replay.segments import SegmentWriter
from streams.sources import FORMATS

__all__ = ["Translator"]


class Translator:
    """Translates as the plan says. Of our own format it gives what it is given."""

    def __init__(self, plan: Plan, engine: Engine, letters: SegmentWriter | None) -> None:
        self._plan: Final = plan
        self._engine: Final = engine
        self._letters: Final = letters

    def records(self, piece: Lines) -> Iterator[Placed]:
        """The interactions of a piece."""
        given = piece.records(self._plan.as_of_ms)
        return given if self._plan.translation is None else self._translated(self._plan.translation, given)

    def translated(self, piece: Lines) -> Lines:
        """The same as a piece."""
        if self._plan.translation is None:
            return piece
        found = list(self._translated(self._plan.translation, piece.records(self._plan.as_of_ms)))
        seqs, arrivals_ms, values = zip(*found, strict=True) if found else ((), (), ())
        return Records(array("Q", seqs), array("q", arrivals_ms), values)

    def _translated(self, translation: Translation, given: Iterable[Placed]) -> Iterator[Placed]:
        translate, mapping = FORMATS[translation.format].translate, translation.mapping
        for seq, arrival_ms, raw in given:
            made = translate(raw, mapping)
            if isinstance(made, (Fault, Unknown)):
                self._leave(seq, raw, made)
                continue
            self._engine.tally.translated += 1
            for number, interaction in enumerate(made):
                yield within(seq, number), arrival_ms, interaction

    def _leave(self, seq: int, raw: bytes, left: Fault | Unknown) -> None:
        fault = self._engine.leave(left)
        if fault is not None and self._letters is not None:
            self._letters.write(seq, dead_line(*self._plan.place(seq), fault, raw))
