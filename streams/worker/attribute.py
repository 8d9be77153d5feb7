"""The attribute agent: runs of interactions in, GA events and dead letters out, sessions in a table.

The only place where attribution meets Kafka. Decides nothing itself: records go
through `decode_interaction` and `step`, as in a replay.
"""

from collections import Counter
from time import monotonic
from typing import Final

import msgspec

from schemas.dead_letter import Stage
from schemas.ga_event import encode_event
from schemas.interaction import Fault, Interaction, Unknown, session_key
from schemas.session import Session, decode_session, encode_session
from streams.attribution import RuleBook, step
from streams.errors import Chat2gaError
from streams.errors import Fault as WhoseFault
from streams.observe import metrics
from streams.runs import Output, Record, Run, RunTable, TablePartition, Writes, pack, unpack
from streams.worker.dead_letters import DeadLetterWindow, dead_letter
from streams.worker.topics import Topics

__all__ = ["Attribute", "SessionUnreadable"]

STAGE: Final[Stage] = "attribute"
_NO_KEY: Final = Fault("key", "The record has no key; expected the session's (`REKEY` makes it so)", "no_key")


class SessionUnreadable(Chat2gaError):
    """A stored session that no version of chat2ga has written, or only a newer one."""

    fault, retriable = WhoseFault.OPERATOR, False

    def __init__(self, changelog: str, partition: int, key: bytes, reason: str) -> None:
        super().__init__(changelog, partition, key, reason)
        self.changelog, self.partition, self.key, self.reason = changelog, partition, key, reason

    def __str__(self) -> str:
        return (
            f"{self.changelog}[{self.partition}] key {self.key!r}: the session stored there cannot be read: "
            f"{self.reason}. "
            "Start the version of chat2ga that wrote it, or give the session up by writing a tombstone under its key."
        )


class _Live:
    """A session while its run is being computed."""

    __slots__ = ("changed", "last_offset", "session", "touched_ms")

    def __init__(self, session: Session | None, last_offset: int, touched_ms: int) -> None:
        self.session = session
        self.changed = False
        self.last_offset = last_offset
        self.touched_ms = touched_ms


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

    def compute(self, run: Run) -> Writes:
        """Apply a run's records to its partition's sessions; what to write for it.

        Raises TooManyDeadLetters before anything of the run is written.
        """
        began = monotonic()
        held = self._table.partition(run.partition)
        live: dict[bytes, _Live] = {}
        computed = _Computed()
        for index in range(len(run)):
            self._apply(run, index, held, live, computed)
        self._window.count(run, len(computed.dead_letters))
        changes = self._changes(run, held, live, computed)
        self._measure(run, computed, held, began)
        return Writes(
            (
                Output(self._topics.events, self._topics.events_partition(run.partition), computed.events),
                Output(
                    self._topics.dead_letters, self._topics.dead_letters_partition(run.partition), computed.dead_letters
                ),
            ),
            changes,
        )

    # -- one record ---------------------------------------------------------------------

    def _apply(self, run: Run, index: int, held: TablePartition, live: dict[bytes, _Live], computed: _Computed) -> None:
        record = run.records[index]
        decoded = self._rules.decode(record.value, record.timestamp)
        if isinstance(decoded, Unknown):
            computed.outcomes["unknown"] += 1
            return
        fault = self._fault(decoded, record.key)
        if isinstance(fault, Fault) or isinstance(decoded, Fault) or record.key is None:
            assert fault is not None
            computed.dead_letters.append(dead_letter(run, index, STAGE, fault))
            computed.codes[fault.code] += 1
            computed.outcomes["dead_letter"] += 1
            return
        state = live.get(record.key)
        if state is None:
            state = live[record.key] = self._load(held, record.key)
        if record.offset <= state.last_offset:
            computed.outcomes["seen"] += 1  # its outputs were acknowledged before its state was written
            return
        decision = step(state.session, decoded, self._rules.of(decoded.account_id))
        state.session, state.last_offset = decision.session, record.offset
        state.touched_ms = max(state.touched_ms, record.timestamp)
        state.changed = True
        computed.outcomes["duplicate" if decision.duplicate else "applied"] += 1
        if decoded.timestamp > computed.watermark_micros:
            computed.watermark_micros = int(decoded.timestamp)
        for event in decision.events:
            computed.events.append(Record(record.key, encode_event(event)))
            computed.names[event.name] += 1
        if decision.dropped_for_consent:
            computed.dropped_for_consent += 1

    @staticmethod
    def _fault(decoded: Interaction | Fault, key: bytes | None) -> Fault | None:
        if isinstance(decoded, Fault):
            return decoded
        if key is None:
            return _NO_KEY
        expected = session_key(decoded)
        if key != expected.encode():
            return Fault("key", f"Expected the session's key, {expected!r} (`REKEY` makes it so)", "wrong_key")
        return None

    def _load(self, held: TablePartition, key: bytes) -> _Live:
        stored = held.get(key)
        if stored is None:
            return _Live(None, -1, 0)
        entry = unpack(stored)
        try:
            return _Live(decode_session(entry.payload), entry.last_offset, entry.touched_ms)
        except msgspec.MsgspecError as error:
            raise SessionUnreadable(self._table.changelog, held.number, key, str(error)) from None

    # -- the whole run --------------------------------------------------------------------

    def _changes(self, run: Run, held: TablePartition, live: dict[bytes, _Live], computed: _Computed) -> list[Record]:
        """One change a session, then the sessions that nothing needs any more."""
        changes = []
        for key, state in live.items():
            if state.session is None or not state.changed:
                continue  # all of its records were seen before
            stored = pack(
                state.last_offset, state.touched_ms, self._expires(state.session), encode_session(state.session)
            )
            held.put(key, stored)
            changes.append(Record(key, stored))
        held.advance(computed.watermark_micros, max(record.timestamp for record in run.records))
        committed = self._table.committed_next_offset(run.partition)
        gone = held.sweep(committed)
        metrics.SESSIONS_REMOVED.inc(len(gone))
        changes += [Record(key, None) for key in gone]
        return changes

    def _expires(self, session: Session) -> int:
        """When nothing needs it, by event time: past its gap, and past what a clock may be ahead."""
        gap = self._rules.default.gap_micros(of_visitor=session.of_visitor)
        return session.last_micros + gap + self._rules.max_ahead_micros

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
