"""What Kafka must hold in the end, computed from what was put in; and what is wrong with what it holds.

The expectation comes from the core alone, record by record in each partition's
order. Whatever a worker's restarts, rebalances and retries did in between must
not show in it.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal

from schemas.dead_letter import decode_dead_letter
from schemas.ga_event import decode_event, encode_event
from schemas.interaction import Fault, Unknown, session_key
from schemas.session import Session, encode_session
from streams.attribution import RuleBook, step
from streams.runs import unpack
from tests.kafka import read_topic

ARRIVAL_ORDER = ("partition", "offset")


@dataclass
class Expected:
    """By session key: its events in order and its last state; and the dead letters by position."""

    events: dict[bytes, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    sessions: dict[bytes, bytes] = field(default_factory=dict)
    dead_letters: dict[tuple[int, int], str] = field(default_factory=dict)


def expected(records, rules: RuleBook | None = None, *, check_keys: bool = True) -> Expected:
    """What must come of a topic's records, in the order in which they lie there."""
    rules = rules or RuleBook()
    found, sessions = Expected(), dict[bytes, Session]()
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        decoded = rules.decode(record.value, record.timestamp_ms)
        if isinstance(decoded, Unknown):
            continue
        if isinstance(decoded, Fault):
            found.dead_letters[record.partition, record.offset] = decoded.field
            continue
        key = session_key(decoded).encode()
        if check_keys and record.key != key:
            found.dead_letters[record.partition, record.offset] = "key"
            continue
        decision = step(sessions.get(key), decoded, rules.of(decoded.account_id))
        sessions[key] = decision.session
        found.events[key] += [encode_event(event) for event in decision.events]
    found.sessions = {key: encode_session(session) for key, session in sessions.items()}
    return found


@dataclass
class Verdict:
    """What is wrong; `repeats` is not wrong by itself."""

    missing: int = 0
    extra: int = 0
    not_identical: int = 0
    out_of_order: int = 0
    wrong_sessions: int = 0
    wrong_dead_letters: int = 0
    repeats: int = 0

    @property
    def faults(self) -> dict[str, int]:
        """All that may never be, by name."""
        return {name: count for name, count in vars(self).items() if count and name != "repeats"}


async def judge(
    bootstrap: str,
    prefix: str,
    group: str,
    want: Expected,
    *,
    isolation: Literal["read_uncommitted", "read_committed"] = "read_uncommitted",
) -> Verdict:
    """Compare `ga-events`, `dead-letters` and the sessions' changelog with what is expected."""
    verdict = Verdict()
    got: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for record in await read_topic(bootstrap, f"{prefix}ga-events", isolation=isolation):
        got[record.key or b""].append(record.value or b"")
    for key in want.events.keys() | got.keys():
        _compare_events(verdict, want.events.get(key, []), got.get(key, []))
    letters = {}
    for record in await read_topic(bootstrap, f"{prefix}dead-letters", isolation=isolation):
        letter = decode_dead_letter(record.value or b"")
        verdict.repeats += (letter.partition, letter.offset) in letters
        letters[letter.partition, letter.offset] = letter.field
    verdict.wrong_dead_letters = len(want.dead_letters.items() ^ letters.items())
    last: dict[bytes, bytes | None] = {}
    for record in await read_topic(bootstrap, f"{prefix}{group}-sessions-changelog", isolation=isolation):
        last[record.key or b""] = record.value
    for key in want.sessions.keys() | last.keys():
        stored = last.get(key)
        verdict.wrong_sessions += stored is None or bytes(unpack(stored).payload) != want.sessions.get(key)
    return verdict


def _compare_events(verdict: Verdict, want: list[bytes], got: list[bytes]) -> None:
    """A repeat is a whole event once more, to the byte; what is left without repeats must be what is wanted."""
    due, have = Counter(want), Counter(got)
    verdict.missing += sum((due - have).values())
    surplus = have - due
    verdict.repeats += sum(count for value, count in surplus.items() if value in due)
    wanted_ids = {decode_event(value).event_id for value in due}
    for value in surplus.keys() - due.keys():
        if decode_event(value).event_id in wanted_ids:
            verdict.not_identical += 1
        else:
            verdict.extra += 1
    verdict.out_of_order += list(dict.fromkeys(want)) != list(dict.fromkeys(got))
