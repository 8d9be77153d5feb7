"""The attribute agent: runs of interactions in, GA events and dead letters out, sessions in a table.

The only place where attribution meets Kafka. Decides nothing itself: records go
through `decode_interaction` and `step`, as in a replay.
"""

from collections import Counter
from operator import attrgetter
from time import monotonic
from typing import Final

from schemas.dead_letter import Stage
from schemas.ga_event import encode_event
from schemas.interaction import Fault, Interaction, Unknown, session_key
from schemas.session import Session, encode_session
from streams.attribution import Decision, RuleBook, step
from streams.observe import metrics
from streams.runs import Output, Record, Run, RunTable, TablePartition, Writes, pack
from streams.worker.dead_letters import DeadLetterWindow, dead_letter
from streams.worker.live import LiveSession, LiveSessions
from streams.worker.topics import Topics

__all__ = ["Attribute", "key_fault"]

STAGE: Final[Stage] = "attribute"
_timestamp: Final = attrgetter("timestamp")


def key_fault(decoded: Interaction, key: bytes | None) -> Fault:
    """Why an interaction is not applied whose record's key is not its session's: another partition may be its home."""
    if key is None:
        return Fault("key", "The record has no key; expected the session's (`REKEY` makes it so)", "no_key")
    expected = session_key(decoded)
    return Fault("key", f"Expected the session's key, {expected!r} (`REKEY` makes it so)", "wrong_key")


class _Computed:
    """What a run has given so far."""

    def __init__(self) -> None:
        self.events: list[Record] = []
        self.dead_letters: list[Record] = []
        self.outcomes: Counter[metrics.RecordOutcome] = Counter()
        self.names: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.dropped_for_consent = 0
        self.watermark_micros = 0


class Attribute:
    """Computes runs of interactions: what `RunApp.stateful` calls."""

    def __init__(self, *, rules: RuleBook, table: RunTable, topics: Topics, window: DeadLetterWindow) -> None:
        self._rules = rules
        self._table = table
        self._topics = topics
        self._window = window
        self._sessions: dict[int, LiveSessions] = {}
        self._outlives_micros: Final = {
            of_visitor: rules.default.gap_micros(of_visitor=of_visitor) + rules.max_ahead_micros
            for of_visitor in (False, True)
        }

    def compute(self, run: Run) -> Writes:
        """Apply a run's records to its partition's sessions; what to write for it.

        Raises TooManyDeadLetters before anything of the run is written.
        """
        began = monotonic()
        sessions = self._sessions_of(run.partition)
        taken: dict[bytes, LiveSession] = {}
        computed = _Computed()
        self._apply(run, sessions, taken, computed)
        self._window.count(run, len(computed.dead_letters))
        changes = self._changes(run, sessions, taken, computed)
        self._measure(run, computed, sessions.held, began)
        return Writes(
            (
                Output(self._topics.events, self._topics.events_partition(run.partition), computed.events),
                Output(
                    self._topics.dead_letters, self._topics.dead_letters_partition(run.partition), computed.dead_letters
                ),
            ),
            changes,
        )

    def _sessions_of(self, partition: int) -> LiveSessions:
        """Those of a partition that is ours; what was kept of one that was another's meanwhile is forgotten."""
        held = self._table.partition(partition)
        known = self._sessions.get(partition)
        if known is None or known.held is not held:
            known = self._sessions[partition] = LiveSessions(self._table.changelog, held)
        return known

    def forget(self) -> None:
        """Let go of what is another's now: whoever hands partitions on is to have their memory back."""
        ours = {held.number: held for held in self._table.held()}
        self._sessions = {
            number: sessions for number, sessions in self._sessions.items() if ours.get(number) is sessions.held
        }

    # -- the records, one after the other -------------------------------------------------

    def _apply(self, run: Run, sessions: LiveSessions, taken: dict[bytes, LiveSession], computed: _Computed) -> None:
        decode, rules_of = self._rules.decode, self._rules.of
        duplicates = applied = 0
        watermark_micros = 0
        for index, record in enumerate(run.records):
            key, arrived_ms = record.key, record.timestamp
            decoded = decode(record.value, arrived_ms)
            if type(decoded) is Unknown:
                computed.outcomes["unknown"] += 1
                continue
            if type(decoded) is Fault or key is None or key != session_key(decoded).encode():
                self._dead_letter(run, index, decoded, computed)
                continue
            live = taken.get(key)
            if live is None:
                live = taken[key] = sessions.take(key)
            if record.offset <= live.last_offset:
                computed.outcomes["seen"] += 1  # its outputs were acknowledged before its state was written
                continue
            decision = step(live.session, decoded, rules_of(decoded.account_id))
            if decision.session is live.session:
                duplicates += 1
            live.session, live.last_offset, live.changed = decision.session, record.offset, True
            if arrived_ms > live.touched_ms:
                live.touched_ms = arrived_ms
            if decoded.timestamp > watermark_micros:
                watermark_micros = decoded.timestamp
            applied += 1
            if decision.events or decision.dropped_for_consent:
                self._send(key, decision, computed)
        computed.outcomes["duplicate"] = duplicates
        computed.outcomes["applied"] = applied - duplicates
        computed.watermark_micros = int(watermark_micros)

    @staticmethod
    def _send(key: bytes, decision: Decision, computed: _Computed) -> None:
        computed.dropped_for_consent += not decision.events
        for event in decision.events:
            computed.events.append(Record(key, encode_event(event)))
            computed.names[event.name] += 1

    @staticmethod
    def _dead_letter(run: Run, index: int, decoded: Interaction | Fault, computed: _Computed) -> None:
        fault = decoded if type(decoded) is Fault else key_fault(decoded, run.records[index].key)
        computed.dead_letters.append(dead_letter(run, index, STAGE, fault))
        computed.codes[fault.code] += 1
        computed.outcomes["dead_letter"] += 1

    # -- the whole run --------------------------------------------------------------------

    def _changes(
        self, run: Run, sessions: LiveSessions, taken: dict[bytes, LiveSession], computed: _Computed
    ) -> list[Record]:
        """One change a session, then the sessions that nothing needs any more."""
        changes = []
        held = sessions.held
        for key, live in taken.items():
            session = live.session
            if session is None or not live.changed:
                continue  # all of its records were seen before
            live.stored = pack(live.last_offset, live.touched_ms, self._expires(session), encode_session(session))
            held.put(key, live.stored)
            changes.append(Record(key, live.stored))
            sessions.give_back(key, live)
        held.advance(computed.watermark_micros, max(map(_timestamp, run.records)))
        committed = self._table.committed_next_offset(run.partition)
        gone = held.sweep(committed)
        metrics.SESSIONS_REMOVED.inc(len(gone))
        changes += gone
        return changes

    def _expires(self, session: Session) -> int:
        """When nothing needs it, by event time: past its gap, and past what a clock may be ahead."""
        return session.last_micros + self._outlives_micros[session.of_visitor]

    def _measure(self, run: Run, computed: _Computed, held: TablePartition, began: float) -> None:
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
