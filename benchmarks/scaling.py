"""Scaling: the worker with more processes and partitions, and with sessions that are longer."""

from typing import Final

from benchmarks.engines import worker
from benchmarks.suite import Suite
from benchmarks.tables import Table
from benchmarks.throughput import COLUMNS, timed

__all__ = ["measure"]

PARTITIONS: Final = 4
PROCESSES: Final = (1, 2)


async def measure(suite: Suite) -> list[Table]:
    """Two tables: processes and partitions; interactions a session."""
    sizes = suite.sizes
    how = f"The full job, at least once, {sizes.full_records:,} records, {sizes.rounds} turns each."
    scaling = Table("scaling", "Scaling with processes and partitions", how, "worker", COLUMNS)
    lengths = Table(
        "lengths", "Sessions of different lengths", f"{how} 4 partitions, 1 process.", "interactions a session", COLUMNS
    )
    for turn in range(1, sizes.rounds + 1):
        for partitions in sizes.partitions:
            for processes in PROCESSES:
                name = f"{processes} process{'es' * (processes > 1)}, {partitions} partitions"
                engine = worker(name, only="attribute", processes=processes)
                found = await timed(suite, engine, sizes.full_records, partitions)
                scaling.add(name, found)
                suite.tell(f"turn {turn}, {name}: {found['records_per_s']:,.0f} records/s")
        for length in sizes.lengths:
            name = f"{length:,}"
            engine = worker(name, only="attribute")
            found = await timed(suite, engine, sizes.full_records, PARTITIONS, length=length)
            lengths.add(name, found)
            suite.tell(f"turn {turn}, {name} interactions a session: {found['records_per_s']:,.0f} records/s")
    return [scaling, lengths]
