"""Gate: whether a request may begin, as far as that is the endpoint's and the tracker's to say.

A Retry-After holds whom it speaks of. With a 429 that is the *tracker*: somebody
asks too much of a property (RFC 6585 §4), and others need not suffer for it. If
others are told so too, the failures in a row open the endpoint's breaker, and from
then on the longest Retry-After holds all who wait, whatever the status. What is
none of an endpoint's failures, a refusal, shows that it works.

Those who wait hold no place in flight: another endpoint's lanes go on, and a
`quiet` or a cancel finds nothing begun.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Self

from streams.delivery.breaker import LONGEST_S, Breaker
from streams.delivery.bucket import Bucket
from streams.delivery.pace import Pace
from streams.measurement import HOSTS, Answer
from streams.observe.metrics import GA_BREAKER_OPEN, GaEndpoint

__all__ = ["Gate", "Pass"]

_log: Final = logging.getLogger(__name__)


_BUCKETS: Final = 1_000
"""From so many on, those that are full are forgotten."""
_NAMES: Final[dict[str, GaEndpoint]] = {HOSTS["global"]: "global", HOSTS["eu"]: "eu"}


def _name(host: str) -> GaEndpoint:
    """For labels and logs: an endpoint of one's own may have a password in its path."""
    return _NAMES.get(host, "own")


class Pass:
    """A request that was let in, while this is held; its answer is told, or it counts as given up."""

    __slots__ = ("_ended", "answer")

    def __init__(self, ended: Callable[[Answer | None], None]) -> None:
        self._ended = ended
        self.answer: Answer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended(self.answer)


class Gate:
    """The breakers of the endpoints, and what trackers are held by."""

    def __init__(self, pace: Pace, *, tracker_per_s: float = 0.0) -> None:
        """`tracker_per_s`: requests a second for one tracker; 0: as many as there are."""
        self._pace = pace
        self._tracker_per_s = tracker_per_s
        self._breakers: dict[str, Breaker] = {}
        self._changed: dict[str, asyncio.Event] = {}  # by host, set when a breaker moved
        self._held: dict[str, float] = {}  # by tracker, until when
        self._buckets: dict[str, Bucket] = {}
        self._ahead: dict[str, int] = {}  # by tracker, how many wait for a token

    def is_open(self, host: str) -> bool:
        """Whether an endpoint is left alone but for probes."""
        breaker = self._breakers.get(host)
        return breaker is not None and breaker.opened

    def enter(self, host: str, tracker_id: str) -> Pass | None:
        """Let a request in while the pass is held; None: it has to `wait`."""
        now_s = self._pace.now_s()
        breaker = self._breakers.get(host)
        if breaker is None:
            breaker = self._breakers[host] = Breaker(self._pace.first_s, self._pace.longest_s)
        if breaker.closed_for_s(now_s) != 0.0 or self._held_s(tracker_id, now_s) or not self._take(tracker_id, now_s):
            return None
        entry = breaker.begin(now_s)
        assert entry is not None  # asked just before, and nothing was awaited
        return Pass(partial(self._ended, host, tracker_id, entry))

    async def wait(self, host: str, tracker_id: str, at_most_s: float, pace: Pace) -> None:
        """Until a request may be let in, as far as is known, or that long."""
        ends_s = self._pace.now_s() + at_most_s
        while (now_s := self._pace.now_s()) < ends_s:
            closed_s = self._breakers[host].closed_for_s(now_s) if host in self._breakers else 0.0
            if closed_s != 0.0:
                left_s = ends_s - now_s
                await self._sleep(pace, left_s if closed_s is None else min(left_s, closed_s), host)
                continue
            if (held_s := self._held_s(tracker_id, now_s)) > 0:
                await self._sleep(pace, min(held_s, ends_s - now_s), host)
                continue
            await self._await_token(tracker_id, ends_s - now_s, pace)
            return

    async def _sleep(self, pace: Pace, seconds: float, host: str) -> None:
        """That long, or until the endpoint's breaker moves."""
        changed = self._changed.setdefault(host, asyncio.Event())
        tasks = [asyncio.ensure_future(pace.sleep(seconds)), asyncio.ensure_future(changed.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _await_token(self, tracker_id: str, at_most_s: float, pace: Pace) -> None:
        bucket = self._buckets.get(tracker_id)
        if bucket is None:
            return
        ahead = self._ahead.get(tracker_id, 0)
        self._ahead[tracker_id] = ahead + 1
        try:
            # By how many are before it: if all woke for each token, it would cost their number squared.
            await pace.sleep(min(bucket.wait_s(ahead), at_most_s))
        finally:
            self._ahead[tracker_id] -= 1
            if not self._ahead[tracker_id]:
                del self._ahead[tracker_id]

    def _held_s(self, tracker_id: str, now_s: float) -> float:
        until_s = self._held.get(tracker_id)
        if until_s is None:
            return 0.0
        if until_s <= now_s:
            del self._held[tracker_id]
            return 0.0
        return until_s - now_s

    def _take(self, tracker_id: str, now_s: float) -> bool:
        if not self._tracker_per_s:
            return True
        bucket = self._buckets.get(tracker_id)
        if bucket is None:
            if len(self._buckets) >= _BUCKETS:
                self._buckets = {name: kept for name, kept in self._buckets.items() if not kept.is_full(now_s)}
            burst = max(1.0, self._tracker_per_s)
            bucket = self._buckets[tracker_id] = Bucket(self._tracker_per_s, burst, burst, now_s)
        return bucket.take(now_s)

    def _ended(self, host: str, tracker_id: str, entry: int, answer: Answer | None) -> None:
        breaker, now_s = self._breakers[host], self._pace.now_s()
        if answer is None:
            breaker.given_up(entry)
            closes = opens = False
        elif answer.verdict == "retry":
            closes, opens = False, breaker.failed(entry, now_s, self._pace.chance(), answer.retry_after_s)
            if answer.kind == "throttled" and answer.retry_after_s:
                until_s = now_s + min(LONGEST_S, answer.retry_after_s)
                self._held[tracker_id] = max(self._held.get(tracker_id, 0.0), until_s)
        else:
            closes, opens = breaker.succeeded(), False
        if opens:
            assert answer is not None
            _log.warning(
                "GA's %s endpoint fails (%s, status %s): events are held, one request at a time asks anew",
                _name(host),
                answer.kind,
                answer.status,
            )
        if closes:
            _log.info("GA's %s endpoint works again: events go out", _name(host))
        if opens or closes:
            GA_BREAKER_OPEN.labels(_name(host)).set(float(opens))
        if opens or closes or entry:
            self._changed.pop(host, asyncio.Event()).set()

    def close(self) -> None:
        """Nothing is asked any more: what is open here is no state of the endpoint's."""
        for host in self._breakers:
            GA_BREAKER_OPEN.labels(_name(host)).set(0)
