"""A collector in Google's place: takes events over HTTP, checks them, counts them, and misbehaves on request.

    python -m streams.demo.collector --port 8088

Like Google it answers 204 to whatever it receives, also to what is wrong; unlike
Google it says so: `GET /summary`. `/debug/mp/collect` answers as Google's validation
server does, and takes nothing. `POST /misbehave` with `{"status": 503, "times":
3}` makes the next requests fail. Memory is bounded however long it runs.
"""

import argparse
import asyncio
import hashlib
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from streams.demo.google_rules import Violation, check_batch, check_ga4, check_hit
from streams.demo.google_validation import validation_answer
from streams.demo.packing_rules import Order, check_packing

__all__ = ["Arrival", "Collector", "Misbehaviour"]

_MAX_BODY: Final = 4_194_304
_ACCEPTED: Final = range(200, 300)
_MAX_LABELS: Final = 10_000
"""Trackers and names counted by name; the rest together."""
_SAMPLES: Final = 100
_OTHER: Final = "(other)"


class Misbehaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to fail, and how often. All of it may be combined."""

    status: int | None = None  # answer so and take nothing, unless it is 2xx
    retry_after: str | None = None
    delay_s: float = 0.0  # before answering
    drop: Literal["untaken", "taken"] | None = None  # close the connection: before, or after taking the request
    answer_bytes: int = 0  # a body where Google has none
    answer_every_s: float = 0.0  # the body comes byte by byte, so far apart
    times: int = 1


class Arrival(msgspec.Struct, frozen=True):
    """One event that was taken."""

    event_id: str | None
    name: str
    tracker_id: str
    client_id: str
    fields: dict[str, Any]  # parameters of a GA4 event, or the fields of a hit


_GOOD: Final = Misbehaviour()


class Collector:
    """The collector, on a loopback port, for as long as `async with` lasts."""

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        secrets: Mapping[str, str] | None = None,
        schedule: Callable[[int], Misbehaviour | None] | None = None,
        on_arrival: Callable[[Arrival], None] | None = None,
        order: Mapping[str, int] | None = None,
        remember: int = 1_000_000,
    ) -> None:
        """`secrets`: those that trackers must come with. `schedule`: how to treat the n-th request, from 0.

        `order`: the place of each event, by its id, among those of its client; what
        comes for the first time after one that follows it is a violation.
        `remember`: of how many events repeats are recognised.
        """
        self._host, self._port = host, port
        self._secrets = secrets
        self._schedule = schedule
        self._on_arrival = on_arrival
        self._order = Order(order) if order is not None else None
        self._remember = remember
        self._planned: deque[Misbehaviour] = deque()
        self._runner: web.AppRunner | None = None
        self._seen: dict[int, None] = {}
        self._counts: Counter[str] = Counter()
        self._trackers: Counter[str] = Counter()
        self._names: Counter[str] = Counter()
        self._broken: Counter[str] = Counter()
        self._samples: list[dict[str, str]] = []
        self._repeated: deque[tuple[str, str]] = deque(maxlen=_SAMPLES)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MAX_BODY)
        app.add_routes(
            [
                web.post("/mp/collect", self._ga4),
                web.post("/debug/mp/collect", self._validate),
                web.post("/collect", self._hit),
                web.post("/batch", self._batch),
                web.get("/summary", self._show),
                web.get("/healthz", _healthy),
                web.post("/misbehave", self._plan),
            ]
        )
        # No access log: it would write the addresses, secrets and all.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # -- what it knows -----------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """All that was counted. `events` counts repeats too; `violations` is empty when all is well."""
        return {
            "requests": self._counts["requests"],
            "requests_failed": self._counts["failed"],
            "events": self._counts["events"],
            "distinct_events": self._counts["events"] - self._counts["repeated"],
            "repeated": self._counts["repeated"],
            "repeated_last": [list(pair) for pair in self._repeated],
            "by_name": dict(sorted(self._names.items())),
            "by_tracker": dict(sorted(self._trackers.items())),
            "violations": dict(sorted(self._broken.items())),
            "violations_first": self._samples,
        }

    def misbehave(self, misbehaviour: Misbehaviour) -> None:
        """Treat the next requests so."""
        self._planned.append(misbehaviour)

    def _behaviour(self) -> Misbehaviour:
        number = self._counts["requests"]
        self._counts["requests"] += 1
        return self._next_planned() or (self._schedule(number) if self._schedule else None) or _GOOD

    def _next_planned(self) -> Misbehaviour | None:
        if not self._planned:
            return None
        first = self._planned[0]
        if first.times > 1:
            self._planned[0] = msgspec.structs.replace(first, times=first.times - 1)
        else:
            self._planned.popleft()
        return first

    # -- what it takes -----------------------------------------------------------

    async def _ga4(self, request: web.Request) -> web.StreamResponse:
        body, violations = await self._read(request, validating=False)
        tracker_id = request.query.get("measurement_id", "")
        body = body if isinstance(body, dict) else {}
        events = body.get("events")
        arrivals = [
            Arrival(
                _text(event.get("params", {}), "event_id"),
                str(event.get("name")),
                tracker_id,
                str(body.get("client_id")),
                {**event.get("params", {}), "timestamp_micros": event.get("timestamp_micros")},
            )
            for event in (events if isinstance(events, list) else ())
            if isinstance(event, dict) and isinstance(event.get("params", {}), dict)
        ]
        return await self._answer(request, arrivals, violations)

    async def _read(self, request: web.Request, *, validating: bool) -> tuple[object, list[Violation]]:
        now_micros = time.time_ns() // 1_000
        raw = await request.read()
        body = _json(raw)
        given = request.query
        violations = list(check_ga4(given, request.content_type, raw, body, now_micros, validating=validating))
        if self._secrets is not None and self._secrets.get(given.get("measurement_id", "")) != given.get("api_secret"):
            violations.append(Violation("api_secret", "not the one of this tracker"))
        return body, violations

    async def _validate(self, request: web.Request) -> web.StreamResponse:
        _, violations = await self._read(request, validating=True)
        answer = msgspec.json.encode(validation_answer(violations))
        how = self._next_planned() or _GOOD
        if how.delay_s:
            await asyncio.sleep(how.delay_s)
        return web.Response(status=how.status or 200, body=answer, content_type="application/json")

    async def _hit(self, request: web.Request) -> web.StreamResponse:
        arrival, violations = _read_hit(await request.read())
        return await self._answer(request, [arrival], violations)

    async def _batch(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        lines = raw.splitlines()
        hits = [_read_hit(line) for line in lines]
        violations = [*check_batch(len(lines), len(raw)), *(wrong for _, found in hits for wrong in found)]
        return await self._answer(request, [arrival for arrival, _ in hits], violations)

    async def _answer(
        self, request: web.Request, arrivals: list[Arrival], violations: list[Violation]
    ) -> web.StreamResponse:
        how = self._behaviour()
        status = how.status or 204
        taken = how.drop != "untaken" and status in _ACCEPTED
        if taken:
            self._take(arrivals, violations)
        if how.drop or not taken:
            self._counts["failed"] += 1
        if how.delay_s:
            await asyncio.sleep(how.delay_s)
        if how.drop:
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPServiceUnavailable  # goes nowhere: the connection is gone
        headers = {"Retry-After": how.retry_after} if how.retry_after is not None else None
        if how.answer_every_s:
            return await _trickle(request, how, web.StreamResponse(status=status, headers=headers))
        return web.Response(status=status, headers=headers, body=b"x" * how.answer_bytes or None)

    def _take(self, arrivals: list[Arrival], violations: list[Violation]) -> None:
        packing = check_packing([(each.tracker_id, each.client_id, each.event_id) for each in arrivals])
        for violation in (*violations, *packing):
            self._break(violation, arrivals[0].name if arrivals else "")
        for arrival in arrivals:
            self._arrive(arrival)

    def _break(self, violation: Violation, first_event: str) -> None:
        self._broken[violation.rule] += 1
        if len(self._samples) < _SAMPLES:
            self._samples.append({"rule": violation.rule, "detail": violation.detail, "first_event": first_event})

    def _arrive(self, arrival: Arrival) -> None:
        self._counts["events"] += 1
        _count(self._names, arrival.name)
        _count(self._trackers, arrival.tracker_id)
        if arrival.event_id is not None:
            if self._is_repeated(arrival.event_id, arrival.tracker_id):
                self._counts["repeated"] += 1
                self._repeated.append((arrival.event_id, arrival.tracker_id))
            elif self._order is not None:
                for violation in self._order.check(arrival.tracker_id, arrival.client_id, arrival.event_id):
                    self._break(violation, arrival.name)
        if self._on_arrival is not None:
            self._on_arrival(arrival)

    def _is_repeated(self, event_id: str, tracker_id: str) -> bool:
        digest = hashlib.blake2b(f"{event_id}\0{tracker_id}".encode(), digest_size=8).digest()
        key = int.from_bytes(digest, "big")
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > self._remember:
            del self._seen[next(iter(self._seen))]
        return False

    # -- what it is asked --------------------------------------------------------

    async def _show(self, request: web.Request) -> web.Response:
        del request
        return web.Response(
            body=msgspec.json.format(msgspec.json.encode(self.summary())), content_type="application/json"
        )

    async def _plan(self, request: web.Request) -> web.Response:
        try:
            self.misbehave(msgspec.json.decode(await request.read(), type=Misbehaviour))
        except msgspec.DecodeError as error:
            return web.Response(status=400, text=f"{error}\n")
        return web.Response(status=204)


async def _trickle(request: web.Request, how: Misbehaviour, response: web.StreamResponse) -> web.StreamResponse:
    response.content_length = how.answer_bytes
    await response.prepare(request)
    for _ in range(how.answer_bytes):
        await response.write(b"x")
        await asyncio.sleep(how.answer_every_s)
    return response


async def _healthy(request: web.Request) -> web.Response:
    del request
    return web.Response(text="ok\n")


def _read_hit(raw: bytes) -> tuple[Arrival, list[Violation]]:
    fields = dict(parse_qsl(raw.decode("utf-8", errors="replace"), keep_blank_values=True))
    # `z` is the cache buster; chat2ga puts the event's id there, where it can be found again.
    arrival = Arrival(fields.get("z"), fields.get("ea", ""), fields.get("tid", ""), fields.get("cid", ""), dict(fields))
    return arrival, list(check_hit(fields, len(raw)))


def _json(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) else None


def _count(counter: Counter[str], label: str) -> None:
    counter[label if label in counter or len(counter) < _MAX_LABELS else _OTHER] += 1


async def _serve(host: str, port: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with Collector(port, host) as collector:
        print(f"collector listens at {collector.url}; see {collector.url}/summary", flush=True)  # noqa: T201 - its one line
        await stopped.wait()


def main() -> None:
    """Run it until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m streams.demo.collector", description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=8088, help="port to listen on; 0: any that is free")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all")
    given = parser.parse_args()
    asyncio.run(_serve(given.host, given.port))


if __name__ == "__main__":
    main()
