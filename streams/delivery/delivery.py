"""Delivery: every event at every one of its trackers, each ending in exactly one receipt.

The order of things for a request: take a place in flight → post → GA answers →
`settle` writes receipts and ledger and returns once they are durable → give the
place back. So a crash between the answer and the ledger can repeat at most the
requests that were in flight (DESIGN §2).
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self

from schemas.account import Accounts
from schemas.ga_event import GaEvent, Tracker
from schemas.receipt import Outcome
from streams import settings
from streams.delivery.gate import Gate
from streams.delivery.lanes import Lanes
from streams.delivery.pace import Pace
from streams.delivery.places import MayPost, Places
from streams.delivery.post import Post
from streams.delivery.receipts import Settled, Try, receipt
from streams.delivery.timeouts import Timeouts
from streams.measurement import (
    Answer,
    Due,
    Lane,
    Rejected,
    Request,
    expires_micros,
    is_expired,
    lane_of,
    pack,
    protocol_of,
)
from streams.observe.metrics import GA_FAILING_TRACKERS, GA_REQUESTS, GA_SECONDS, RECEIPTS

__all__ = ["Delivery", "IsDelivered", "Settle"]

IsDelivered = Callable[[GaEvent, Tracker], bool]
"""The ledger's answer: whether the event was delivered to the tracker before."""
Settle = Callable[[Sequence[Settled]], Awaitable[None]]
"""Writes receipts, and what they say is delivered into the ledger; returns once both are
durable. Called for several lanes at a time."""

_MICROS: Final = 1_000_000
_log: Final = logging.getLogger(__name__)


def _wall_micros() -> int:
    return time.time_ns() // 1_000


