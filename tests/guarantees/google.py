"""A collector in Google's place that remembers what it took, request by request, and misbehaves as long as told.

It is the demo's collector, with all of its checks: what is wrong by Google's rules
is a violation here too.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from streams.demo.collector import Arrival, Collector, Misbehaviour
from streams.demo.google_rules import Violation
from tests.kafka import free_ports

__all__ = ["Google"]

Pair = tuple[str, str]


class Google(Collector):
    """Takes events; each request that was taken is kept as its (event, tracker) pairs."""

    def __init__(self, *, secrets: Mapping[str, str] | None = None) -> None:
        # A port that nobody else is given while nobody listens.
        super().__init__(free_ports(1)[0], secrets=secrets, schedule=lambda _: self.mood)
        self.mood: Misbehaviour | None = None
        """How every request is treated, until told otherwise."""
        self.taken: Final[list[list[Pair]]] = []
        """Requests that were taken, in their order, answered or not."""

    @asynccontextmanager
    async def behaving(self, mood: Misbehaviour) -> AsyncIterator[None]:
        """Treat every request so for as long as this lasts."""
        self.mood = mood
        try:
            yield
        finally:
            self.mood = None

    @asynccontextmanager
    async def refusing(self) -> AsyncIterator[None]:
        """Nobody listens, and the connections there were are closed, for as long as this lasts."""
        await self.__aexit__(None, None, None)
        try:
            yield
        finally:
            await self.__aenter__()  # on the port that it had

    def _take(self, arrivals: list[Arrival], violations: list[Violation]) -> None:
        super()._take(arrivals, violations)
        self._keep([(arrival.event_id or "", arrival.tracker_id) for arrival in arrivals])

    def _keep(self, request: list[Pair]) -> None:
        """Remember a request that was taken."""
        self.taken.append(request)

    @property
    def requests(self) -> int:
        """Requests that came, taken or not."""
        return int(self.summary()["requests"])

    def arrived(self) -> set[Pair]:
        """All pairs that were taken."""
        return {pair for request in self.taken for pair in request}

    def arrivals(self) -> int:
        """Events that were taken, repeats counted."""
        return sum(map(len, self.taken))

    def requests_repeated(self) -> int:
        """Of how many requests that were taken something was taken a second time later."""
        first: dict[Pair, int] = {}
        repeated = set()
        for number, request in enumerate(self.taken):
            for pair in request:
                if pair in first:
                    repeated.add(first[pair])
                else:
                    first[pair] = number
        return len(repeated)
