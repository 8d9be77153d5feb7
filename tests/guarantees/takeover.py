"""How long work stands still: `python -m tests.guarantees.takeover [peers|brokers]`.

From the fault, or from its end, until every partition's sessions have changed since:
all of them are fed all the time, so those that stood still longest are the last.
"""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any, Final

from aiokafka.errors import KafkaError

from tests.guarantees.harness import GROUP, Chat2ga
from tests.kafka import KafkaCluster, end_offsets

ROUNDS: Final = 3
LOOK_S: Final = 0.02
SETTLED_S: Final = 3.0
FROZEN_S: Final = 60.0
DEFAULTS: Final = {"session_timeout_s": 30, "heartbeat_s": 3, "rebalance_timeout_s": 60}
SETTINGS: Final[Mapping[str, dict[str, Any]]] = {
    "defaults": DEFAULTS,
    "of the tests": {"session_timeout_s": 6, "heartbeat_s": 1, "rebalance_timeout_s": 10},
}

Ends = dict[int, int]


async def _ends(chat2ga: Chat2ga) -> Ends:
    """Where the changelog ends, as soon as every partition of it can tell."""
    while True:
        with suppress(KafkaError, OSError, RuntimeError, TimeoutError):  # a broker that is away: no answer yet
            return await asyncio.wait_for(
                end_offsets(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}{GROUP}-sessions-changelog"), 2.0
            )
        await asyncio.sleep(LOOK_S)


async def _all_at_work(chat2ga: Chat2ga) -> float:
    """Wait until the sessions of every partition have changed; when that was."""
    before = await _ends(chat2ga)
    while True:
        ends = await _ends(chat2ga)
        if all(offset > before[partition] for partition, offset in ends.items()):
            return time.monotonic()
        await asyncio.sleep(LOOK_S)


# -- a peer is gone ---------------------------------------------------------------------------------


async def _killed_peer(chat2ga: Chat2ga) -> float:
    """Seconds from SIGKILL of worker `a` until `b` is at work on everything."""
    began = time.monotonic()
    chat2ga.kill("a")
    return await _all_at_work(chat2ga) - began


async def _stopped_peer(chat2ga: Chat2ga) -> float:
    """The same from SIGTERM: what `a` has written to its last moment is not the work of `b`."""
    began = time.monotonic()
    await chat2ga.stop("a")
    return await _all_at_work(chat2ga) - began


# -- a broker is gone -------------------------------------------------------------------------------


async def _one_killed(chat2ga: Chat2ga) -> float:
    """Seconds from SIGKILL of one of three nodes until everything is at work on the two that are left."""
    kafka = _cluster(chat2ga)
    began = time.monotonic()
    await asyncio.to_thread(kafka.kill, 2)
    took_s = await _all_at_work(chat2ga) - began
    await asyncio.to_thread(kafka.restart, 2)
    return took_s


async def _only_one_restarted(chat2ga: Chat2ga) -> float:
    """Seconds from the moment at which the only node, killed -9, answers again."""
    kafka = _cluster(chat2ga)
    await asyncio.to_thread(kafka.kill, 1)
    await asyncio.to_thread(kafka.restart, 1)
    began = time.monotonic()
    return await _all_at_work(chat2ga) - began


async def _out_of_reach(chat2ga: Chat2ga) -> float:
    """Seconds from the end of a minute in which the only node answered nobody, connections left open."""
    kafka = _cluster(chat2ga)
    kafka.freeze(1)
    await asyncio.sleep(FROZEN_S)
    kafka.wake(1)
    began = time.monotonic()
    return await _all_at_work(chat2ga) - began


def _cluster(chat2ga: Chat2ga) -> KafkaCluster:
    assert isinstance(chat2ga.kafka, KafkaCluster)
    return chat2ga.kafka


# -- measuring ---------------------------------------------------------------------------------------


@asynccontextmanager
async def _under_load(kafka: KafkaCluster, settings: dict[str, Any], names: str) -> AsyncIterator[Chat2ga]:
    """Workers that are at work, and fed all the time."""
    with tempfile.TemporaryDirectory(prefix="chat2ga-takeover-") as directory:
        copies = len(kafka.nodes)
        with Chat2ga(kafka, f"t{time.monotonic_ns()}-", Path(directory), copies=copies, **settings) as chat2ga:
            async with chat2ga.feeding(sessions=10_000_000, seed=1, per_s=400):
                for name in names:
                    chat2ga.start(name)
                await chat2ga.at_work()
                await asyncio.sleep(SETTLED_S)
                yield chat2ga


async def _measure(chat2ga: Chat2ga, fault: Callable[[Chat2ga], Awaitable[float]], *row: str) -> None:
    """The fault, several times; who is gone after it is started again."""
    took = []
    for _ in range(ROUNDS):
        took.append(await fault(chat2ga))
        if "a" not in chat2ga.workers:
            chat2ga.start("a")
        await chat2ga.at_work()
        await asyncio.sleep(SETTLED_S)
    _tell(*row, f"{median(took):.1f}", ", ".join(f"{seconds:.1f}" for seconds in took))


def _tell(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


async def _peers() -> None:
    _tell("settings", "signal", "median, s", "each, s")
    with KafkaCluster() as kafka:
        for name, settings in SETTINGS.items():
            async with _under_load(kafka, settings, "ab") as chat2ga:
                await _measure(chat2ga, _killed_peer, name, "SIGKILL")
                await _measure(chat2ga, _stopped_peer, name, "SIGTERM")


async def _brokers() -> None:
    _tell("fault", "median, s", "each, s")
    with KafkaCluster(nodes=3) as three:
        async with _under_load(three, DEFAULTS, "ab") as chat2ga:
            await _measure(chat2ga, _one_killed, "one of three killed, from the kill")
    with KafkaCluster() as one:
        async with _under_load(one, DEFAULTS, "ab") as chat2ga:
            await _measure(chat2ga, _only_one_restarted, "the only one killed, from its answering again")
            await _measure(chat2ga, _out_of_reach, "the only one out of reach for 60 s, from its answering again")


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # of a node that is gone it tells fifty times a second
    asked = sys.argv[1:] or ["peers", "brokers"]
    for each in asked:
        asyncio.run({"peers": _peers, "brokers": _brokers}[each]())
