"""Health over HTTP: is the worker alive, is it ready, what does it count.

GET /healthz   200 while no part of it has failed; whether GA does is told, and no reason to restart a worker
GET /readyz    200 once its tables are recovered and its partitions are at work
GET /metrics   Prometheus' format
"""

import html
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from streams.errors import Chat2gaError, Fault
from streams.observe import metrics
from streams.runs import RunApp

__all__ = ["HealthServer", "PortTaken"]


class PortTaken(Chat2gaError):
    """The health port cannot be opened."""

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host, port, reason)
        self.host, self.port, self.reason = host, port, reason

    def __str__(self) -> str:
        return f"{self.host}:{self.port}: {self.reason}. Choose another CHAT2GA_HTTP_PORT, or 0 for none."


class HealthServer:
    """Serves the state of the worker's apps, by the name of their part."""

    def __init__(self, host: str, port: int, apps: Mapping[str, RunApp]) -> None:
        self._host: Final = host
        self._port: Final = port
        self._apps: Final = apps
        self._runner: web.AppRunner | None = None
        self._counted: dict[str, tuple[int, int]] = {}
        self._measured: dict[str, set[tuple[str, int]]] = {}

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

    def _states(self) -> dict[str, str]:
        return {
            part: "failed" if app.crashed else "ready" if app.ready else "starting" for part, app in self._apps.items()
        }

    def _ga(self) -> dict[str, str]:
        """How GA does, where this worker delivers."""
        if "deliver" not in self._apps:
            return {}
        failing = round(metrics.REGISTRY.get_sample_value("chat2ga_ga_failing_trackers") or 0)
        return {"ga": f"failing at {failing} tracker{'s' * (failing != 1)}: events are held" if failing else "well"}

    async def _healthz(self, _request: web.Request) -> web.Response:
        states = self._states()
        status = 503 if "failed" in states.values() else 200
        return web.json_response({**states, **self._ga()}, status=status)

    async def _readyz(self, _request: web.Request) -> web.Response:
        states = self._states()
        return web.json_response(states, status=200 if set(states.values()) == {"ready"} else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        for part, app in self._apps.items():
            self._measure_offsets(part, app)
            self._measure_recovery(app)
        return web.Response(body=metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})

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

    async def _page(self, _request: web.Request) -> web.Response:
        rows = "".join(f"<li>{html.escape(part)}: {state}</li>" for part, state in self._states().items())
        links = "".join(f'<li><a href="{path}">{path}</a></li>' for path in ("/healthz", "/readyz", "/metrics"))
        page = (
            f"<!doctype html><html lang=en><title>chat2ga</title><h1>chat2ga</h1><ul>{rows}</ul><ul>{links}</ul></html>"
        )
        return web.Response(text=page, content_type="text/html")
