"""A real Apache Kafka for tests, and the worker as a process on it.

Fixtures `kafka`, `kafka_cluster` and `prefix` are in tests/conftest.py. A test
that uses one bears the mark `kafka` by itself.
"""

from tests.kafka.cluster import KafkaCluster
from tests.kafka.ingest import IngestProcess
from tests.kafka.processes import Process, free_ports
from tests.kafka.records import (
    Record,
    Written,
    create_topics,
    delete_topics,
    each_record,
    end_offsets,
    produce,
    read_topic,
    until_read,
)
from tests.kafka.worker import WorkerProcess

__all__ = [
    "IngestProcess",
    "KafkaCluster",
    "Process",
    "Record",
    "WorkerProcess",
    "Written",
    "create_topics",
    "delete_topics",
    "each_record",
    "end_offsets",
    "free_ports",
    "produce",
    "read_topic",
    "until_read",
]
