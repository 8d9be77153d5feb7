"""Faust on runs of records: one run of one partition is one event. Knows nothing of what is in them.

Made to be lifted out: it imports Faust and aiokafka and nothing of chat2ga. What
it changes in Faust and why: docs/decisions/0002-runs-of-records.md.
"""

from streams.runs.app import RunApp
from streams.runs.entry import Entry, pack, unpack
from streams.runs.garbage import tune_collector
from streams.runs.lineage import ROOT_KEY
from streams.runs.producer import Record
from streams.runs.run import Received, Run
from streams.runs.store import MemoryStore, RocksStore, Store
from streams.runs.table import RunTable
from streams.runs.table_partition import TablePartition
from streams.runs.writing import Output, Writes

__all__ = [
    "ROOT_KEY",
    "Entry",
    "MemoryStore",
    "Output",
    "Received",
    "Record",
    "RocksStore",
    "Run",
    "RunApp",
    "RunTable",
    "Store",
    "TablePartition",
    "Writes",
    "pack",
    "tune_collector",
    "unpack",
]
