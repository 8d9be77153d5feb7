"""An explanation: the interactions of one session, what each rule did with them, and where their records lie. Pure.

Records come placed and decoded, from files or from a topic; they are applied as a
replay applies them, and nothing is worked out here a second time.
"""

from collections.abc import Iterator, Sequence

import msgspec

from schemas.interaction import Fault, Interaction, Unknown
from schemas.session import Session
from streams.attribution import Decision, RuleBook
from streams.replay.engine import decisions
from streams.replay.errors import NoSession

__all__ = [
    "Explanation",
    "FilePlace",
    "KafkaPlace",
    "Left",
    "Place",
    "Placed",
    "Step",
    "Stored",
    "chain",
    "left",
    "place_in",
    "steps",
]


class FilePlace(msgspec.Struct, frozen=True):
    """Where a record lies in a file."""

    file: str
    line: int  # from 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class KafkaPlace(msgspec.Struct, frozen=True):
    """Where a record lies in a topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] offset {self.offset}"


Place = FilePlace | KafkaPlace


def place_in(name: str, line: int) -> Place:
    """The place of a line (from 1) of an input: of a partition `kafka:TOPIC/PARTITION`, the offset and one."""
    topic, _, partition = name.removeprefix("kafka:").rpartition("/")
    return KafkaPlace(topic, int(partition), line - 1) if name.startswith("kafka:") else FilePlace(name, line)


Placed = tuple[Place, bytes, Interaction]


class Step(msgspec.Struct, frozen=True):
    """One interaction: where it stands, the session it met, what came of it."""

    at: Place
    raw: bytes
    interaction: Interaction
    before: Session | None
    decision: Decision

    @property
    def identity(self) -> str | None:
        """What `caused_by` calls it, as far as it was ever called; a duplicate is never a cause."""
        if self.decision.duplicate:
            return None
        if self.interaction.interaction_id is not None:
            return self.interaction.interaction_id
        if self.decision.events:
            return self.decision.events[0].caused_by[0]
        known = {run.serial for run in self.before.runs} if self.before else set()
        return next((run.receipt for run in self.decision.session.runs if run.serial not in known), None)


class Left(msgspec.Struct, frozen=True):
    """A record of the session that is not applied: a dead letter, or of a type that is not known."""

    at: Place
    field: str
    code: str
    reason: str


class Stored(msgspec.Struct, frozen=True):
    """What the worker's table holds of a session key."""

    at: KafkaPlace  # in the table's changelog
    last_offset: int  # of the input record that was applied last
    session: Session


class Explanation(msgspec.Struct, frozen=True):
    """One session explained."""

    key: str
    steps: tuple[Step, ...]
    left: tuple[Left, ...]
    first_kept: KafkaPlace | None = None
    """Where a topic no longer has its first records: the first that it has. What a session did before is missing."""
    is_live: bool = False
    stored: Stored | None = None
    """Of a live one, what the worker's table holds of its key; None: nothing."""


def steps(placed: Sequence[Placed], book: RuleBook, *, by_time: bool) -> Iterator[Step]:
    """What the interactions of one session key do, sorted by event time or as they lie."""
    ordered = sorted(placed, key=lambda each: each[2].timestamp) if by_time else placed
    decided = decisions((interaction for _, _, interaction in ordered), book)
    for (at, raw, interaction), (before, decision) in zip(ordered, decided, strict=True):
        yield Step(at, raw, interaction, before, decision)


def left(at: Place, decoded: Fault | Unknown) -> Left:
    """Why a record is not applied."""
    if isinstance(decoded, Unknown):
        return Left(at, "type", "unknown_type", f"type {decoded.type!r} is not known: ignored and counted")
    return Left(at, decoded.field, decoded.code, decoded.reason)


def chain(explanation: Explanation, event_id: str) -> tuple[Step, ...]:
    """The interaction that sent the event, after those that it was caused by. Raises NoSession where none did."""
    for sent in explanation.steps:
        for event in sent.decision.events:
            if event.event_id == event_id:
                causes = [step for step in explanation.steps if step.identity in event.caused_by]
                return tuple(step for step in explanation.steps if step is sent or step in causes)
    raise NoSession(
        f"no interaction of {explanation.key} sent event {event_id!r}",
        "Are --accounts, --rules and --order those that the event was made with, and its earlier records in the input?",
    )
