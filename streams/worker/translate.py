"""The translating agent: raw interactions from the records of another chat system (`SOURCES`).

One for each format, as each has a topic of its own. What a record gives is
written under its session's key, with the time at which the record arrived; the
order within a session is that of the input. A record of which anything is wrong
is a dead letter as a whole, and nothing of it is written: so it can be put back.
"""

from collections import Counter, defaultdict
from typing import Final

from schemas.dead_letter import Stage
from schemas.interaction import Fault, Unknown, session_key
from streams.attribution import RuleBook
from streams.configuration import BadFile, read_mapping
from streams.observe import metrics
from streams.runs import Output, Record, Run, Writes
from streams.settings import BadSettings, Settings
from streams.sources import FORMATS, Format, Mapping
from streams.worker.dead_letters import DeadLetterWindow, dead_letter
from streams.worker.rekey import partition_of
from streams.worker.topics import Topics

__all__ = ["Translate", "interactions_of", "mapping_of"]

STAGE: Final[Stage] = "translate"
_EMPTY: Final = Fault("$", "The record has no value", "empty")


def mapping_of(settings: Settings) -> Mapping:
    """The mapping of `SOURCES`: one for all of them; formats that need another each have a worker of their own.

    Raises BadFile, and BadSettings where a format needs one and there is none.
    """
    mapping = read_mapping(settings.mapping)
    faults = tuple(fault for name in settings.source_formats for fault in FORMATS[name].needs(mapping))
    if faults and settings.mapping is not None:
        raise BadFile(settings.mapping, faults)
    if faults:
        raise BadSettings(tuple(f"CHAT2GA_MAPPING: {fault.key}: {fault.reason}" for fault in faults))
    return mapping


def interactions_of(
    raw: bytes, source: Format, mapping: Mapping, rules: RuleBook, arrived_ms: int
) -> list[tuple[bytes, bytes]] | Unknown | Fault:
    """Session key and bytes of each interaction in a record of another system, in order; or why there is none.

    Each is decoded as `attribute` will: what it would not take is a fault here,
    where the record is still whole. One that says nothing of interest has none.
    """
    translated = source.translate(raw, mapping)
    if isinstance(translated, (Fault, Unknown)):
        return translated
    found: list[tuple[bytes, bytes]] = []
    for value in translated:
        decoded = rules.decode(value, arrived_ms)
        if isinstance(decoded, Fault):
            return decoded
        if isinstance(decoded, Unknown):  # a type of a later version of the contract
            continue
        found.append((session_key(decoded).encode(), value))
    return found


class Translate:
    """Computes runs: what `RunApp.stateful` calls, without a table."""

    def __init__(
        self, source: Format, *, mapping: Mapping, rules: RuleBook, topics: Topics, window: DeadLetterWindow
    ) -> None:
        self._source = source
        self._mapping = mapping
        self._rules = rules
        self._topics = topics
        self._window = window

    def compute(self, run: Run) -> Writes:
        """Translate a run's records. One that gives nothing is counted as of an unknown type, and ends here."""
        translated: defaultdict[int, list[Record]] = defaultdict(list)
        letters: list[Record] = []
        outcomes: Counter[metrics.RecordOutcome] = Counter()
        for index, record in enumerate(run.records):
            found: list[tuple[bytes, bytes]] | Unknown | Fault = _EMPTY
            if record.value is not None:
                found = interactions_of(record.value, self._source, self._mapping, self._rules, record.timestamp)
            if isinstance(found, Fault):
                letters.append(dead_letter(run, index, STAGE, found))
                metrics.DEAD_LETTERS.labels(STAGE, found.code).inc()
                outcomes["dead_letter"] += 1
            elif isinstance(found, Unknown) or not found:
                outcomes["unknown"] += 1
            else:
                outcomes["applied"] += 1
                for key, value in found:
                    partition = partition_of(key, self._topics.interactions_partitions)
                    translated[partition].append(Record(key, value, record.timestamp))
        self._window.count(run, len(letters))
        for outcome, count in outcomes.items():
            metrics.RECORDS.labels(STAGE, outcome).inc(count)
        metrics.RUNS.labels(STAGE).inc()
        metrics.RUN_RECORDS.labels(STAGE).observe(len(run))
        outputs = [Output(self._topics.interactions, partition, records) for partition, records in translated.items()]
        outputs.append(Output(self._topics.dead_letters, self._topics.dead_letters_partition(run.partition), letters))
        return Writes(outputs)
