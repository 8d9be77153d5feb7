"""A collector in Google's place that fails at chosen requests, in all ways in turn, and knows what the sender cannot.

Of each request that it took it knows whether its answer went out in time: what comes
again may only be of those that it did not answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from streams.demo.collector import Arrival, Misbehaviour
from streams.demo.google_rules import Violation
from streams.demo.packing_rules import Order
from tests.guarantees.due import name_of, pair_of
from tests.guarantees.google import Google, Pair

__all__ = ["REFUSALS", "TIMEOUT_S", "WAYS", "Failing"]

TIMEOUT_S: Final = 1.0
"""What the worker waits for an answer (CHAT2GA_GA_TIMEOUT_S) where ways to be slow are among those to fail."""

WAYS: Final[Mapping[str, Misbehaviour]] = {
    "500": Misbehaviour(status=500),
    "503, Retry-After: 0": Misbehaviour(status=503, retry_after="0"),
    "hung up before taking": Misbehaviour(drop="untaken"),
    "answers after the time-out": Misbehaviour(delay_s=2 * TIMEOUT_S),
    "429, Retry-After: 0": Misbehaviour(status=429, retry_after="0"),
    "hung up after taking": Misbehaviour(drop="taken"),
    "408": Misbehaviour(status=408),
    "200 with a megabyte": Misbehaviour(status=200, answer_bytes=1_000_000),
    "503, Retry-After: 1": Misbehaviour(status=503, retry_after="1"),
    "200 that trickles beyond the time-out": Misbehaviour(
        status=200, answer_bytes=1_000, answer_every_s=TIMEOUT_S / 10
    ),
    "500 with a long body": Misbehaviour(status=500, answer_bytes=200_000),
    "204, late but in time": Misbehaviour(delay_s=TIMEOUT_S / 5),
    "429, Retry-After: 1": Misbehaviour(status=429, retry_after="1"),
    "302": Misbehaviour(status=302),
    "400": Misbehaviour(status=400),
    "403": Misbehaviour(status=403),
    "404": Misbehaviour(status=404),
}
"""By what is seen: the last of them end an event for good."""
HEARD: Final = frozenset({"200 with a megabyte", "200 that trickles beyond the time-out"})
"""Whose status goes out at once: the sender knows that the events were taken, however long the rest takes."""
REFUSALS: Final = ("302", "400", "403", "404")


class _Request:
    """One request on its way through the collector."""

    __slots__ = ("heard", "pairs", "taken")

    def __init__(self, pairs: list[bytes]) -> None:
        self.pairs, self.taken, self.heard = pairs, False, False


class Failing(Google):
    """Every `every`-th request is treated in the next of its ways. Of what arrives, counts alone are kept."""

    def __init__(
        self,
        ways: Sequence[str] = (),
        *,
        every: int = 2,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets)
        self.ways, self.every = ways, every
        self._now = _Request([])  # of whom the base class asks: nothing is awaited between
        self._unanswered: Final[set[bytes]] = set()  # taken, and the sender has heard nothing of it
        self.by_way: Final[Counter[str]] = Counter()
        self.requests_taken = 0
        self.times: Final[dict[bytes, int]] = {}
        """How often each pair was taken."""
        self.unasked: Final[Counter[bytes]] = Counter()
        """Pairs that came again although the request before was answered in time."""
        self.refused: Final[set[bytes]] = set()

    def places(self, order: Mapping[str, int]) -> None:
        """From now on the events of a client have to come in this order."""
        self._order = Order(order)

    def arrived(self) -> set[Pair]:
        """All pairs that were taken."""
        return {pair_of(name) for name in self.times}

    def arrivals(self) -> int:
        """Events that were taken, repeats counted."""
        return sum(self.times.values())

    def _behaviour(self) -> Misbehaviour:
        number, usual = self.requests, super()._behaviour()
        if not self.ways or number % self.every != 1:
            return usual
        way = self.ways[number // self.every % len(self.ways)]
        self.by_way[way] += 1
        self._now.heard = way in HEARD
        if way in REFUSALS:
            self.refused.update(self._now.pairs)
        return WAYS[way]

    async def _answer(
        self, request: web.Request, arrivals: list[Arrival], violations: list[Violation]
    ) -> web.StreamResponse:
        mine = self._now = _Request([name_of((each.event_id or "", each.tracker_id)) for each in arrivals])
        answer = None
        try:
            answer = await super()._answer(request, arrivals, violations)
        finally:
            gone = request.transport is None or request.transport.is_closing()
            if (
                mine.taken and not mine.heard and (answer is None or gone)
            ):  # hung up on, by either side, before it was answered
                self._unanswered.update(mine.pairs)
        return answer

    def _keep(self, request: list[Pair]) -> None:
        del request
        self.requests_taken += 1
        self._now.taken = True
        for pair in self._now.pairs:
            times = self.times[pair] = self.times.get(pair, 0) + 1
            if times > 1 and pair not in self._unanswered:
                self.unasked[pair] += 1
            self._unanswered.discard(pair)
