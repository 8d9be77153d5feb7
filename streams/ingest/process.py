"""`chat2ga ingest` as a process: from its files and the broker to a clean stop."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from streams.attribution import RuleBook
from streams.configuration import read_options
from streams.ingest.endpoints import Served, read_endpoints
from streams.ingest.errors import NoEndpoints
from streams.ingest.server import IngestServer
from streams.ingest.writer import Writer
from streams.observe import metrics
from streams.settings import Settings
from streams.worker.broker import client_options
from streams.worker.health import HealthServer, State
from streams.worker.starting import begin_logs, reached, stop_signals
from streams.worker.topics import ensure_input

__all__ = ["run_ingest"]

logger: Final = logging.getLogger(__name__)

FINISH_S: Final = 8.0
"""For requests in flight at a stop; what is left of nine seconds is for the answers of those that are cut short."""


class _Health:
    """What the health port shows."""

    def __init__(self, writer: Writer) -> None:
        self._writer: Final = writer
        self.stopping = False

    async def states(self) -> dict[str, State]:
        """Whether it takes requests, and Kafka what is in them."""
        if self.stopping:
            return {"ingest": "stopping"}
        return {"ingest": "ready" if await self._writer.answers() else "away"}

    async def metrics(self) -> bytes:
        """All metrics of this process."""
        return metrics.exposition()


def run_ingest(settings: Settings) -> int:
    """Take requests until told to stop; the exit code. Raises Chat2gaError where it cannot begin."""
    if settings.ingest is None:
        raise NoEndpoints
    begin_logs(settings)
    endpoints = read_endpoints(settings.ingest)
    rules = RuleBook(read_options(settings.rules))
    return asyncio.run(_work(settings, settings.ingest, endpoints, rules))


async def _work(settings: Settings, file: Path, endpoints: Mapping[str, Served], rules: RuleBook) -> int:
    stop = stop_signals()
    topic = await reached(settings, ensure_input(settings))
    writer = Writer(
        topic,
        client_options(settings),
        patience_s=settings.ingest_timeout_s,
        idempotence=settings.idempotence,
    )
    await reached(settings, writer.open())
    health = _Health(writer)
    watched = HealthServer(settings.http_host, settings.http_port, health)
    server = IngestServer(settings, endpoints, rules, writer)
    try:
        await watched.start()
        await server.start()
        logger.info(
            "at work: POST http://%s:%d/v1/… of %s: %s",
            settings.ingest_host,
            settings.ingest_port,
            file,
            ", ".join(f"{name} ({served.endpoint.format})" for name, served in endpoints.items()),
        )
        await stop.wait()
        health.stopping = True
        return await _stop(server, writer)
    finally:
        await writer.close()
        await watched.stop()


async def _stop(server: IngestServer, writer: Writer) -> int:
    """Finish what was begun; 0 only if all of it was answered in time."""
    logger.info("stopping: requests in flight are finished")
    in_time = await server.finish(FINISH_S)
    if not in_time:
        logger.error("requests are not finished within %g s: they are answered 503", FINISH_S)
        await writer.close()
    await server.stop()
    if in_time:
        logger.info("stopped")
    return 0 if in_time else 1
