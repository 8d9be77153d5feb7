"""What Kafka and Google must hold in the end, computed from what was put in; and what is wrong with what they hold.

The expectation comes from the core alone, record by record in each partition's
order. Whatever a worker's restarts, rebalances and retries did in between must
not show in it. `tests/guarantees/test_broken.py` shows that the judge sees what
it is there to see.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from schemas.account import Accounts
from schemas.dead_letter import DeadLetter, decode_dead_letter
from schemas.decoding import session_key
from schemas.ga_event import GaEvent, decode_event, encode_event
from schemas.interaction import Fault, Unknown
from schemas.receipt import decode_receipt
from schemas.session import Session, encode_session
from streams.attribution import RuleBook, step
from streams.demo.expected import outcome_of
from streams.runs import ROOT_KEY, unpack
from streams.runs.tombstone import UNKNOWN, seen_by
from tests.guarantees.google import Google, Pair
from tests.kafka import Record, read_topic
from tests.kafka.records import Isolation

__all__ = ["Core", "Expected", "Taken", "Verdict", "expected", "judge"]

_EXAMPLES: Final = 3


@dataclass
class Expected:
    """By session key: its events in order and its last state; the dead letters by position; what GA is to get."""

    events: dict[bytes, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    sessions: dict[bytes, bytes] = field(default_factory=dict)
    removable: set[bytes] = field(default_factory=set)
    """Sessions that lie past their gap by the watermark of their partition: they may be gone."""
    dead_letters: dict[tuple[int, int], str] = field(default_factory=dict)
    receipts: dict[Pair, str] = field(default_factory=dict)
    """The outcome of each event at each of its trackers."""

    @property
    def delivered(self) -> set[Pair]:
        """What GA is to get."""
        return {pair for pair, outcome in self.receipts.items() if outcome == "delivered"}


class Taken(NamedTuple):
    """An interaction that was applied, or dropped as a duplicate, and what came of it."""

    key: bytes
    micros: int  # its time
    session: Session
    events: Sequence[GaEvent]


class Core:
    """The core over the records of a topic, each partition's in their order."""

    def __init__(self, rules: RuleBook, *, check_keys: bool = True) -> None:
        self.rules, self._check_keys = rules, check_keys
        self.sessions: dict[bytes, Session] = {}

    def take(self, record: Record) -> Taken | str | None:
        """What becomes of a record; the field at fault where it is a dead letter; None where it is passed over."""
        decoded = self.rules.decode(record.value, record.timestamp_ms)
        if isinstance(decoded, Unknown):
            return None
        if isinstance(decoded, Fault):
            return decoded.field
        key = session_key(decoded).encode()
        if self._check_keys and record.key != key:
            return "key"
        decision = step(self.sessions.get(key), decoded, self.rules.of(decoded.account_id))
        self.sessions[key] = decision.session
        return Taken(key, int(decoded.timestamp), decision.session, decision.events)


def expected(
    records: Iterable[Record],
    rules: RuleBook | None = None,
    *,
    accounts: Accounts | None = None,
    check_keys: bool = True,
) -> Expected:
    """What must come of a topic's records, in the order in which they lie there."""
    accounts = accounts or Accounts()
    core = Core(rules or RuleBook(accounts=accounts), check_keys=check_keys)
    found, expires = Expected(), dict[bytes, tuple[int, int]]()
    watermarks: defaultdict[int, int] = defaultdict(int)
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        taken = core.take(record)
        if taken is None:
            continue
        if isinstance(taken, str):
            found.dead_letters[record.partition, record.offset] = taken
            continue
        gap = core.rules.default.gap_micros(of_visitor=taken.session.of_visitor) + core.rules.max_ahead_micros
        expires[taken.key] = record.partition, taken.session.last_micros + gap
        watermarks[record.partition] = max(watermarks[record.partition], taken.micros)
        for event in taken.events:
            found.events[taken.key].append(encode_event(event))
            for tracker in event.trackers:
                account = accounts.of(event.account_id)
                found.receipts[event.event_id, tracker.id] = outcome_of(account, tracker.id)
    sessions = core.sessions
    found.sessions = {key: encode_session(session) for key, session in sessions.items()}
    found.removable = {key for key, (partition, at) in expires.items() if at < watermarks[partition]}
    return found


