"""Replays small and large, and a reference: the same by the shortest way, all in memory."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from schemas.decoding import session_key
from schemas.ga_event import encode_event
from schemas.interaction import Fault, Interaction, Unknown
from streams.attribution import RuleBook, step
from streams.replay import Events, Progress, Replay, Tally, replay
from streams.replay.places import line_at
from streams.replay.plan import Limits, Plan
from streams.replay.spill import deal

CASES: Final = Path(__file__).parents[2] / "contract_cases"
LINES: Final = tuple((CASES / "interactions.jsonl").read_bytes().splitlines())
AS_OF_MS: Final = 1_767_225_600_000  # 2026-01-01: after every session, before every time that is wrong
ONE_BUCKET: Final = Limits()
IN_BUCKETS: Final = Limits(chunk_bytes=4_000, bucket_bytes=60_000)
ON_DISK: Final = Limits(chunk_bytes=4_000, bucket_bytes=100, max_buckets=4)


def plan(directory: Path, **wanted: Any) -> Plan:
    """A plan of a replay of one file, in this directory."""
    book = RuleBook()
    given = {
        "book": book,
        "product": Events(book),
        "as_of_ms": AS_OF_MS,
        "by_time": True,
        "names": ("in.jsonl",),
        "directory": directory,
        "buckets": 1,
        "translation": None,
        "durable": False,
        "keep_dead_letters": True,
        "limits": Limits(),
    }
    return Plan(**{**given, **wanted})


def store(lines: Iterable[bytes], plan: Plan) -> None:
    """Deal lines, as if they were a piece of the input each 500."""
    for number, piece in enumerate(batched(enumerate(lines), 500)):
        placed = [(line_at(0, n), AS_OF_MS, line) for n, line in piece]
        deal(placed, plan.buckets, plan.dealt_file(number))


def batched(given: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """In pieces of that size, the last perhaps smaller."""
    rest = iter(given)
    while piece := list(islice(rest, size)):
        yield piece


def reference(lines: Sequence[bytes], order: str = "time", book: RuleBook | None = None) -> list[bytes]:
    """The events of the lines, as encoded, in their order."""
    book = book or RuleBook()
    by_key: dict[str, list[Interaction]] = {}
    for line in lines:
        decoded = book.decode(line, AS_OF_MS)
        if not isinstance(decoded, (Fault, Unknown)):
            by_key.setdefault(session_key(decoded), []).append(decoded)
    events: list[bytes] = []
    for said in by_key.values():
        session = None
        for one in sorted(said, key=lambda i: i.timestamp) if order == "time" else said:
            decision = step(session, one, book.of(one.account_id))
            session = decision.session
            events += map(encode_event, decision.events)
    return events


def replayed(
    directory: Path, lines: Sequence[bytes] | None, progress: Progress = lambda *_: None, **wanted: Any
) -> tuple[list[bytes], list[bytes], Tally]:
    """The events and dead letters that a replay writes of the lines, or of those before, and its tally."""
    source, out, dead = directory / "in.jsonl", directory / "out.jsonl", directory / "dead.jsonl"
    if lines is not None:
        source.write_bytes(b"\n".join(lines) + b"\n")
    given = {"inputs": (str(source),), "out": str(out), "dead_letters": str(dead), "book": RuleBook()}
    tally = replay(Replay(**{**given, "as_of_ms": AS_OF_MS, **wanted}), progress)
    if not out.exists():
        return [], dead.read_bytes().splitlines(), tally
    return out.read_bytes().splitlines(), dead.read_bytes().splitlines(), tally
