"""How long a worker takes to be at work on its peer's partitions: `python -m tests.guarantees.takeover`.

From the signal to the peer until every partition's sessions have changed since:
all of them are fed all the time, so those of the peer are the last.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.guarantees.harness import GROUP, Chat2ga
from tests.kafka import KafkaCluster, end_offsets

ROUNDS: Final = 3
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "defaults": {"session_timeout_s": 30, "heartbeat_s": 3, "rebalance_timeout_s": 60},
    "of the tests": {"session_timeout_s": 6, "heartbeat_s": 1, "rebalance_timeout_s": 10},
}


async def _takeover_s(chat2ga: Chat2ga, *, kill: bool) -> float:
    """End worker `a`; the seconds until `b` is at work on everything. Then `a` is back."""
    changelog = f"{chat2ga.prefix}{GROUP}-sessions-changelog"
    began = time.monotonic()
    if kill:
        chat2ga.kill("a")
    else:
        stopping = asyncio.create_task(chat2ga.stop("a"))
        await asyncio.sleep(0)
    before: dict[int, int] | None = None
    while True:
        ends = await end_offsets(chat2ga.kafka.bootstrap, changelog)
        if before is None and (kill or stopping.done()):
            # What `a` has written to its last moment is not the work of `b`.
            before = ends
        if before is not None and all(offset > before[partition] for partition, offset in ends.items()):
            took_s = time.monotonic() - began
            break
        await asyncio.sleep(0.02)
    chat2ga.start("a")
    await chat2ga.at_work()
    await asyncio.sleep(3.0)
    return took_s


async def _measure(kafka: KafkaCluster) -> None:
    sys.stdout.write("| settings | signal | median, s | each, s |\n|---|---|---|---|\n")
    for name, settings in SETTINGS.items():
        with tempfile.TemporaryDirectory(prefix="chat2ga-takeover-") as directory:
            chat2ga = Chat2ga(kafka, f"{name.replace(' ', '-')}-", Path(directory), **settings)
            try:
                async with chat2ga.feeding(sessions=10_000_000, seed=1, per_s=400):
                    chat2ga.start("a")
                    chat2ga.start("b")
                    await chat2ga.at_work()
                    await asyncio.sleep(3.0)
                    for kill in (True, False):
                        took = [await _takeover_s(chat2ga, kill=kill) for _ in range(ROUNDS)]
                        each = ", ".join(f"{seconds:.1f}" for seconds in took)
                        sys.stdout.write(
                            f"| {name} | {'SIGKILL' if kill else 'SIGTERM'} | {median(took):.1f} | {each} |\n"
                        )
                        sys.stdout.flush()
            finally:
                chat2ga.end()


if __name__ == "__main__":
    with KafkaCluster() as cluster:
        asyncio.run(_measure(cluster))
