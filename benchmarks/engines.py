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
from tests.kafka import KafkaCluster, Process, WorkerProcess

__all__ = ["ENGINES", "Engine", "Place", "worker"]

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


async def _worker(place: Place, settings: Mapping[str, Any]) -> Process:
    worker = WorkerProcess(
        place.kafka.url,
        place.directory,
        first=place.core.first,
        **{
            "topic_prefix": place.prefix,
            "partitions": place.partitions,
            "log_level": "warning",
            "session_timeout_s": 30,
            "heartbeat_s": 3,
            **settings,
        },
    ).start()
    await worker.ready()
    return worker.process


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


def _streams(threads: int, linger_ms: int = 100) -> Start:
    async def start(place: Place) -> Process:
        given = [place.kafka.bootstrap, place.prefix, str(place.partitions), str(threads), str(linger_ms)]
        return await _started(place, [*java_command(), *given, str(place.directory / "state")])

    return start


_FAUST: Final = ("vanilla-states-changelog",)
_RUNS: Final = ("runs-changelog",)

ENGINES: Final = (
    worker("chat2ga, at least once", only="attribute"),
    worker("chat2ga, exactly once", only="attribute", processing_guarantee="exactly_once"),
    worker("chat2ga, 2 processes", only="attribute", processes=2),
    worker("chat2ga, with its sink's receipts"),
    Engine("Bytewax, nothing durable", "full", _python("bytewax_flow", "full", peer=True), why_not=why_no_peers),
    Engine(
        "Quix Streams",
        "full",
        _python("quix_streams", "full", peer=True, state=True),
        why_not=why_no_peers,
        share=0.4,
    ),
    Engine("plain Faust", "full", _python("vanilla_faust", "full", "plain"), _FAUST, share=0.08),
    Engine("plain Faust, loggers off", "full", _python("vanilla_faust", "full", "quiet"), _FAUST, share=0.08),
    Engine(
        "chat2ga's runs, at least once", "counting", _python("run_app", "counting", "at_least_once", state=True), _RUNS
    ),
    Engine(
        "chat2ga's runs, exactly once",
        "counting",
        _python("run_app", "counting", "exactly_once", state=True),
        _RUNS,
        guarantee="exactly_once",
    ),
    Engine("Kafka Streams, 1 thread", "counting", _streams(1), why_not=why_no_java),
    Engine("Kafka Streams, 2 threads", "counting", _streams(2), why_not=why_no_java),
    Engine(
        "Bytewax, nothing durable", "counting", _python("bytewax_flow", "counting", peer=True), why_not=why_no_peers
    ),
    Engine(
        "Quix Streams",
        "counting",
        _python("quix_streams", "counting", peer=True, state=True),
        why_not=why_no_peers,
        share=0.2,
    ),
    Engine("plain Faust", "counting", _python("vanilla_faust", "counting", "plain"), _FAUST, share=0.03),
)
"""In the order in which they take turns and stand in tables."""
