"""A small app on runs of records, with nothing of chat in it: it counts records by key.

    python -m tests.streams.runs.counting BOOTSTRAP PREFIX PARTITIONS DIRECTORY [exactly_once]

Reads `<prefix>in`, writes each new count to `<prefix>out`, keeps the counts in a
table, and stops cleanly on SIGTERM.
"""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from streams.runs import Output, Record, RocksStore, Run, RunApp, RunTable, Writes, pack, unpack


def counting(app: RunApp, table: RunTable, out: str):
    """The computation: one output a record, `key: how many so far`."""

    def compute(run: Run) -> Writes:
        held = table.partition(run.partition)
        counts: dict[bytes, list[int]] = {}
        outputs = []
        for record in run.records:
            assert record.key is not None
            if record.key not in counts:
                stored = held.get(record.key)
                entry = unpack(stored) if stored else None
                counts[record.key] = [int(bytes(entry.payload)), entry.last_offset] if entry else [0, -1]
            state = counts[record.key]
            if record.offset <= state[1]:
                continue
            state[0] += 1
            state[1] = record.offset
            outputs.append(Record(record.key, b"%d" % state[0]))
        changes = []
        for key, (count, last_offset) in counts.items():
            stored = pack(last_offset, run.records[-1].timestamp, 1 << 60, b"%d" % count)
            held.put(key, stored)
            changes.append(Record(key, stored))
        return Writes([Output(out, run.partition, outputs)], changes)

    return compute


def make(
    bootstrap: str, prefix: str, partitions: int, directory: Path, *, exactly_once: bool = False
) -> tuple[RunApp, RunTable]:
    app = RunApp(
        f"{prefix}counting",
        broker=f"kafka://{bootstrap}",
        topic_partitions=partitions,
        max_run=500,
        exactly_once=exactly_once,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        broker_rebalance_timeout=10.0,
        broker_commit_interval=0.3,
    )
    table = RunTable(
        app,
        name="counts",
        changelog=f"{prefix}changelog",
        partitions=partitions,
        source=f"{prefix}in",
        store=RocksStore(directory),
    )
    app.stateful(f"{prefix}in", counting(app, table, f"{prefix}out"), table)
    return app, table


async def main(bootstrap: str, prefix: str, partitions: int, directory: Path, *, exactly_once: bool = False) -> int:
    app, table = make(bootstrap, prefix, partitions, directory, exactly_once=exactly_once)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await app.start()
    ends = [asyncio.create_task(stop.wait()), asyncio.create_task(app.wait_until_stopped())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    await app.stop()
    await table.close()
    if app.crash_reason is not None:
        print(f"{type(app.crash_reason).__name__}: {app.crash_reason}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    _, given_bootstrap, given_prefix, given_partitions, given_directory, *given_guarantee = sys.argv
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    sys.exit(
        asyncio.run(
            main(
                given_bootstrap,
                given_prefix,
                int(given_partitions),
                Path(given_directory),
                exactly_once=given_guarantee == ["exactly_once"],
            )
        )
    )
