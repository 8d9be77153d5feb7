"""A job on `streams.runs`, chat2ga's own: a small app on runs of records, with RocksDB and a changelog.

What the worker is built on, without the worker: for the jobs that are not chat2ga's.

    python -m benchmarks.peers.run_app BOOTSTRAP PREFIX PARTITIONS counting at_least_once|exactly_once STATE_DIR
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers.jobs import JOBS, Job
from streams.runs import Output, Record, RocksStore, Run, RunApp, RunTable, Writes, pack, tune_collector, unpack

NEVER = 1 << 60
"""When a count expires."""


class _State:
    """Of one key, while a run changes it."""

    __slots__ = ("last_offset", "value")

    def __init__(self, value: object, last_offset: int) -> None:
        self.value, self.last_offset = value, last_offset


def _state(job: Job, stored: bytes | None) -> _State:
    if stored is None:
        return _State(None, -1)
    entry = unpack(stored)
    return _State(job.decode(bytes(entry.payload)), entry.last_offset)


def computation(job: Job, table: RunTable, out: str) -> Callable[[Run], Writes]:
    """What a run makes of its partition's states."""

    def compute(run: Run) -> Writes:
        held = table.partition(run.partition)
        taken: dict[bytes, _State] = {}
        outputs: list[Record] = []
        for record in run.records:
            key, value, offset = record.key, record.value, record.offset
            assert key is not None
            assert value is not None
            state = taken.get(key)
            if state is None:
                state = taken[key] = _state(job, held.get(key))
            if offset <= state.last_offset:
                continue
            state.value, given = job.apply(state.value, value, record.timestamp)
            state.last_offset = offset
            for each in given:
                outputs.append(Record(key, each))  # noqa: PERF401 - mostly there is one or none
        changes, now_ms = [], run.records[-1].timestamp
        for key, state in taken.items():
            stored = pack(state.last_offset, now_ms, NEVER, job.encode(state.value))
            held.put(key, stored)
            changes.append(Record(key, stored))
        return Writes([Output(out, run.partition, outputs)], changes)

    return compute


async def main(bootstrap: str, prefix: str, partitions: int, job: Job, guarantee: str, state_dir: str) -> None:
    """Work until killed."""
    app = RunApp(
        f"{prefix}runs",
        broker=f"kafka://{bootstrap}",
        topic_partitions=partitions,
        exactly_once=guarantee == "exactly_once",
        broker_commit_interval=1.0,
    )
    table = RunTable(
        app,
        name="states",
        changelog=f"{prefix}runs-changelog",
        partitions=partitions,
        source=f"{prefix}{job.reads}",
        store=RocksStore(Path(state_dir)),
    )
    app.stateful(f"{prefix}{job.reads}", computation(job, table, f"{prefix}{job.writes}"), table)
    tune_collector()
    await app.start()
    await app.wait_until_stopped()
    if app.crash_reason is not None:
        sys.exit(f"{type(app.crash_reason).__name__}: {app.crash_reason}")


if __name__ == "__main__":
    given_bootstrap, given_prefix, given_partitions, given_job, given_guarantee, given_state_dir = sys.argv[1:]
    asyncio.run(
        main(given_bootstrap, given_prefix, int(given_partitions), JOBS[given_job], given_guarantee, given_state_dir)
    )
