"""Dead letters of the worker: how one is made, and when there are too many of them."""

from collections import deque
from typing import Final

from schemas.dead_letter import DeadLetter, Stage, encode_dead_letter, kept_bytes
from schemas.decoding import MAX_RECORD_BYTES
from schemas.interaction import Fault
from streams.errors import Chat2gaError
from streams.errors import Fault as WhoseFault
from streams.runs import Record, Run

__all__ = ["DeadLetterWindow", "TooManyDeadLetters", "dead_letter"]

MAX_KEY_BYTES: Final = 4_096
"""Kept of a record's key: twice what the longest session key takes."""


class TooManyDeadLetters(Chat2gaError):
    """The worker stops: more of a window became dead letters than allowed.

    Never one record's doing: a deploy or the sender. Nothing is lost: the run of
    records is not committed. A restart alone meets the same records.
    """

    fault, retriable = WhoseFault.OPERATOR, False

    def __init__(self, topic: str, partition: int, offset: int, dead: int, seen: int, limit: float) -> None:
        super().__init__(topic, partition, offset, dead, seen, limit)
        self.topic, self.partition, self.offset = topic, partition, offset
        self.dead, self.seen, self.limit = dead, seen, limit

    def __str__(self) -> str:
        return (
            f"{self.dead} of the last {self.seen} records up to {self.topic}[{self.partition}] offset {self.offset} "
            f"are dead letters (limit {self.limit:.0%}). See `chat2ga dead-letters list`, then roll back the deploy "
            "or mend the sender."
        )


class DeadLetterWindow:
    """The share of dead letters among the last records, counted in runs."""

    def __init__(self, records: int, share: float) -> None:
        self._records: Final = records
        self._share: Final = share
        self._runs: deque[tuple[int, int]] = deque()
        self._dead = self._seen = 0

    def count(self, run: Run, dead: int) -> None:
        """Count a run. Raises TooManyDeadLetters; not before the window is full once."""
        self._runs.append((dead, len(run)))
        self._dead += dead
        self._seen += len(run)
        while self._seen - self._runs[0][1] >= self._records:
            old_dead, old_seen = self._runs.popleft()
            self._dead -= old_dead
            self._seen -= old_seen
        if self._seen >= self._records and self._dead > self._share * self._seen:
            raise TooManyDeadLetters(run.topic, run.partition, run.last_offset, self._dead, self._seen, self._share)


def dead_letter(run: Run, index: int, stage: Stage, fault: Fault, trackers: tuple[str, ...] = ()) -> Record:
    """The dead letter of a run's record, under the key of the record."""
    record = run.records[index]
    key = record.key and record.key[:MAX_KEY_BYTES]
    value, truncated, size, sha256 = kept_bytes(record.value, MAX_RECORD_BYTES)
    letter = DeadLetter(
        topic=run.topic,
        partition=run.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        stage=stage,
        field=fault.field,
        code=fault.code,
        reason=fault.reason,
        key=key,
        value=value,
        truncated=truncated or key != record.key,
        size=size,
        sha256=sha256,
        trackers=trackers,
    )
    return Record(key, encode_dead_letter(letter))
