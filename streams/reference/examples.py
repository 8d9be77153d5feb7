"""Examples of what chat2ga writes, made by the code that writes it.

The interactions in schemas/examples/chat-interactions are written by hand: they
are what a sender sends. Of them come the others: `step` gives the events of the
story, `decode` the faults of the dead letters.
"""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.account import Account
from schemas.dead_letter import DeadLetter, Stage, encode_dead_letter, kept_bytes
from schemas.decoding import MAX_RECORD_BYTES, decode_interaction
from schemas.ga_event import GaEvent, encode_event
from schemas.interaction import Fault, Unknown
from schemas.options import Options
from schemas.receipt import Outcome, Receipt, encode_receipt
from streams.attribution import RuleBook, Rules, step

__all__ = ["EXAMPLES", "examples", "fault_of", "story_events"]

EXAMPLES: Final = Path("schemas/examples")
_INTERACTIONS: Final = EXAMPLES / "chat-interactions"
_ARRIVED_MS: Final = 1_772_443_000_000
_ANY_TIME_MICROS: Final = 1 << 62

_RECEIPTS: Final[dict[Outcome, dict[str, Any]]] = {
    "delivered": {"status": 204, "attempts": 1},
    "repeated": {"reason": "The ledger has it as delivered"},
    "no_secret": {"reason": "No API secret is set for this tracker"},
    "plan": {"reason": "The account's plan does not deliver to GA"},
    "expired": {"reason": "Older than the 72 h that GA takes"},
    "refused": {"status": 400, "attempts": 1, "reason": "The endpoint refused it"},
    "rejected": {"reason": "It breaks a published limit of GA"},
    "no_endpoint": {"reason": "Google's endpoint for UA is off, and no other is set"},
}
# From which interaction a dead letter is made, and of what stage.
_DEAD_LETTERS: Final[dict[str, Stage]] = {
    "invalid-tombstone": "attribute",
    "invalid-not-utf-8": "attribute",
    "invalid-a-list": "attribute",
    "invalid-naive-timestamp": "attribute",
    "invalid-automation-of-unknown-kind": "rekey",
    "invalid-ahead-of-its-arrival": "attribute",
    "ignored-unknown-type": "attribute",
}


def examples(root: Path) -> dict[str, str]:
    """Every example that is made, by its path from `root`, the project's directory."""
    events = story_events(root)
    first_of_name = {event.name: event for event in reversed(events)}
    made: dict[Path, bytes] = {}
    for event_name, event in first_of_name.items():
        path = EXAMPLES / "ga-events" / f"valid-{event_name.lower().replace('_', '-')}.json"
        made[path] = encode_event(event)
    for outcome in _RECEIPTS:
        path = EXAMPLES / "ga-receipts" / f"valid-{outcome.replace('_', '-')}.json"
        made[path] = encode_receipt(_receipt(events[-1], outcome))
    for offset, name in enumerate(_DEAD_LETTERS):
        path = EXAMPLES / "dead-letters" / f"valid-{name.partition('-')[2]}.json"
        made[path] = encode_dead_letter(_dead_letter(root, name, offset))
    refused = EXAMPLES / "dead-letters" / "valid-refused.json"
    made[refused] = encode_dead_letter(_refused(events[-1], len(_DEAD_LETTERS)))
    return {str(path): msgspec.json.format(raw, indent=2).decode() + "\n" for path, raw in made.items()}


def story_events(root: Path) -> list[GaEvent]:
    """The events of the story: one visit in which each of the 17 happens."""
    session = None
    events: list[GaEvent] = []
    for line in (root / _INTERACTIONS / "story.jsonl").read_bytes().splitlines():
        interaction = decode_interaction(line, _ANY_TIME_MICROS)
        if isinstance(interaction, (Fault, Unknown)):
            raise TypeError(f"the story holds no interaction: {interaction}")
        decision = step(session, interaction, Rules.of(account=Account()))
        session = decision.session
        events += decision.events
    return events


def fault_of(path: Path) -> tuple[bytes | None, Fault]:
    """The bytes of an interaction that is none, and what is wrong with it.

    The file holds the record under `record`, or the name of the file with its
    bytes under `bytes_in` (null: it has no value); `arrived_ms` where it matters.
    Raises TypeError where nothing is wrong.
    """
    given = json.loads(path.read_text(encoding="utf-8"))
    if "type" in given:  # an unknown one, ignored unless the options say otherwise
        value: bytes | None = json.dumps(given).encode()
    elif "bytes_in" in given:
        value = given["bytes_in"] and (path.parent / given["bytes_in"]).read_bytes()
    else:
        value = json.dumps(given["record"]).encode()
    fault = RuleBook(Options(unknown_types="dead_letter")).decode(value, given.get("arrived_ms", -1))
    if not isinstance(fault, Fault):
        raise TypeError(f"{path}: nothing is wrong with this record")
    return value, fault


def _receipt(event: GaEvent, outcome: Outcome) -> Receipt:
    said = _RECEIPTS[outcome]
    sent_micros = event.timestamp_micros + 250_000 if said.get("attempts") else None
    return Receipt(
        event_id=event.event_id,
        tracker_id=event.trackers[0].id,
        account_id=event.account_id,
        session_id=event.session_id,
        name=event.name,
        outcome=outcome,
        event_micros=event.timestamp_micros,
        sent_micros=sent_micros,
        answered_micros=None if sent_micros is None else sent_micros + 80_000,
        **said,
    )


def _refused(event: GaEvent, offset: int) -> DeadLetter:
    trackers = tuple(tracker.id for tracker in event.trackers[:1])
    value = encode_event(event)
    return DeadLetter(
        topic="ga-events",
        partition=0,
        offset=offset,
        timestamp_ms=_ARRIVED_MS,
        stage="deliver",
        field="trackers",
        code="refused",
        reason=f"Refused for good: {trackers[0]} with status 400",
        key=b"acme/s/s-1",
        value=value,
        size=len(value),
        trackers=trackers,
    )


def _dead_letter(root: Path, name: str, offset: int) -> DeadLetter:
    value, fault = fault_of(root / _INTERACTIONS / f"{name}.json")
    kept, truncated, size, sha256 = kept_bytes(value, MAX_RECORD_BYTES)
    return DeadLetter(
        topic="chat-interactions",
        partition=0,
        offset=offset,
        timestamp_ms=_ARRIVED_MS,
        stage=_DEAD_LETTERS[name],
        field=fault.field,
        code=fault.code,
        reason=fault.reason,
        key=b"acme/s/s-1",
        value=kept,
        truncated=truncated,
        size=size,
        sha256=sha256,
    )
