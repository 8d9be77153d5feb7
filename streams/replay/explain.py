"""Why the events of one session are what they are: every interaction, what each rule did with it, and what it changed.

The interactions are read, sorted and applied as a replay does; nothing is worked
out here a second time.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from schemas.interaction import Fault, Interaction, Unknown, session_key
from schemas.session import Session
from streams.attribution import Decision, RuleBook
from streams.replay.dead_letters import Oversized
from streams.replay.engine import decisions
from streams.replay.errors import ManySessions, NoSession
from streams.replay.inputs import Input, inputs_of, lines
from streams.replay.places import place

__all__ = ["Explanation", "Left", "Question", "Step", "chain", "explain"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which session is to be explained, of which files."""

    inputs: tuple[str, ...]
    session: str
    """A `session_id`; a visitor's, `<visitor_id>@<ms>`; all of a visitor's, `<visitor_id>`; or a record key."""
    account: str | None = None
    book: RuleBook
    as_of_ms: int
    order: Literal["time", "arrival"] = "time"


class Step(msgspec.Struct, frozen=True):
    """One interaction: where it stands, the session it met, what came of it."""

    file: str
    line: int
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
    """A record of the session that is no interaction: a dead letter, or of a type that is not known."""

    file: str
    line: int
    field: str
    code: str
    reason: str


class Explanation(msgspec.Struct, frozen=True):
    """One session explained."""

    key: str
    steps: tuple[Step, ...]
    left: tuple[Left, ...]


def explain(question: Question, read: Callable[[int], None] | None = None) -> Explanation:
    """The session asked for. Raises NoSession or ManySessions where that is not one."""
    inputs = inputs_of(question.inputs)
    found, left, records = _found(question, inputs, read)
    steps = {key: tuple(_steps(question, inputs, placed)) for key, placed in found.items()}
    asked = {key: chosen for key, each in steps.items() if (chosen := _asked(question.session, each))}
    keys = tuple(asked) or tuple(dict.fromkeys(key for key, _ in left))
    if not keys:
        raise NoSession(
            f"none of the {records} records belongs to session {question.session!r}"
            + (f" of account {question.account!r}" if question.account else ""),
            "A session goes by its session_id, <visitor_id>@<ms> or its record key, as events and topics show them.",
        )
    if len(keys) > 1:
        raise ManySessions(question.session, keys)
    return Explanation(keys[0], asked.get(keys[0], ()), tuple(each for key, each in left if key == keys[0]))


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


Placed = tuple[int, bytes, Interaction]


def _found(
    question: Question, inputs: Sequence[Input], read: Callable[[int], None] | None
) -> tuple[dict[str, list[Placed]], list[tuple[str, Left]], int]:
    """The interactions by session key, what is left of the sessions' records with theirs, and how many were read."""
    found: dict[str, list[Placed]] = {}
    left: list[tuple[str, Left]] = []
    records = 0
    for seq, line in lines(inputs, read):
        records += 1
        if isinstance(line, Oversized):
            continue
        decoded = question.book.decode(line, question.as_of_ms)
        if isinstance(decoded, (Fault, Unknown)):
            if key := _key_of_left(question, line):
                file, number = place(seq)
                left.append((key, _left(inputs[file].name, number, decoded)))
        elif _named(question, decoded.account_id, decoded.session_id, decoded.visitor_id):
            found.setdefault(session_key(decoded), []).append((seq, line, decoded))
    return found, left, records


def _named(question: Question, account_id: object, session_id: object, visitor_id: object) -> bool:
    """Whether the session asked for may be this one."""
    session = question.session
    if question.account not in (None, account_id):
        return False
    if session_id is not None:
        return session in (session_id, f"{account_id}/s/{session_id}")
    if visitor_id is None:
        return False
    return session == f"{account_id}/v/{visitor_id}" or visitor_id in (session, _visitor_of(session))


def _visitor_of(session: str) -> str | None:
    """The visitor of a session that is named `<visitor_id>@<ms>`."""
    visitor_id, at, began = session.rpartition("@")
    return visitor_id if at and began.isdigit() else None


def _key_of_left(question: Question, line: bytes) -> str | None:
    """The session key of a record that is no interaction, as far as one can tell."""
    try:
        record: Any = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if type(record) is not dict:
        return None
    account_id, session_id, visitor_id = (record.get(name) for name in ("account_id", "session_id", "visitor_id"))
    if not _named(question, account_id, session_id, visitor_id):
        return None
    return f"{account_id}/s/{session_id}" if session_id is not None else f"{account_id}/v/{visitor_id}"


def _left(file: str, line: int, decoded: Fault | Unknown) -> Left:
    if isinstance(decoded, Unknown):
        return Left(file, line, "type", "unknown_type", f"type {decoded.type!r} is not known: ignored and counted")
    return Left(file, line, decoded.field, decoded.code, decoded.reason)


def _steps(question: Question, inputs: Sequence[Input], placed: Sequence[Placed]) -> Iterator[Step]:
    ordered = sorted(placed, key=lambda each: each[2].timestamp) if question.order == "time" else placed
    decided = decisions((interaction for _, _, interaction in ordered), question.book)
    for (seq, raw, interaction), (before, decision) in zip(ordered, decided, strict=True):
        file, line = place(seq)
        yield Step(inputs[file].name, line, raw, interaction, before, decision)


def _asked(session: str, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Of a visitor's sessions the one that was named, if one was."""
    if steps and steps[0].interaction.session_id is None and _visitor_of(session) == steps[0].interaction.visitor_id:
        return tuple(step for step in steps if step.decision.session.session_id == session)
    return tuple(steps)
