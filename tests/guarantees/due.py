"""What is due of a long input, and what came of it, compared: pair by pair, record by record, nothing kept whole.

The judge's expectation for inputs that do not fit in memory: of an event at a
tracker its name and its outcomes, of a session's events a digest. Pure; whoever reads
the topics hands their records over, partition by partition.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

from schemas.account import Accounts
from schemas.dead_letter import DeadLetter, decode_dead_letter
from schemas.ga_event import decode_event, encode_event
from schemas.receipt import decode_receipt
from streams.attribution import RuleBook
from streams.demo.expected import outcome_of
from tests.guarantees.google import Pair
from tests.guarantees.judge import Core, Verdict
from tests.kafka import Record

__all__ = ["Due", "Events", "Letters", "Outcomes", "Receipts", "name_of", "pair_of"]

Outcomes = tuple[str, ...]
"""Those of the receipts of one pair, sorted."""


def name_of(pair: Pair) -> bytes:
    """A pair in the least room."""
    return "/".join(pair).encode()


def pair_of(name: bytes) -> Pair:
    """The pair of a name."""
    event_id, _, tracker_id = name.decode().partition("/")
    return event_id, tracker_id


class Events:
    """The events of each session in their order, as a digest: the same to the byte, or not the same."""

    def __init__(self) -> None:
        self.count = 0
        self.of: Final[dict[bytes, bytes]] = {}

    def take(self, key: bytes, encoded: bytes) -> None:
        """The next one."""
        self.count += 1
        self.of[key] = blake2b(encoded, digest_size=8, key=self.of.get(key, b"")).digest()


class Due:
    """What must be in the end. One partition of the input after the other: `take` each record, then `end` it."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts, self._rules = accounts, RuleBook(accounts=accounts)
        self._core = Core(self._rules)
        self.interactions = self.sessions = 0
        self.events: Final = Events()
        self.order: Final[dict[str, int]] = {}
        """The place of each event among those of its client, for the collector."""
        self.outcomes: Final[dict[bytes, Outcomes]] = {}
        self.dead_letters: Final[dict[tuple[int, int], str]] = {}
        self.oldest_micros: int | None = None  # of the events: GA takes none of more than 72 h

    def take(self, record: Record) -> None:
        """One more record of the input."""
        self.interactions += 1
        taken = self._core.take(record)
        if taken is None:
            return
        if isinstance(taken, str):
            self.dead_letters[record.partition, record.offset] = taken
            return
        for event in taken.events:
            self.events.take(taken.key, encode_event(event))
            self.order[event.event_id] = len(self.order)
            self.oldest_micros = min(self.oldest_micros or event.timestamp_micros, event.timestamp_micros)
            account = self._accounts.of(event.account_id)
            for tracker in event.trackers:
                self.outcomes[name_of((event.event_id, tracker.id))] = (outcome_of(account, tracker.id),)

    def end(self) -> None:
        """A partition's end: no other one holds these sessions."""
        self.sessions += len(self._core.sessions)
        self._core = Core(self._rules)

    def refused(self, pairs: Collection[bytes]) -> None:
        """GA has refused these for good."""
        for pair in pairs:
            if self.outcomes.get(pair) == ("delivered",):
                self.outcomes[pair] = ("refused",)

    def put_back(self, letters: "Letters") -> None:
        """These events are read once more, for all of their trackers: those that refused them take them now."""
        again = {"delivered": "repeated", "refused": "delivered"}
        for pair in letters.of_events:
            (first,) = self.outcomes[pair]
            self.outcomes[pair] = tuple(sorted((first, again.get(first, first))))

    def at_ga(self) -> set[bytes]:
        """What GA must have."""
        return {pair for pair, outcomes in self.outcomes.items() if "delivered" in outcomes}

    # -- compared ------------------------------------------------------------------------

    def judge_events(self, verdict: Verdict, events: Events) -> None:
        """`ga-events`, without anything that was put back: each once, those of a session in their order."""
        verdict.wrong("events_of_session", *_differing(self.events.of, events.of))

    def judge_receipts(self, verdict: Verdict, receipts: "Receipts") -> None:
        """Exactly one for each pair of each event that was read, of the outcome that is due."""
        verdict.wrong("receipts", *_differing(self.outcomes, receipts.outcomes))

    def judge_letters(self, verdict: Verdict, letters: "Letters", refused: Collection[bytes]) -> None:
        """One for each bad record, and one that names each refusal; nothing else."""
        verdict.wrong("dead_letters", *_differing(self.dead_letters, letters.fields))
        verdict.wrong("dead_letters_repeated", *letters.repeated)
        verdict.wrong("dead_letters_of_refusals", *_differing(Counter(refused), letters.refused))

    def judge_arrivals(self, verdict: Verdict, times: Mapping[bytes, int], unasked: Iterable[bytes]) -> None:
        """Each once; once more only what was taken and not answered in time, so that the sender could not know."""
        wanted = self.at_ga()
        verdict.wrong("missing_at_ga", *map(bytes.decode, wanted - times.keys()))
        verdict.wrong("not_due_at_ga", *map(bytes.decode, times.keys() - wanted))
        verdict.wrong("repeated_at_ga", *map(bytes.decode, unasked))
        verdict.arrivals_repeated = sum(times.values()) - len(times)


def _differing(want: Mapping[Any, object], got: Mapping[Any, object]) -> list[str]:
    return [
        f"{key.decode() if isinstance(key, bytes) else key}: {got.get(key)} instead of {want.get(key)}"
        for key in want.keys() | got.keys()
        if want.get(key) != got.get(key)
    ]


class Receipts:
    """The receipts of a topic: outcomes by pair, and how often it took to deliver."""

    def __init__(self) -> None:
        self.outcomes: Final[dict[bytes, Outcomes]] = {}
        self.attempts: Final[Counter[int]] = Counter()
        """Pairs by the requests that it took until they were delivered."""
        self._same: Final[dict[Outcomes, Outcomes]] = {}

    def take(self, record: Record) -> None:
        """One more."""
        receipt = decode_receipt(record.value or b"")
        pair = name_of((receipt.event_id, receipt.tracker_id))
        outcomes = tuple(sorted((*self.outcomes.get(pair, ()), receipt.outcome)))
        self.outcomes[pair] = self._same.setdefault(outcomes, outcomes)
        if receipt.outcome == "delivered":
            self.attempts[receipt.attempts] += 1

    def by_outcome(self) -> Counter[str]:
        """How many there are of each."""
        return Counter(outcome for outcomes in self.outcomes.values() for outcome in outcomes)


class Letters:
    """The dead letters of a topic: of the input by position, of refused events by pair."""

    def __init__(self) -> None:
        self.fields: Final[dict[tuple[int, int], str]] = {}
        self.repeated: Final[list[tuple[int, int]]] = []
        self.refused: Final[Counter[bytes]] = Counter()
        self.of_events: Final[set[bytes]] = set()
        """All pairs of the events that were refused somewhere."""

    def take(self, record: Record) -> None:
        """One more."""
        letter = decode_dead_letter(record.value or b"")
        if letter.code == "refused":
            self._refusal(letter)
            return
        at = letter.partition, letter.offset
        if at in self.fields:
            self.repeated.append(at)
        self.fields[at] = letter.field

    def _refusal(self, letter: DeadLetter) -> None:
        event = decode_event(letter.value or b"")
        self.refused.update(name_of((event.event_id, tracker)) for tracker in letter.trackers)
        self.of_events.update(name_of((event.event_id, tracker.id)) for tracker in event.trackers)
