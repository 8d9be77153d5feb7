"""The attribute agent: runs of interactions in, GA events and dead letters out, sessions in a table.

The only place where attribution meets Kafka. Decides nothing itself: records go
through `decode_interaction` and `step`, as in a replay.
"""

from collections import Counter
from operator import attrgetter, itemgetter
from time import monotonic
from typing import Final

from schemas.dead_letter import Stage
from schemas.decoding import session_key
from schemas.ga_event import encode_event
from schemas.interaction import Fault, Interaction, Unknown
from schemas.session import encode_session
from streams.attribution import Decision, RuleBook, Rules, step
from streams.observe import metrics
from streams.runs import Output, Record, Run, RunTable, TablePartition, Writes, pack
from streams.worker.dead_letters import DeadLetterWindow, dead_letter
from streams.worker.live import LiveSession, take
from streams.worker.topics import Topics

__all__ = ["Attribute", "key_fault"]

STAGE: Final[Stage] = "attribute"
_timestamp: Final = attrgetter("timestamp")
_place: Final = itemgetter(0)


def key_fault(decoded: Interaction, key: bytes | None) -> Fault:
    """Why an interaction is not applied whose record's key is not its session's: another partition may be its home."""
    if key is None:
        return Fault("key", "The record has no key; expected the session's (`REKEY` makes it so)", "no_key")
    expected = session_key(decoded)
    return Fault("key", f"Expected the session's key, {expected!r} (`REKEY` makes it so)", "wrong_key")


def _by_key(run: Run) -> dict[bytes | None, list[int]]:
    """The places of each key's records in the run."""
    places: dict[bytes | None, list[int]] = {}
    for place, record in enumerate(run.records):
        known = places.get(record.key)
        if known is None:
            places[record.key] = [place]
        else:
            known.append(place)
    return places


def _of_the_same(one: Interaction, other: Interaction) -> bool:
    """Whether both say the same of whose session they are: told in half the time that it takes to make a key."""
    return (
        one.session_id == other.session_id and one.account_id == other.account_id and one.visitor_id == other.visitor_id
    )


def _in_order(placed: list[tuple[int, Record]]) -> list[Record]:
    """By place; what one record gives stays as it was given."""
    placed.sort(key=_place)
    return [record for _, record in placed]


class _Computed:
    """What a run has given so far. Records go out in the order of those that they come of: each with its place."""

    def __init__(self) -> None:
        self.events: list[tuple[int, Record]] = []
        self.dead_letters: list[tuple[int, Record]] = []
        self.changes: list[Record] = []
        self.outcomes: Counter[metrics.RecordOutcome] = Counter()
        self.names: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.applied = self.duplicates = self.dropped_for_consent = 0
        self.watermark_micros = 0


