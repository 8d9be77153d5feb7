"""The engines: how each is started on the topics of a prefix, what it lacks here, how many records it is given.

All are processes of their own, started the way their users start them, told
nothing of a benchmark, and tuned as far as their documentation advises; what is
not as it comes stands in the program of each (benchmarks/peers).
"""

import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from benchmarks.environments import Core, environment, java_command, peers_python, why_no_java, why_no_peers
from benchmarks.names import BYTEWAX, EXACTLY_ONCE, FAUST, OURS, QUIX, RUNS, STREAMS
from tests.kafka import KafkaCluster, Process, WorkerProcess

__all__ = ["ENGINES", "Engine", "Place", "kafka_streams", "start_worker", "worker"]

Guarantee = Literal["at_least_once", "exactly_once"]
JobName = Literal["full", "counting"]


class Place(NamedTuple):
    """Where an engine works."""

    kafka: KafkaCluster
    prefix: str
    partitions: int
    directory: Path
    core: Core


Start = Callable[[Place], Awaitable[Process]]


def _here() -> str:
    return ""


class Engine(NamedTuple):
    """One engine on one job."""

    name: str
    job: JobName
    start: Start
    compacted: tuple[str, ...] = ()
    """Changelogs that are made for it, without the prefix; where there are none it makes its own."""
    why_not: Callable[[], str] = _here
    share: float = 1.0
    """Of the records that the fastest is given: what it does in a like time."""
    guarantee: Guarantee = "at_least_once"


def start_worker(place: Place, settings: Mapping[str, Any]) -> WorkerProcess:
    """chat2ga's worker, begun: whether it gets anywhere, its `ready` tells. A timeout as in production."""
    given = {
        "topic_prefix": place.prefix,
        "group": place.prefix.strip("-"),  # the one before was killed, and its group would wait for it
        "partitions": place.partitions,
        "log_level": "warning",
        "session_timeout_s": 30,
        "heartbeat_s": 3,
        **settings,
    }
    return WorkerProcess(place.kafka.url, place.directory, first=place.core.first, **given).start()


async def _worker(place: Place, settings: Mapping[str, Any]) -> Process:
    started = start_worker(place, settings)
    try:
        await started.ready()
    except BaseException:
        started.end()
        raise
    return started.process


def worker(name: str, **settings: Any) -> Engine:  # noqa: ANN401 - each is a setting
    """chat2ga's worker with these settings."""
    guarantee: Guarantee = settings.get("processing_guarantee", "at_least_once")
    return Engine(name, "full", partial(_worker, settings=settings), guarantee=guarantee)


async def _started(place: Place, command: list[str]) -> Process:
    return Process(command, log=place.directory / "log", env=environment(place.core))


def _python(module: str, *more: str, peer: bool = False, state: bool = False) -> Start:
    """A program of benchmarks/peers."""

    async def start(place: Place) -> Process:
        python = peers_python() if peer else sys.executable
        given = [place.kafka.bootstrap, place.prefix, str(place.partitions), *more]
        given += [str(place.directory / "state")] if state else []
        return await _started(place, [python, "-P", "-m", f"benchmarks.peers.{module}", *given])

    return start


def kafka_streams(name: str, *, threads: int, linger_ms: int = 100) -> Engine:
    """Kafka Streams with so many threads; 100 ms is how long its producer lingers unless told."""

    async def start(place: Place) -> Process:
        given = [place.kafka.bootstrap, place.prefix, str(place.partitions), str(threads), str(linger_ms)]
        return await _started(place, [*java_command(), *given, str(place.directory / "state")])

    return Engine(name, "counting", start, why_not=why_no_java)


_FAUST: Final = ("vanilla-states-changelog",)
_RUNS: Final = ("runs-changelog",)

ENGINES: Final = (
    worker(OURS, only="attribute"),
    worker(EXACTLY_ONCE, only="attribute", processing_guarantee="exactly_once"),
    worker("chat2ga, 2 processes", only="attribute", processes=2),
    worker("chat2ga, with its sink's receipts"),
    Engine(BYTEWAX, "full", _python("bytewax_flow", "full", peer=True), why_not=why_no_peers),
    Engine(
        QUIX,
        "full",
        _python("quix_streams", "full", peer=True, state=True),
        why_not=why_no_peers,
        share=0.4,
    ),
    Engine(FAUST, "full", _python("vanilla_faust", "full", "plain"), _FAUST, share=0.08),
    Engine(f"{FAUST}, loggers off", "full", _python("vanilla_faust", "full", "quiet"), _FAUST, share=0.08),
    Engine(RUNS, "counting", _python("run_app", "counting", "at_least_once", state=True), _RUNS),
    Engine(
        "chat2ga's runs, exactly once",
        "counting",
        _python("run_app", "counting", "exactly_once", state=True),
        _RUNS,
        guarantee="exactly_once",
    ),
    kafka_streams(STREAMS, threads=1),
    kafka_streams("Kafka Streams, 2 threads", threads=2),
    Engine(BYTEWAX, "counting", _python("bytewax_flow", "counting", peer=True), why_not=why_no_peers),
    Engine(
        QUIX,
        "counting",
        _python("quix_streams", "counting", peer=True, state=True),
        why_not=why_no_peers,
        share=0.2,
    ),
    Engine(FAUST, "counting", _python("vanilla_faust", "counting", "plain"), _FAUST, share=0.03),
)
"""In the order in which they take turns and stand in tables."""
