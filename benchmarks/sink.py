"""The sink beside a bare aiohttp loop, taking turns in one run: what delivering costs, and what packing brings.

    python -m benchmarks.sink [--sessions 3000] [--rounds 5] [--in-flight 32] [--json FILE]

Events of sample sessions, as they lie in `ga-events`. `the sink` is
`streams.delivery.Delivery` with all that it does for each event: decoding, the ledger's
question, preflight, packing, posting, receipts encoded, ledger written to (a
dictionary; Kafka is another benchmark's). A run of 8,000 events is what it gets at
once when there is a backlog. `aiohttp` posts bodies that are ready, with as many in
flight, looks at no answer and keeps no book: the packed ones of the sink, or one for
each event.

Against three servers, each a process of its own: one that answers at once and looks at
nothing, so that the client alone is measured; the same with 20 ms of delay, which a
network has; and the demo's collector, which checks every rule of Google's.
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp
import msgspec

from benchmarks.lingering import TRACKER, arrivals
from schemas.account import Account, Accounts
from schemas.ga_event import GaEvent, Tracker, decode_event, encode_event
from schemas.receipt import encode_receipt
from streams.delivery import Delivery, Settled
from streams.demo.collector import Collector
from streams.measurement import Due, Request, lane_of, pack
from streams.runs import tune_collector

RUN: Final = 8_000
SECRET: Final = "s"  # noqa: S105 - nobody's
DELAY_S: Final = 0.02
_ANSWER: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
_LENGTH: Final = b"content-length:"


class Work(NamedTuple):
    """The same traffic in each of its forms."""

    raw: list[bytes]  # records of `ga-events`
    accounts: Accounts
    packed: list[bytes]
    single: list[bytes]


class Figures(NamedTuple):
    """What a turn gave."""

    requests_per_s: float
    events_per_s: float
    cpu_ms_per_request: float


# -- the traffic ------------------------------------------------------------------------


def work(sessions: int) -> Work:
    """Sample sessions' events in their order, not older than Google takes."""
    timed = [(at_s, due.event) for lane in arrivals(sessions).values() for at_s, due in lane]
    shift = time.time_ns() // 1_000 - 3_600_000_000 - max(event.timestamp_micros for _, event in timed)
    events = [
        msgspec.structs.replace(event, trackers=(TRACKER,), timestamp_micros=event.timestamp_micros + shift)
        for _, event in sorted(timed, key=lambda pair: pair[0])
    ]
    account = Account(api_secrets={TRACKER.id: "env:NEVER_READ"})
    accounts = Accounts({event.account_id: account for event in events})
    single = [body for event in events for body in _bodies([event])]
    packed = [body for run in _runs(events) for body in _bodies(run)]
    return Work([encode_event(event) for event in events], accounts, packed, single)


def _runs(events: Sequence[GaEvent]) -> Iterator[Sequence[GaEvent]]:
    for first in range(0, len(events), RUN):
        yield events[first : first + RUN]


def _bodies(events: Sequence[GaEvent]) -> Iterator[bytes]:
    lanes: dict[object, list[Due]] = {}
    for event in events:
        due = Due(event, TRACKER)
        lanes.setdefault(lane_of(due), []).append(due)
    now = time.time_ns() // 1_000
    for dues in lanes.values():
        for request in pack(dues, Account(), now):
            assert isinstance(request, Request)
            yield request.encoded


# -- the servers ----------------------------------------------------------------------------


class Quick(asyncio.Protocol):
    """Answers each request once all of it is there."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody asks."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        self._left += data
        while (end := self._left.find(b"\r\n\r\n")) >= 0:
            head = self._left[:end].lower()
            length = int(head[head.index(_LENGTH) + len(_LENGTH) :].split(b"\r\n", 1)[0])
            if len(self._left) < end + 4 + length:
                return
            self._left = self._left[end + 4 + length :]
            if self._delay_s:
                asyncio.get_running_loop().call_later(self._delay_s, self._transport.write, _ANSWER)
            else:
                self._transport.write(_ANSWER)


def _serve(kind: str, to_parent: Connection) -> None:
    async def run() -> None:
        if kind == "collector":
            async with Collector(secrets={TRACKER.id: SECRET}) as there:
                to_parent.send(there.url)
                await asyncio.Event().wait()
        delay_s = DELAY_S if kind == "20 ms away" else 0.0
        server = await asyncio.get_running_loop().create_server(lambda: Quick(delay_s), "127.0.0.1", 0)
        to_parent.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await server.serve_forever()

    asyncio.run(run())


SERVERS: Final = ("at once", "20 ms away", "collector")


@contextmanager
def serving(kind: str) -> Iterator[str]:
    """A server of that kind, in a process of its own; its address."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(kind, there), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