class Attribute:
    """Computes runs of interactions: what `RunApp.stateful` calls."""

    def __init__(self, *, rules: RuleBook, table: RunTable, topics: Topics, window: DeadLetterWindow) -> None:
        self._rules = rules
        self._table = table
        self._topics = topics
        self._window = window
        self._outlives_micros: Final = {
            of_visitor: rules.default.gap_micros(of_visitor=of_visitor) + rules.max_ahead_micros
            for of_visitor in (False, True)
        }

    def compute(self, run: Run) -> Writes:
        """Apply a run's records to its partition's sessions; what to write for it.

        Raises TooManyDeadLetters and SessionUnreadable, before anything of the run is
        written or held in the table.
        """
        began = monotonic()
        held = self._table.partition(run.partition)
        computed = _Computed()
        # Session by session: each is decoded, applied to and stored while it lies near the processor.
        for key, places in _by_key(run).items():
            self._apply(run, key, places, held, computed)
        self._window.count(run, len(computed.dead_letters))
        changes = self._changes(run, held, computed)
        self._measure(run, computed, held, began)
        return Writes(
            (
                Output(self._topics.events, self._topics.events_partition(run.partition), _in_order(computed.events)),
                Output(
                    self._topics.dead_letters,
                    self._topics.dead_letters_partition(run.partition),
                    _in_order(computed.dead_letters),
                ),
            ),
            changes,
        )

    # -- the records of one key -----------------------------------------------------------

    def _apply(self, run: Run, key: bytes | None, places: list[int], held: TablePartition, computed: _Computed) -> None:
        live: LiveSession | None = None
        rules: Rules | None = None
        before: Interaction | None = None
        applied = duplicates = 0
        for place in places:
            said = self._read(run, place, before, computed)
            if said is None:
                continue
            assert key is not None
            if live is None or rules is None:
                live, rules = take(self._table.changelog, held, key), self._rules.of(said.account_id)
            before, record = said, run.records[place]
            if record.offset <= live.last_offset:
                computed.outcomes["seen"] += 1  # its outputs were acknowledged before its state was written
                continue
            decision = step(live.session, said, rules)
            applied += 1
            duplicates += decision.session is live.session
            live.session, live.last_offset = decision.session, record.offset
            if record.timestamp > live.touched_ms:
                live.touched_ms = record.timestamp
            if said.timestamp > computed.watermark_micros:
                computed.watermark_micros = int(said.timestamp)
            if decision.events or decision.dropped_for_consent:
                self._send(key, place, decision, computed)
        if applied:
            assert key is not None
            assert live is not None
            computed.changes.append(Record(key, self._stored(live)))
            computed.applied += applied - duplicates
            computed.duplicates += duplicates

    def _read(self, run: Run, place: int, before: Interaction | None, computed: _Computed) -> Interaction | None:
        """What a record says, where it is of its key's session; what is not is counted. `before`: the last that was."""
        record = run.records[place]
        decoded = self._rules.decode(record.value, record.timestamp)
        if type(decoded) is Unknown:
            computed.outcomes["unknown"] += 1
            return None
        if type(decoded) is not Fault:
            if before is not None and _of_the_same(before, decoded):
                return decoded
            if record.key is not None and record.key == session_key(decoded).encode():
                return decoded
            decoded = key_fault(decoded, record.key)
        computed.dead_letters.append((place, dead_letter(run, place, STAGE, decoded)))
        computed.codes[decoded.code] += 1
        computed.outcomes["dead_letter"] += 1
        return None

    @staticmethod
    def _send(key: bytes, place: int, decision: Decision, computed: _Computed) -> None:
        computed.dropped_for_consent += not decision.events
        for event in decision.events:
            computed.events.append((place, Record(key, encode_event(event))))
            computed.names[event.name] += 1

    def _stored(self, live: LiveSession) -> bytes:
        """What the table holds of it. It expires by event time: past its gap, and past what a clock may be ahead."""
        session = live.session
        assert session is not None
        expires_micros = session.last_micros + self._outlives_micros[session.of_visitor]
        return pack(live.last_offset, live.touched_ms, expires_micros, encode_session(session))

    # -- the whole run --------------------------------------------------------------------

    def _changes(self, run: Run, held: TablePartition, computed: _Computed) -> list[Record]:
        """One change a session, then the sessions that nothing needs any more."""
        for change in computed.changes:
            assert change.key is not None
            assert change.value is not None
            held.put(change.key, change.value)
        held.advance(computed.watermark_micros, max(map(_timestamp, run.records)))
        gone = held.sweep(self._table.committed_next_offset(run.partition))
        metrics.SESSIONS_REMOVED.inc(len(gone))
        return computed.changes + gone

    def _measure(self, run: Run, computed: _Computed, held: TablePartition, began: float) -> None:
        computed.outcomes.update(applied=computed.applied, duplicate=computed.duplicates)
        for outcome, count in computed.outcomes.items():
            metrics.RECORDS.labels(STAGE, outcome).inc(count)
        for name, count in computed.names.items():
            metrics.EVENTS.labels(name).inc(count)  # type: ignore[arg-type]  # a Counter forgets the Literal
        for code, count in computed.codes.items():
            metrics.DEAD_LETTERS.labels(STAGE, code).inc(count)  # type: ignore[arg-type]
        metrics.DROPPED_FOR_CONSENT.inc(computed.dropped_for_consent)
        metrics.RUNS.labels(STAGE).inc()
        metrics.RUN_RECORDS.labels(STAGE).observe(len(run))
        metrics.RUN_SECONDS.labels(STAGE).observe(monotonic() - began)
        metrics.WATERMARK.labels(run.topic, run.partition).set(held.watermark_micros / 1e6)
        metrics.SESSIONS.set(sum(len(each.entries) for each in self._table.held()))
