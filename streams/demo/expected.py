"""What a stream of records must become: the same core, in this process, without Kafka.

The demo holds the worker, its topics and the collector to it. Records are taken in
the order in which they were sent, which is each session's order of arrival.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

from schemas.account import Account, Accounts
from schemas.decoding import session_key
from schemas.ga_event import LEGACY_NAMES, GaEvent, encode_event
from schemas.interaction import Fault, Interaction, Unknown
from schemas.receipt import Outcome
from streams.attribution import RuleBook, step
from streams.demo.traffic import Record

if TYPE_CHECKING:
    from schemas.session import Session

__all__ = ["Expected", "Protocol", "outcome_of"]

Protocol = Literal["ga4", "ua"]


class Expected:
    """What came of the records here, and so has to come of them elsewhere."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts: Final = accounts
        self._rules: Final = RuleBook(accounts=accounts)
        self._sessions: Final[dict[bytes, Session]] = {}
        self.records = 0
        self.applied = 0
        self.unknown_types = 0
        self.duplicates: Final[Counter[str]] = Counter()
        """By the check that found them."""
        self.dead_letters: Final[Counter[tuple[str, str]]] = Counter()
        """By field and code."""
        self.events: Final[defaultdict[bytes, list[bytes]]] = defaultdict(list)
        """The events of each session key, encoded, in their order."""
        self.names: Final[Counter[str]] = Counter()
        """Events by name."""
        self.delivered: Final[Counter[tuple[Protocol, str]]] = Counter()
        """By protocol and the name there: how often an event reaches a tracker. One event may have several."""
        self.receipts: Final[Counter[Outcome]] = Counter()

    @property
    def sessions(self) -> int:
        """How many sessions there were."""
        return len(self._sessions)

    def take_all(self, records: Iterable[Record]) -> None:
        """Take records in their order."""
        for record in records:
            self.take(record)

    def take(self, record: Record) -> tuple[GaEvent, ...]:
        """One more record; the events it gave."""
        self.records += 1
        decoded = self._rules.decode(record.value, record.arrival_ms)
        if isinstance(decoded, Unknown):
            self.unknown_types += 1
            return ()
        if isinstance(decoded, Fault):
            self.dead_letters[decoded.field, decoded.code] += 1
            return ()
        if record.key is None or record.key != session_key(decoded).encode():
            self.dead_letters["key", "no_key" if record.key is None else "wrong_key"] += 1
            return ()
        return self._apply(record.key, decoded)

    def _apply(self, key: bytes, interaction: Interaction) -> tuple[GaEvent, ...]:
        decision = step(self._sessions.get(key), interaction, self._rules.of(interaction.account_id))
        self._sessions[key] = decision.session
        if decision.duplicate:
            self.duplicates[decision.duplicate] += 1
        else:
            self.applied += 1
        for event in decision.events:
            self.events[key].append(encode_event(event))
            self.names[event.name] += 1
            self._deliver(event)
        return decision.events

    def _deliver(self, event: GaEvent) -> None:
        account = self._accounts.of(event.account_id)
        for tracker in event.trackers:
            outcome = outcome_of(account, tracker.id)
            self.receipts[outcome] += 1
            if outcome == "delivered":
                protocol: Protocol = "ga4" if tracker.id.startswith("G-") else "ua"
                legacy = protocol == "ua" and account.naming == "legacy"
                self.delivered[protocol, LEGACY_NAMES[event.name] if legacy else event.name] += 1


def outcome_of(account: Account, tracker_id: str) -> Outcome:
    """What becomes of a sound and recent event at a tracker, an endpoint in Google's place being set."""
    if account.plan == "free":
        return "plan"
    if tracker_id.startswith("G-") and tracker_id not in account.api_secrets:
        return "no_secret"
    return "delivered"