class Verdict:
    """What is wrong, by name, each with where; and what is not wrong by itself, counted."""

    def __init__(self) -> None:
        self.found: defaultdict[str, list[str]] = defaultdict(list)
        self.repeats = 0  # events of `ga-events`, and dead letters, once more, to the byte
        self.stale_writes = 0  # changelog records behind newer ones of their key, which recovery passes over
        self.arrivals_repeated = 0  # events that GA took more than once
        self.requests_repeated = 0  # requests that GA took, of which it took something again later

    @property
    def faults(self) -> dict[str, int]:
        """All that may never be, by name."""
        return {name: len(places) for name, places in self.found.items()}

    def wrong(self, name: str, *places: object) -> None:
        """Something that may never be, at these places."""
        if places:
            self.found[name] += [str(place) for place in places]

    def __str__(self) -> str:
        told = [
            f"{name}: {len(places)}, first {'; '.join(places[:_EXAMPLES])}" for name, places in self.found.items()
        ] or ["no fault"]
        told.append(
            f"{self.repeats} repeats, {self.stale_writes} stale writes; at GA {self.arrivals_repeated} events "
            f"of {self.requests_repeated} requests more than once"
        )
        return "\n".join(told)


async def judge(
    bootstrap: str,
    prefix: str,
    group: str,
    want: Expected,
    google: Google | None = None,
    *,
    isolation: Isolation = "read_uncommitted",
) -> Verdict:
    """Compare `ga-events`, `dead-letters` and the sessions' changelog with what is expected.

    With `google` also `ga-receipts`, the ledger's changelog and what it took. Where only
    what was committed is read, a repeat is a fault.
    """

    async def read(topic: str) -> list[Record]:
        return await read_topic(bootstrap, f"{prefix}{topic}", isolation=isolation)

    verdict = Verdict()
    _judge_events(verdict, want, await read("ga-events"))
    letters = [decode_dead_letter(record.value or b"") for record in await read("dead-letters")]
    _judge_dead_letters(verdict, want, [letter for letter in letters if letter.code != "refused"])
    _judge_sessions(verdict, want, await read(f"{group}-sessions-changelog"))
    if google is not None:
        receipts = await read("ga-receipts")
        _judge_receipts(verdict, want, receipts)
        _judge_refusals(verdict, receipts, [letter for letter in letters if letter.code == "refused"])
        _judge_ledger(verdict, want, await read(f"{group}-ledger-changelog"))
        _judge_google(verdict, want, google)
    if isolation == "read_committed":  # where nobody may do anything twice
        verdict.wrong("repeated", *["an event or a dead letter"] * verdict.repeats)
        verdict.wrong("stale_write", *["a changelog record behind a newer one"] * verdict.stale_writes)
    return verdict


def _judge_events(verdict: Verdict, want: Expected, records: Iterable[Record]) -> None:
    got: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for record in records:
        got[record.key or b""].append(record.value or b"")
    for key in want.events.keys() | got.keys():
        _compare_events(verdict, key, want.events.get(key, []), got.get(key, []))


def _compare_events(verdict: Verdict, key: bytes, want: list[bytes], got: list[bytes]) -> None:
    """A repeat is a whole event once more, to the byte; what is left without repeats must be what is wanted."""
    due, have = Counter(want), Counter(got)
    verdict.wrong("missing", *[_told(key, value) for value in (due - have).elements()])
    surplus = have - due
    verdict.repeats += sum(count for value, count in surplus.items() if value in due)
    wanted_ids = {decode_event(value).event_id for value in due}
    for value in surplus.keys() - due.keys():
        known = decode_event(value).event_id in wanted_ids
        verdict.wrong("not_identical" if known else "not_expected", _told(key, value))
    if [value for value in dict.fromkeys(want) if value in have] != [
        value for value in dict.fromkeys(got) if value in due
    ]:
        verdict.wrong("out_of_order", key)


def _told(key: bytes, value: bytes) -> str:
    return f"{decode_event(value).name} of {key.decode(errors='replace')}"


