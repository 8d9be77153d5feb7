"""What stands in the repository of a run: its figures, the page that shows them, and the page's charts."""

from pathlib import Path
from typing import Final

__all__ = ["CHARTS", "PAGE", "RESULT"]

_ROOT: Final = Path(__file__).parents[1]
PAGE: Final = _ROOT / "docs" / "performance.md"
RESULT: Final = _ROOT / "benchmarks" / "results" / "result.json"
CHARTS: Final = {
    "throughput_full": "Records a second of each engine on the full job",
    "throughput_counting": "Records a second of each engine on the counting job",
    "latency": "Latency of each engine at shares of its top rate",
    "growth": "Rate and memory by the sessions held",
    "scaling": "Records a second by processes and partitions",
}
"""By table: what its chart shows; drawn where the table has figures."""
