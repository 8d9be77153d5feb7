"""Growth and recovery: the worker with ever more live sessions in its hands, then started again.

Sessions of ten interactions each are fed until so many are held. Then clicks in any
of them: rate and memory. Then it is stopped in order and started again: with its
local store, and, that removed, from the changelog alone.
"""

import shutil
import time
from typing import Final, NamedTuple

from benchmarks.engines import start_worker, worker
from benchmarks.held import INTERACTIONS, clicks_in, live_sessions
from benchmarks.inputs import Input
from benchmarks.suite import Running, Suite, turns
from benchmarks.tables import Column, Table
from benchmarks.throughput import catch_up
from benchmarks.watching import resident_mib
from tests.kafka import WorkerProcess

__all__ = ["measure"]

PARTITIONS: Final = 4
_A_TIME: Final = 50_000
"""Sessions made and written at once."""
_RECOVERED: Final = "chat2ga_recovered_records_total"
_SETTINGS: Final = {"only": "attribute"}
_GROWTH: Final = [
    Column("records_per_s", "records a second"),
    Column("resident_mib", "memory, MiB"),
    Column("session_bytes", "bytes a session more"),
]
_RECOVERY: Final = [
    Column("store_s", "s to ready, with the local store"),
    Column("changelog_s", "s to ready, from the changelog"),
    Column("per_s", "records of the changelog a second"),
]


class _Held(NamedTuple):
    sessions: int
    mib: float


async def measure(suite: Suite) -> list[Table]:
    """Two tables, a row for each number of sessions."""
    sizes = suite.sizes
    how = f"Live sessions of {INTERACTIONS} interactions; {{}}. 4 partitions, {turns(sizes.growth_rounds)}."
    growth = Table(
        "growth",
        "Growth with the sessions held",
        how.format(f"then {sizes.growth_records:,} clicks, each in any of them. Bytes: against the row above"),
        "live sessions",
        _GROWTH,
    )
    recovery = Table(
        "recovery",
        "Recovery",
        how.format("then stopped and started again. From the start of the process, Python's own included"),
        "live sessions",
        _RECOVERY,
    )
    for turn in range(1, sizes.growth_rounds + 1):
        before: _Held | None = None
        for sessions in sizes.sessions:
            suite.tell(f"turn {turn}: {sessions:,} live sessions")
            async with suite.failing(growth, f"{sessions:,}"):
                before = await _turn(suite, sessions, before, growth, recovery)
    return [growth, recovery]


async def _turn(suite: Suite, sessions: int, before: _Held | None, growth: Table, recovery: Table) -> _Held:
    name = f"{sessions:,}"
    async with suite.at_work(worker(name, **_SETTINGS), PARTITIONS, Input([], [])) as running:
        due = 0
        for part in live_sessions(sessions, _A_TIME):
            await running.fill(part)
            due += sum(part.due)
            await running.outputs.until(due)
        found = await catch_up(running, clicks_in(suite.sizes.growth_records, sessions))
        held = _Held(sessions, resident_mib(running.process.pid))
        growth.add(name, {"records_per_s": found.records_per_s, "resident_mib": held.mib})
        if before is not None:
            more = (held.mib - before.mib) * 2**20 / (held.sessions - before.sessions)
            growth.add(name, {"session_bytes": more})
        suite.tell(f"{name}: {found.records_per_s:,.0f} records/s, {held.mib:,.0f} MiB")
        recovery.add(name, await _recovery(suite, running))
    return held


async def _recovery(suite: Suite, running: Running) -> dict[str, float]:
    """Stop it in order; start it with its store, then without."""
    if code := running.process.terminate():
        raise RuntimeError(f"the worker ended with {code}:\n{running.process.tail()}")
    with_store, read = await _started(running)
    suite.tell(f"ready after {with_store:.1f} s with {read:,.0f} records of the changelog")
    shutil.rmtree(running.place.directory / "state")
    whole, read = await _started(running)
    suite.tell(f"ready after {whole:.1f} s with {read:,.0f} records of the changelog")
    # An empty worker, too, takes its time to be ready: what is more is the changelog's.
    return {"store_s": with_store, "changelog_s": whole, "per_s": read / max(whole - running.ready_s, 0.001)}


async def _started(running: Running) -> tuple[float, float]:
    """Seconds from its start until it is ready, and records of the changelog read; it is stopped again."""
    began = time.monotonic()
    started = start_worker(running.place, _SETTINGS)
    try:
        await started.ready(600.0)
        return time.monotonic() - began, await _metric(started, _RECOVERED)
    finally:
        started.terminate()
        started.end()


async def _metric(of: WorkerProcess, name: str) -> float:
    """The sum of a metric over its labels."""
    lines = (await of.get("/metrics")).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))