# -- the engines ------------------------------------------------------------------------------


async def sink(url: str, given: Work, in_flight: int) -> Figures:
    """Deliver all of it, a run after the other."""
    ledger: set[tuple[str, str]] = set()
    receipts: list[bytes] = []
    requests = 0

    def is_delivered(event: GaEvent, tracker: Tracker) -> bool:
        return (event.event_id, tracker.id) in ledger

    async def settle(settled: Sequence[Settled]) -> None:
        nonlocal requests
        requests += 1
        for event, receipt in settled:
            assert receipt.outcome == "delivered", receipt
            receipts.append(encode_receipt(receipt))
            ledger.add((event.event_id, receipt.tracker_id))

    delivery = Delivery(given.accounts, endpoint=url, in_flight=in_flight, timeout_s=30.0, secret=lambda _: SECRET)
    async with delivery:
        with taken() as figures:
            for first in range(0, len(given.raw), RUN):
                events = [decode_event(raw) for raw in given.raw[first : first + RUN]]
                await delivery.deliver(events, is_delivered, settle)
    assert len(ledger) == len(receipts) == len(given.raw)
    return figures(requests, len(receipts))


async def aiohttp_loop(url: str, bodies: Sequence[bytes], events: int, in_flight: int) -> Figures:
    """Post them, so many at a time."""
    address = f"{url}/mp/collect?measurement_id={TRACKER.id}&api_secret={SECRET}"
    left = iter(bodies)
    headers = {"content-type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight), headers=headers) as session:

        async def place() -> None:
            for body in left:
                async with session.post(address, data=body) as response:
                    await response.read()

        with taken() as figures:
            await asyncio.gather(*[place() for _ in range(in_flight)])
    return figures(len(bodies), events)


@contextmanager
def taken() -> Iterator[Callable[[int, int], Figures]]:
    """Times what happens within; afterwards the figures for so many requests and events."""
    began, cpu_began = time.perf_counter(), time.process_time()
    took_s = cpu_s = 0.0

    def figures(requests: int, events: int) -> Figures:
        return Figures(requests / took_s, events / took_s, cpu_s / requests * 1_000)

    yield figures
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began


def measured(turn: Coroutine[None, None, Figures]) -> Figures:
    """One turn."""
    gc.collect()
    tune_collector()  # for all of them as the worker does it; the traffic in its forms is nobody's garbage
    return asyncio.run(turn)


def main() -> None:
    """Take turns, and say what came of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sink")
    parser.add_argument("--sessions", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--server", choices=SERVERS, action="append", help="only against this one")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    traffic, many = work(given.sessions), given.in_flight
    found: dict[str, dict[str, list[Figures]]] = {}
    for kind in given.server or SERVERS:
        ways = found.setdefault(kind, {"the sink": [], "aiohttp, packed bodies": [], "aiohttp, an event each": []})
        for turn in range(given.rounds + 1):
            with serving(kind) as url:
                figures = {
                    "the sink": measured(sink(url, traffic, many)),
                    "aiohttp, packed bodies": measured(aiohttp_loop(url, traffic.packed, len(traffic.raw), many)),
                    "aiohttp, an event each": measured(aiohttp_loop(url, traffic.single, len(traffic.raw), many)),
                }
            for way, each in figures.items():
                if turn:  # the first counts for nothing
                    ways[way].append(each)
    print(
        f"{len(traffic.raw):,} events in {len(traffic.packed):,} requests: "
        f"{len(traffic.raw) / len(traffic.packed):.2f} events a request\n"
    )
    print("| server | | requests/s | events/s | processor ms a request |\n|---|---|---|---|---|")
    for kind, ways in found.items():
        for way, turns in ways.items():
            requests, events, cpu = (statistics.median(each) for each in zip(*turns, strict=True))
            low, high = min(turns).requests_per_s, max(turns).requests_per_s
            print(f"| {kind} | {way} | {requests:,.0f} ({low:,.0f} to {high:,.0f}) | {events:,.0f} | {cpu:.3f} |")
    print()
    for kind, ways in found.items():
        ours, packed, single = (
            [statistics.median(each) for each in zip(*turns, strict=True)] for turns in ways.values()
        )
        print(
            f"- {kind}: {ours[0] / packed[0]:.2f} of aiohttp's requests with the same bodies, "
            f"{ours[0] / single[0]:.2f} of those with an event each, {ours[1] / single[1]:.1f} times its events"
        )
    if given.json:
        given.json.write_text(
            json.dumps(
                {
                    kind: {way: [turn._asdict() for turn in turns] for way, turns in ways.items()}
                    for kind, ways in found.items()
                },
                indent=2,
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
