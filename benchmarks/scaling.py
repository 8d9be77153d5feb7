"""Scaling: the worker with more processes and partitions, and with sessions that are longer."""

from typing import Final

from benchmarks.engines import Engine, worker
from benchmarks.suite import Suite, turns
from benchmarks.tables import Table
from benchmarks.throughput import COLUMNS, timed

__all__ = ["measure"]

PARTITIONS: Final = 4
PROCESSES: Final = (1, 2)


async def measure(suite: Suite) -> list[Table]:
    """Two tables: processes and partitions; interactions a session."""
    sizes = suite.sizes
    how = f"The full job, at least once, {sizes.full_records:,} records, {turns(sizes.rounds)}."
    scaling = Table("scaling", "Scaling with processes and partitions", how, "worker", COLUMNS)
    lengths = Table(
        "lengths", "Sessions of different lengths", f"{how} 4 partitions, 1 process.", "interactions a session", COLUMNS
    )
    for turn in range(1, sizes.rounds + 1):
        for partitions in sizes.partitions:
            for processes in PROCESSES:
                name = f"{processes} process{'es' * (processes > 1)}, {partitions} partitions"
                engine = worker(name, only="attribute", processes=processes)
                await _turn(suite, scaling, engine, partitions, None, turn)
        for length in sizes.lengths:
            await _turn(suite, lengths, worker(f"{length:,}", only="attribute"), PARTITIONS, length, turn)
    return [scaling, lengths]


async def _turn(suite: Suite, table: Table, engine: Engine, partitions: int, length: int | None, turn: int) -> None:
    async with suite.failing(table, engine.name):
        found = await timed(suite, engine, suite.sizes.full_records, partitions, length=length)
        table.add(engine.name, found)
        suite.tell(f"turn {turn}, {table.first} {engine.name}: {found['records_per_s']:,.0f} records/s")
