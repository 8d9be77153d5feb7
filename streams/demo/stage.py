"""The stage of the demo: broker, collector, topics and a real worker, wired by settings alone."""

import asyncio
import os
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import msgspec

from streams.demo.broker import BROKER_SETTINGS, embedded_broker, free_port
from streams.demo.children import Child, running
from streams.demo.collector import Arrival, Collector
from streams.demo.sites import accounts_toml, secret_names
from streams.demo.verdict import Arrived
from streams.settings import PREFIX, Settings
from streams.worker.topics import Topics, ensure_topics

if TYPE_CHECKING:
    from streams.demo.expected import Protocol

__all__ = ["Arrivals", "Stage", "demo_settings", "stage", "worker_environment"]

_READY_S: Final = 45.0
_PAUSE_S: Final = 0.1
WORKER: Final = (sys.executable, "-m", "streams.cli", "worker")


class Arrivals:
    """What the collector has taken, by protocol and name. A repeat of what it has is counted apart."""

    def __init__(self) -> None:
        self._names: Final[Counter[tuple[Protocol, str]]] = Counter()
        self._seen: Final[set[tuple[str | None, str]]] = set()
        self._repeated = 0

    def take(self, arrival: Arrival) -> None:
        """One more event."""
        identity = (arrival.event_id, arrival.tracker_id)
        if identity in self._seen:
            self._repeated += 1
            return
        self._seen.add(identity)
        protocol: Protocol = "ga4" if arrival.tracker_id.startswith("G-") else "ua"
        self._names[protocol, arrival.name] += 1

    def arrived(self, collector: Collector) -> Arrived:
        """All of it, with what the collector has to say against it."""
        broken = collector.summary()["violations_first"]
        violations = [f"{each['rule']}: {each['detail']} ({each['first_event']})" for each in broken]
        return Arrived(self._names, self._repeated, violations)


class Stage(msgspec.Struct, frozen=True):
    """All that runs."""

    settings: Settings
    topics: Topics
    collector: Collector
    arrivals: Arrivals
    worker: Child
    worker_url: str

    async def ready(self) -> None:
        """Wait until the worker is at work. Raises ChildEnded."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY_S
        async with aiohttp.ClientSession() as session:
            while not await _is_ready(session, f"{self.worker_url}/readyz"):
                self.worker.check()
                if loop.time() > deadline:
                    raise self.worker.not_ready()
                await asyncio.sleep(_PAUSE_S)


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.ok
    except aiohttp.ClientConnectionError:
        return False  # it has not opened its port yet


@asynccontextmanager
async def stage(directory: Path) -> AsyncIterator[Stage]:
    """Set the stage in a directory of its own; everything ends with the block.

    The worker is started but need not be ready: its topics are there, so that
    traffic can be sent while it joins its groups.
    """
    accounts = directory / "accounts.toml"
    accounts.write_text(accounts_toml(), encoding="utf-8")
    made_up = {tracker: secrets.token_urlsafe(16) for tracker in secret_names()}
    arrivals = Arrivals()
    async with (
        embedded_broker(directory) as broker,
        Collector(secrets=made_up, on_arrival=arrivals.take) as collector,
    ):
        settings = demo_settings(
            broker=broker,
            accounts=accounts,
            state_dir=directory / "state",
            store="memory",
            ga_endpoint=collector.url,
            http_port=free_port(),
            commit_interval_s=0.5,
            **BROKER_SETTINGS,
        )
        topics = await ensure_topics(settings)
        env = worker_environment(settings, made_up)
        async with running("worker", WORKER, log=directory / "worker.log", env=env) as worker:
            yield Stage(settings, topics, collector, arrivals, worker, f"http://127.0.0.1:{settings.http_port}")


def demo_settings(**chosen: Any) -> Settings:  # noqa: ANN401 - each is checked by its field
    """These settings, and otherwise the defaults.

    What CHAT2GA_… in the user's environment names, a production broker perhaps, is
    none of the demo's business.
    """
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    return Settings(**{**defaults, **chosen})


def worker_environment(settings: Settings, secret_of: Mapping[str, str]) -> dict[str, str]:
    """The worker's environment: every setting of it is the demo's, and the secrets that accounts.toml names."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    given = {
        f"{PREFIX}{name.upper()}": str(value)
        for name, value in settings.model_dump(mode="json").items()
        if value is not None
    }
    named = {name: secret_of[tracker] for tracker, name in secret_names().items()}
    # A proxy for the world outside must not be asked for the collector.
    here = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    return {**inherited, **given, **named, **here}
