"""Health over HTTP: is the worker alive, is it ready, what does it count.

GET /healthz   200 while no part of it has failed, and each of its processes answers; how GA does is told
               too, and is no reason to restart a worker
GET /readyz    200 once its tables are recovered and its partitions are at work
GET /metrics   Prometheus' format

A worker of one process answers of itself, one of several for all of them.
"""

import asyncio
import html
from collections.abc import Iterable, Mapping
from typing import Final, Literal, Protocol

from aiohttp import web
from prometheus_client import Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streams.errors import Chat2gaError, Fault
from streams.observe import metrics
from streams.runs import RunApp

__all__ = ["HealthServer", "Parts", "PortTaken", "State", "Watched", "merged"]

State = Literal["starting", "ready", "failed", "silent", "stopping", "away"]
"""`silent`: a process that was up and gives no answer now. `away`: Kafka is, which a restart would not mend."""
_FAILING: Final = b"chat2ga_ga_failing_trackers"
_OPEN: Final = b"chat2ga_ga_breaker_open{"


class PortTaken(Chat2gaError):
    """The health port cannot be opened."""

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host, port, reason)
        self.host, self.port, self.reason = host, port, reason

    def __str__(self) -> str:
        return f"{self.host}:{self.port}: {self.reason}. Choose another CHAT2GA_HTTP_PORT, or 0 for none."


class Watched(Protocol):
    """What the server tells of."""

    async def states(self) -> dict[str, State]:
        """The state of each part, by its name."""

    async def metrics(self) -> bytes:
        """All metrics, in Prometheus' format."""


class Parts:
    """The parts that run in this process: their apps, by name."""

    def __init__(self, apps: Mapping[str, RunApp]) -> None:
        self._apps: Final = apps
        self._counted: dict[str, tuple[int, int]] = {}
        self._measured: dict[str, set[tuple[str, int]]] = {}

    async def states(self) -> dict[str, State]:
        """The state of each part, by its name."""
        return {
            part: "failed" if app.crashed else "ready" if app.ready else "starting" for part, app in self._apps.items()
        }

    async def metrics(self) -> bytes:
        """All metrics of this process, brought up to date."""
        for part, app in self._apps.items():
            self._measure_offsets(part, app)
            self._measure_recovery(app)
        return metrics.exposition()

    def _measure_offsets(self, part: str, app: RunApp) -> None:
        """Only when asked: a look at every partition costs, and nobody reads it in between."""
        ours = {(topic, partition): (next_offset, end) for topic, partition, next_offset, end in app.progress()}
        for topic, partition in self._measured.get(part, set()) - ours.keys():
            for gauge in (metrics.COMMITTED_OFFSET, metrics.LAG, metrics.WATERMARK):
                gauge.remove(topic, partition)
        for (topic, partition), (next_offset, end_offset) in ours.items():
            metrics.COMMITTED_OFFSET.labels(topic, partition).set(next_offset)
            metrics.LAG.labels(topic, partition).set(max(end_offset - next_offset, 0))
        self._measured[part] = set(ours)

    def _measure_recovery(self, app: RunApp) -> None:
        """Bring our counters up to what the app has counted by itself."""
        recovered, rebalances = app.recovered_records, app.rebalancing_count
        counted_recovered, counted_rebalances = self._counted.get(app.conf.id, (0, 0))
        metrics.RECOVERED_RECORDS.inc(recovered - counted_recovered)
        metrics.REBALANCES.inc(rebalances - counted_rebalances)
        self._counted[app.conf.id] = (recovered, rebalances)


class _Families:
    """What Prometheus' client asks for metrics."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def merged(expositions: Mapping[str, bytes]) -> bytes:
    """The metrics of several processes as one exposition: each sample has its process as a label.

    A family is described once, and has its samples of all processes below it.
    """
    families: dict[str, Metric] = {}
    for process, exposition in expositions.items():
        for family in text_string_to_metric_families(exposition.decode()):
            known = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                known.add_sample(sample.name, {**sample.labels, "process": process}, sample.value, sample.timestamp)
    return generate_latest(_Families(families.values()))


def _ga(exposition: bytes) -> str:
    """How GA does, by the metrics: where there are several processes, at the one that has most trouble with it."""
    failing, opened = 0, 0
    for line in exposition.splitlines():
        if line.startswith(_FAILING):
            failing = max(failing, round(float(line.rpartition(b" ")[2])))
        elif line.startswith(_OPEN):
            opened = max(opened, round(float(line.rpartition(b" ")[2])))
    if not failing and not opened:
        return "well"
    held = "an endpoint fails and is only probed, " if opened else ""
    return f"{held}failing at {failing} tracker{'s' * (failing != 1)}: events are held"


class HealthServer:
    """Serves what is watched."""

    def __init__(self, host: str, port: int, watched: Watched) -> None:
        self._host: Final = host
        self._port: Final = port
        self._watched: Final = watched
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Open the port, if there is to be one. Raises PortTaken."""
        if not self._port:
            return
        application = web.Application()
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise PortTaken(self._host, self._port, error.strerror or str(error)) from None

    async def stop(self) -> None:
        """Close the port."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        states, exposition = await asyncio.gather(self._watched.states(), self._watched.metrics())
        status = 503 if {"failed", "silent"} & set(states.values()) else 200
        delivers = any(part.endswith("deliver") for part in states)
        told = {**states, "ga": _ga(exposition)} if delivers else states
        return web.json_response(told, status=status)

    async def _readyz(self, _request: web.Request) -> web.Response:
        states = await self._watched.states()
        return web.json_response(states, status=200 if set(states.values()) == {"ready"} else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        body = await self._watched.metrics()
        return web.Response(body=body, headers={"Content-Type": metrics.CONTENT_TYPE})

    async def _page(self, _request: web.Request) -> web.Response:
        states = await self._watched.states()
        rows = "".join(f"<li>{html.escape(part)}: {state}</li>" for part, state in states.items())
        links = "".join(f'<li><a href="{path}">{path}</a></li>' for path in ("/healthz", "/readyz", "/metrics"))
        page = (
            f"<!doctype html><html lang=en><title>chat2ga</title><h1>chat2ga</h1><ul>{rows}</ul><ul>{links}</ul></html>"
        )
        return web.Response(text=page, content_type="text/html")