def _judge_dead_letters(verdict: Verdict, want: Expected, letters: Iterable[DeadLetter]) -> None:
    got = {}
    for letter in letters:
        verdict.repeats += (letter.partition, letter.offset) in got
        got[letter.partition, letter.offset] = letter.field
    verdict.wrong("wrong_dead_letters", *sorted(want.dead_letters.items() ^ got.items()))


def _judge_sessions(verdict: Verdict, want: Expected, records: Iterable[Record]) -> None:
    """The table as recovery reads it: of a key, what has seen most, also where that is a tombstone.

    And as compaction leaves it: of a key, the last record.
    """
    table: dict[bytes, bytes | None] = {}
    last: dict[bytes, bytes | None] = {}
    for record in records:
        key, value = record.key or b"", record.value
        if key == ROOT_KEY:
            continue  # of the table itself: which input it stems from
        last[key] = value
        known, last_offset = table.get(key), seen_by(value, record.headers)
        if known is not None and last_offset != UNKNOWN and unpack(known).last_offset > last_offset:
            verdict.stale_writes += 1
            continue
        table[key] = value
    for key in want.sessions.keys() | table.keys():
        stored = table.get(key)
        if stored is None:
            if key in want.sessions and key not in want.removable:
                verdict.wrong("session_missing", key)
        elif bytes(unpack(stored).payload) != want.sessions.get(key):
            verdict.wrong("wrong_session", key)
        if last.get(key) != stored:
            verdict.wrong("lost_by_compaction", key)


def _judge_receipts(verdict: Verdict, want: Expected, records: Iterable[Record]) -> None:
    got: defaultdict[Pair, set[str]] = defaultdict(set)
    for record in records:
        receipt = decode_receipt(record.value or b"")
        got[receipt.event_id, receipt.tracker_id].add(receipt.outcome)
    verdict.wrong("receipt_missing", *[pair for pair, outcome in want.receipts.items() if outcome not in got[pair]])
    for pair, outcomes in got.items():
        verdict.wrong(
            "wrong_receipt", *[(pair, outcome) for outcome in outcomes - {want.receipts.get(pair), "repeated"}]
        )


def _judge_refusals(verdict: Verdict, records: Iterable[Record], letters: Iterable[DeadLetter]) -> None:
    """What GA refused for good and has not taken later is in a dead letter; and nothing else is in one."""
    by_outcome: defaultdict[str, set[Pair]] = defaultdict(set)
    for record in records:
        receipt = decode_receipt(record.value or b"")
        by_outcome[receipt.outcome].add((receipt.event_id, receipt.tracker_id))
    kept = {(decode_event(each.value or b"").event_id, tracker) for each in letters for tracker in each.trackers}
    verdict.wrong("refused_without_dead_letter", *(by_outcome["refused"] - by_outcome["delivered"] - kept))
    verdict.wrong("dead_letter_of_none_refused", *(kept - by_outcome["refused"]))


def _judge_ledger(verdict: Verdict, want: Expected, records: Iterable[Record]) -> None:
    table = {record.key: record.value for record in records if record.key != ROOT_KEY}
    now_micros = time.time_ns() // 1000
    held = {key for key, value in table.items() if value is not None}
    gone = {key for key, value in table.items() if value is None}
    due = {f"{event_id}/{tracker_id}".encode() for event_id, tracker_id in want.delivered}
    verdict.wrong("ledger_missing", *(due - held - gone))
    verdict.wrong("not_expected_in_ledger", *(held - due))
    expired = [key for key in held if (stored := table[key]) is not None and unpack(stored).expires_micros < now_micros]
    verdict.wrong("ledger_of_the_past", *expired)


def _judge_google(verdict: Verdict, want: Expected, google: Google) -> None:
    arrived = google.arrived()
    verdict.wrong("missing_at_ga", *(want.delivered - arrived))
    verdict.wrong("not_expected_at_ga", *(arrived - want.delivered))
    for rule, count in google.summary()["violations"].items():
        verdict.wrong("violation", f"{rule}, {count} times")
    verdict.arrivals_repeated = google.arrivals() - len(arrived)
    verdict.requests_repeated = google.requests_repeated()
