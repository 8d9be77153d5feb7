"""The re-keying agent: gives each record its session's key, where the input is not keyed so (`REKEY`).

A session whose records lie in several partitions would meet several states. The
records go on byte for byte, with the time of their arrival, to a topic of their
own, in which each session has one partition.
"""

from collections import Counter, defaultdict
from typing import Final

from aiokafka.partitioner import murmur2

from schemas.dead_letter import Stage
from schemas.interaction import Fault, Unknown, session_key
from streams.attribution import RuleBook
from streams.observe import metrics
from streams.runs import Output, Record, Run, Writes
from streams.worker.dead_letters import DeadLetterWindow, dead_letter
from streams.worker.topics import Topics

__all__ = ["Rekey", "partition_of"]

STAGE: Final[Stage] = "rekey"


def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's own clients put a key, so that anybody's records of a session meet."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


class Rekey:
    """Computes runs: what `RunApp.stateful` calls, without a table."""

    def __init__(self, *, rules: RuleBook, topics: Topics, window: DeadLetterWindow) -> None:
        self._rules = rules
        self._topics = topics
        self._window = window

    def compute(self, run: Run) -> Writes:
        """Key a run's records. An unknown type has no key that could be trusted: it is counted and ends here."""
        keyed: defaultdict[int, list[Record]] = defaultdict(list)
        letters: list[Record] = []
        outcomes: Counter[metrics.RecordOutcome] = Counter()
        for index, record in enumerate(run.records):
            decoded = self._rules.decode(record.value, record.timestamp)
            if isinstance(decoded, Unknown):
                outcomes["unknown"] += 1
                continue
            if isinstance(decoded, Fault):
                letters.append(dead_letter(run, index, STAGE, decoded))
                metrics.DEAD_LETTERS.labels(STAGE, decoded.code).inc()
                outcomes["dead_letter"] += 1
                continue
            key = session_key(decoded).encode()
            partition = partition_of(key, self._topics.keyed_partitions)
            keyed[partition].append(Record(key, record.value, record.timestamp))
            outcomes["applied"] += 1
        self._window.count(run, len(letters))
        for outcome, count in outcomes.items():
            metrics.RECORDS.labels(STAGE, outcome).inc(count)
        metrics.RUNS.labels(STAGE).inc()
        metrics.RUN_RECORDS.labels(STAGE).observe(len(run))
        outputs = [Output(self._topics.keyed, partition, records) for partition, records in keyed.items()]
        outputs.append(Output(self._topics.dead_letters, self._topics.dead_letters_partition(run.partition), letters))
        return Writes(outputs)