class Delivery:
    """Posts events. One for a worker: the bound on requests in flight holds over all calls of `deliver`."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        endpoint: str | None,
        in_flight: int,
        timeout_s: float,
        tracker_per_s: float = 0.0,
        now: Callable[[], int] = _wall_micros,
        secret: Callable[[str], str | None] = settings.secret,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self._accounts = accounts
        self._endpoint = endpoint
        self._now = now
        self._secret = secret
        self._pace = pace
        self._post = Post(endpoint, Timeouts(timeout_s))
        self._gate = Gate(pace, tracker_per_s=tracker_per_s)
        self._places = Places(in_flight)
        self._lanes = Lanes()
        self._failing: dict[str, str] = {}  # by tracker what was last logged, until it is well again

    async def __aenter__(self) -> Self:
        await self._post.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.close()
        await self._post.__aexit__(kind, error, trace)

    async def deliver(
        self,
        events: Sequence[GaEvent],
        is_delivered: IsDelivered,
        settle: Settle,
        *,
        may_post: MayPost = lambda: True,
    ) -> None:
        """Deliver events; returns when each is settled at each of its trackers.

        While `may_post` says no, no request begins.

        May be called for several partitions at a time. Cancelled, it stops at
        once: what is not settled then has no receipt. Raises what `settle`
        raises, and CannotPost.
        """
        call = _Call(is_delivered, settle, may_post)
        lanes, settled = self._sorted(events, is_delivered)
        await call.settle(settled)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._deliver_lane(lane, dues, call)) for lane, dues in lanes.items()]
        except BaseExceptionGroup as failed:
            # The first failure ended the others; the caller awaits one call, so it gets one error.
            raise failed.exceptions[0] from None
        if any(task.cancelled() for task in tasks):
            # A group passes over a task that ends so by itself, as one does whose `settle` awaits a
            # producer that was stopped. Its events are not settled: this must not look like success.
            raise asyncio.CancelledError

    def _sorted(
        self, events: Sequence[GaEvent], is_delivered: IsDelivered
    ) -> tuple[dict[Lane, list[Due]], list[Settled]]:
        """What is to be posted, by lane, and what is settled without posting."""
        lanes: dict[Lane, list[Due]] = {}
        settled: list[Settled] = []
        met: set[tuple[str, str]] = set()
        unposted: dict[tuple[str, str], Outcome | None] = {}  # of an account's tracker: secrets may be files
        now = self._now()
        for event in events:
            for tracker in event.trackers:
                due = Due(event, tracker)
                outcome: Outcome | None = "repeated"
                if (event.event_id, tracker.id) not in met and not is_delivered(event, tracker):
                    whose = (event.account_id, tracker.id)
                    if whose not in unposted:
                        unposted[whose] = self._unposted(due)
                    outcome = unposted[whose] or ("expired" if is_expired(event, now) else None)
                met.add((event.event_id, tracker.id))
                if outcome is None:
                    lanes.setdefault(lane_of(due), []).append(due)
                else:
                    settled.append((event, receipt(due, outcome)))
        return lanes, settled

    def _unposted(self, due: Due) -> Outcome | None:
        """Why events of its account are not posted to its tracker, as far as that is known beforehand."""
        account = self._accounts.of(due.event.account_id)
        if account.plan == "free":
            return "plan"
        protocol = protocol_of(due.tracker.id)
        if protocol == "ua" and self._endpoint is None:
            return "no_endpoint"
        if protocol == "ga4" and self._secret_of(due) is None:
            return "no_secret"
        return None

    def _secret_of(self, due: Due) -> str | None:
        source = self._accounts.of(due.event.account_id).api_secrets.get(due.tracker.id)
        return None if source is None else self._secret(source)

    # -- one lane after the other is free to begin; within one, one request after the other --------

    async def _deliver_lane(self, lane: Lane, dues: list[Due], call: "_Call") -> None:
        async with self._lanes.hold(lane):
            # Asked again: another call may have had the lane, and an event of this one in it.
            repeated = {due.event.event_id for due in dues if call.is_delivered(due.event, due.tracker)}
            await call.settle([(due.event, receipt(due, "repeated")) for due in dues if due.event.event_id in repeated])
            rest = [due for due in dues if due.event.event_id not in repeated]
            for item in pack(rest, self._accounts.of(lane[0]), self._now()):
                if isinstance(item, Rejected):
                    await call.settle([(item.due.event, receipt(item.due, "rejected", reason=str(item.note)))])
                else:
                    await self._deliver_request(item, call)

    async def _deliver_request(self, request: Request, call: "_Call") -> None:
        """Post until GA has taken or refused it, or it is too old."""
        last = Try()
        host, tracker_id = self._post.host(self._accounts.of(request.account_id).region), request.tracker_id
        while True:
            async with self._places.take(call.may_post):
                current = await self._unexpired(request, last, call)
                if current is None:
                    return
                request = current
                entered, answer = self._gate.enter(host, tracker_id), None
                if entered is not None:
                    with entered:
                        answer, last = await self._attempt(request, last)
                        entered.answer = answer
                    if answer is None:
                        await call.settle([(due.event, receipt(due, "no_secret", last)) for due in request.dues])
                        return
                    if answer.verdict != "retry":
                        await call.settle(_answered(request, answer, last))
                        return
            until_expiry_s = self._until_expiry_s(request)
            # Where the endpoint is open its breaker says when to try, for all lanes together.
            if answer is not None and not self._gate.is_open(host):
                wait_s = self._pace.wait_s(last.attempts, answer.retry_after_s)
                await self._pace.sleep(min(wait_s, until_expiry_s))
            else:
                await self._gate.wait(host, tracker_id, until_expiry_s, self._pace)

    def quiet(self, patience_s: float = math.inf) -> AbstractAsyncContextManager[None]:
        """While it lasts no request begins; it is entered once those in flight are settled, or patience has run out.

        A call of `deliver` that is cancelled in it leaves nothing half done, so
        that a rebalance or a clean stop repeats no request; without patience it
        gives up those in flight, and tells of it.
        """
        return self._places.quiet(patience_s)

    async def _unexpired(self, request: Request, last: Try, call: "_Call") -> Request | None:
        """The request without what has grown too old while it waited; None: nothing is left."""
        now = self._now()
        expired = [due for due in request.dues if is_expired(due.event, now)]
        if not expired:
            return request
        await call.settle([(due.event, receipt(due, "expired", last)) for due in expired])
        rest = [due for due in request.dues if not is_expired(due.event, now)]
        packed = pack(rest, self._accounts.of(request.account_id), now)
        # Fewer of the same events, of one client in the same circumstances: still one request.
        return next((item for item in packed if isinstance(item, Request)), None)

    async def _attempt(self, request: Request, last: Try) -> tuple[Answer | None, Try]:
        """One try. No answer at all: the secret is gone."""
        secret = self._secret_of(request.dues[0]) if request.needs_secret else None
        if secret is None and request.needs_secret:
            return None, last
        sent, began = self._now(), time.perf_counter()
        region = self._accounts.of(request.account_id).region
        answer = await self._post(request, region, secret, sent)
        GA_SECONDS.observe(time.perf_counter() - began)
        GA_REQUESTS.labels(answer.kind).inc()
        self._tell(request, answer)
        return answer, Try(last.attempts + 1, answer.status, sent, self._now())

    def _until_expiry_s(self, request: Request) -> float:
        """Until the first of its events is too old: no wait is longer."""
        until = min(expires_micros(due.event) for due in request.dues) + 1 - self._now()
        return max(0.0, until / _MICROS)

    def _tell(self, request: Request, answer: Answer) -> None:
        """Log where a tracker begins to fail and where it is well again, and nothing in between."""
        tracker_id, told = request.tracker_id, self._failing.get(request.tracker_id)
        if answer.verdict == (told or "delivered"):
            return
        if answer.verdict == "delivered":
            del self._failing[tracker_id]
            _log.info("GA takes events of tracker %s again", tracker_id)
        else:
            self._failing[tracker_id] = answer.verdict
            what = "refuses events for good" if answer.verdict == "refused" else "does not answer well: events are held"
            _log.warning("tracker %s: GA %s (%s, status %s)", tracker_id, what, answer.kind, answer.status)
        GA_FAILING_TRACKERS.set(len(self._failing))


class _Call:
    """One call of `deliver`: the ledger and the receipts are its partition's."""

    __slots__ = ("_settle", "is_delivered", "may_post")

    def __init__(self, is_delivered: IsDelivered, settle: Settle, may_post: MayPost) -> None:
        self.is_delivered = is_delivered
        self.may_post = may_post
        self._settle = settle

    async def settle(self, settled: Sequence[Settled]) -> None:
        """Write receipts, if there are any, and count them once they are written."""
        if not settled:
            return
        await self._settle(settled)
        for outcome, times in Counter([written.outcome for _, written in settled]).items():
            RECEIPTS.labels(outcome).inc(times)


def _answered(request: Request, answer: Answer, last: Try) -> list[Settled]:
    if answer.verdict == "delivered":
        return [(due.event, receipt(due, "delivered", last, reason=request.notes_of(due))) for due in request.dues]
    reason = f"the endpoint answered with status {answer.status}"
    return [(due.event, receipt(due, "refused", last, reason=reason)) for due in request.dues]
