"""Replays small and large, and a reference: the same by the shortest way, all in memory."""

from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from schemas.ga_event import encode_event
from schemas.interaction import Fault, Interaction, Unknown, session_key
from streams.attribution import RuleBook, step
from streams.replay import Replay, Tally, replay, spill
from streams.replay.plan import Limits

CASES: Final = Path(__file__).parents[2] / "contract_cases"
LINES: Final = tuple((CASES / "interactions.jsonl").read_bytes().splitlines())
AS_OF_MS: Final = 1_767_225_600_000  # 2026-01-01: after every session, before every time that is wrong
ONE_BUCKET: Final = Limits()
IN_BUCKETS: Final = Limits(chunk_bytes=4_000, bucket_bytes=60_000)
DEALT_ANEW: Final = Limits(chunk_bytes=4_000, bucket_bytes=3_000)
ON_DISK: Final = Limits(chunk_bytes=4_000, bucket_bytes=100)


def store(placed: Iterable[tuple[int, bytes]], bucket: Path) -> None:
    """Put lines into one bucket."""
    found = list(placed)
    spill._append(bucket, array("Q", [seq for seq, _ in found]), [line for _, line in found])


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


def replayed(directory: Path, lines: Sequence[bytes], **wanted: Any) -> tuple[list[bytes], list[bytes], Tally]:
    """The events and dead letters that a replay writes of the lines, and its tally."""
    source, out, dead = directory / "in.jsonl", directory / "out.jsonl", directory / "dead.jsonl"
    source.write_bytes(b"\n".join(lines) + b"\n")
    given = {"inputs": (str(source),), "out": str(out), "dead_letters": str(dead), "book": RuleBook()}
    tally = replay(Replay(**{**given, "as_of_ms": AS_OF_MS, **wanted}))
    return out.read_bytes().splitlines(), dead.read_bytes().splitlines(), tally
