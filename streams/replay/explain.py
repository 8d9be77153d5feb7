"""Why the events of a session are what they are, from files: every interaction, what each rule did, what it changed.

The records of a session that is named are found in one pass over the input. What is
asked for by a conversation, a visitor or an event takes two: a replay finds the keys,
in bounded memory, and then their records are read. More is never held than the
records of the sessions that are explained.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec

from streams.attribution import RuleBook
from streams.replay.errors import BadInput
from streams.replay.explanation import Explanation, place_in
from streams.replay.gathering import MAX_SESSIONS, AnyOf, Gathering, Wanted, no_session, not_too_many
from streams.replay.inputs import Input, inputs_of, pieces, total_bytes
from streams.replay.naming import Asked, Holding, Keys, Named, Sent, decode_key
from streams.replay.places import LongLine, place
from streams.replay.plan import Limits, Translation
from streams.replay.run import Progress, Replay, replay
from streams.replay.translating import translated

__all__ = ["Question", "explain"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions are to be explained, of which files."""

    inputs: tuple[str | Input, ...]
    asked: Asked
    book: RuleBook
    as_of_ms: int
    translation: Translation | None = None  # of another format
    order: Literal["time", "arrival"] = "time"
    jobs: int = 1
    limits: Limits = Limits()


def _unheard(*_: object) -> None:
    pass


def explain(question: Question, progress: Progress = _unheard) -> tuple[Explanation, ...]:
    """The sessions asked for. Raises NoSession where there is none, ManySessions where a name means several."""
    asked = question.asked
    wanted = asked if isinstance(asked, Named) else _keys(question, asked, progress)
    gathering = _gathered(question, wanted, progress)
    return gathering.explained(asked, question.book, by_time=question.order == "time")


def _keys(question: Question, asked: Holding | Sent, progress: Progress) -> AnyOf:
    """The keys of the sessions that hold what is asked for. Raises NoSession, and ManySessions of too many."""
    for each in inputs_of(question.inputs):
        if each.identity is None:
            raise BadInput(each.name, f"{asked} is looked for in two passes, and this is there once. Name a file.")
    with TemporaryDirectory(prefix="chat2ga-explain-", ignore_cleanup_errors=True) as directory:
        out = Path(directory, "keys.jsonl")
        wanted = Replay(
            inputs=question.inputs,
            out=str(out),
            book=question.book,
            as_of_ms=question.as_of_ms,
            translation=question.translation,
            order=question.order,
            jobs=question.jobs,
            limits=question.limits,
            product=Keys(asked, question.book),
        )
        records = replay(wanted, progress).records
        keys: list[str] = []
        count = 0
        with out.open("rb") as file:
            for count, line in enumerate(file, 1):
                if count <= MAX_SESSIONS:
                    keys.append(decode_key(line))
    if not keys:
        raise no_session(asked, records)
    not_too_many(asked, tuple(keys), count)
    return AnyOf(frozenset(keys))


def _gathered(question: Question, wanted: Wanted, progress: Progress) -> Gathering:
    gathering = Gathering(wanted)
    inputs = inputs_of(question.inputs)
    of_bytes, read_bytes = total_bytes(inputs), 0

    def read(size: int) -> None:
        nonlocal read_bytes
        read_bytes += size
        progress("reading", read_bytes, of_bytes)

    for piece in pieces(inputs, read=read):
        if isinstance(piece, LongLine):
            gathering.records += 1
            continue
        for seq, arrival_ms, raw, left in translated(question.translation, piece.records(question.as_of_ms)):
            file, number = place(seq)
            at = place_in(inputs[file].name, number)
            gathering.add(at, raw, left or question.book.decode(raw, arrival_ms))
    return gathering
