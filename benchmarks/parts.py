"""The parts of the suite, in the order in which they are measured: what comes first tells later ones the top rates.

A part is a coroutine of the suite that returns its tables. A new one is a module
with a `measure`, and a line here.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from benchmarks import growth, latency, rebalance, replaying, scaling, sinking, throughput
from benchmarks.suite import Suite
from benchmarks.tables import Table

__all__ = ["PARTS", "Part"]

Part = Callable[[Suite], Awaitable[list[Table]]]

PARTS: Final[Mapping[str, Part]] = {
    "throughput": throughput.measure,
    "latency": latency.measure,
    "replay": replaying.measure,
    "growth": growth.measure,
    "scaling": scaling.measure,
    "rebalance": rebalance.measure,
    "sink": sinking.measure,
}
