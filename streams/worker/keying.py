"""Interactions on their way to `attribute`: each is written under its session's key, by `translate` and by `rekey`.

A session whose records lie in several partitions would meet several states. So
what goes on is written to the partition of its session, with the time at which
its record arrived; the order within a session is that of the input. A record of
which anything is wrong is a dead letter as a whole, and nothing of it goes on: so
it can be put back.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from aiokafka.partitioner import murmur2

from schemas.dead_letter import Stage
from schemas.interaction import Fault, Unknown
from streams.observe import metrics
from streams.runs import Output, Received, Record, Run, Writes
from streams.worker.dead_letters import DeadLetterWindow, dead_letter
from streams.worker.topics import Topics

__all__ = ["Keyed", "Keying", "partition_of"]


class Keyed(NamedTuple):
    """A raw interaction, and the key of the session that it belongs to."""

    key: bytes
    value: bytes


def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's own clients put a key, so that anybody's records of a session meet."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


class Keying:
    """Computes runs: what `RunApp.stateful` calls, without a table.

    `keyed_of` says what a record gives, in order: nothing, or why there is nothing.
    `to` is a topic of so many `partitions`.
    """

    def __init__(
        self,
        stage: Stage,
        keyed_of: Callable[[Received], Sequence[Keyed] | Unknown | Fault],
        *,
        to: str,
        partitions: int,
        topics: Topics,
        window: DeadLetterWindow,
    ) -> None:
        self._stage = stage
        self._keyed_of = keyed_of
        self._to = to
        self._partitions = partitions
        self._topics = topics
        self._window = window

    def compute(self, run: Run) -> Writes:
        """Key what a run's records give. One that gives nothing is counted as of an unknown type, and ends here.

        Raises TooManyDeadLetters before anything of the run is written.
        """
        onward: defaultdict[int, list[Record]] = defaultdict(list)
        letters: list[Record] = []
        outcomes: Counter[metrics.RecordOutcome] = Counter()
        for index, record in enumerate(run.records):
            found = self._keyed_of(record)
            if isinstance(found, Fault):
                letters.append(dead_letter(run, index, self._stage, found))
                metrics.DEAD_LETTERS.labels(self._stage, found.code).inc()
                outcomes["dead_letter"] += 1
            elif isinstance(found, Unknown) or not found:
                outcomes["unknown"] += 1
            else:
                for key, value in found:
                    onward[partition_of(key, self._partitions)].append(Record(key, value, record.timestamp))
                outcomes["applied"] += 1
        self._window.count(run, len(letters))
        self._measure(run, outcomes)
        outputs = [Output(self._to, partition, records) for partition, records in onward.items()]
        outputs.append(Output(self._topics.dead_letters, self._topics.dead_letters_partition(run.partition), letters))
        return Writes(outputs)

    def _measure(self, run: Run, outcomes: Counter[metrics.RecordOutcome]) -> None:
        for outcome, count in outcomes.items():
            metrics.RECORDS.labels(self._stage, outcome).inc(count)
        metrics.RUNS.labels(self._stage).inc()
        metrics.RUN_RECORDS.labels(self._stage).observe(len(run))
