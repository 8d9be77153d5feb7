"""Ways to post to GA, beside each other, against a server of the same machine, taking turns in one run.

    python -m benchmarks.transports [--requests 3000] [--rounds 3] [--in-flight 32]

The same prepared bodies with the same number in flight over: httpx's transport, one
for each place in flight (as `streams.delivery.post` has it); httpx's transport, one
pool for all; a bare aiohttp client, the floor. All HTTP/1.1 with keep-alive, and
httpx's HTTP/2 where `h2` is installed and `--h2 URL` names a server that speaks it (a
proxy in front: the collector does not). Requests a second, and processor seconds of
the client for 1,000 requests; the server is a process of its own. Prints a Markdown table.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Final

import aiohttp
import httpx

from streams.demo.collector import Collector

BODY: Final = (
    b'{"client_id":"1.1","events":['
    + b",".join(
        [b'{"name":"Chatbot_interaction","params":{"event_id":"0123456789abcdef","session_id":"1700000000"}}'] * 5
    )
    + b"]}"
)
HEADERS: Final = {"content-type": "application/json", "user-agent": "chat2ga"}
PATH: Final = "/mp/collect?measurement_id=G-ABC1234567&api_secret=s"

Post = Callable[[int], Awaitable[None]]
"""One request, from the place of that number."""
Run = tuple[float, float]
"""Requests a second; processor seconds for 1,000 of them."""


def serve(to_parent: Connection) -> None:
    """The collector, in a process of its own, until the parent ends it."""

    async def run() -> None:
        async with Collector() as there:
            to_parent.send(there.url)
            await asyncio.Event().wait()

    asyncio.run(run())


async def timed(post: Post, requests: int, in_flight: int) -> Run:
    """All requests, `in_flight` at a time."""
    left = iter(range(requests))

    async def place(number: int) -> None:
        for _ in left:
            await post(number)

    await asyncio.gather(*[post(number) for number in range(in_flight)])  # connections are open
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*[place(number) for number in range(in_flight)])
    return requests / (time.perf_counter() - began), (time.process_time() - cpu) / requests * 1_000


async def over_httpx(url: str, requests: int, in_flight: int, *, pools: int, http2: bool = False) -> Run:
    """Httpx's transport; places share that many pools."""
    tls = httpx.create_ssl_context(verify=not url.startswith("https:"), trust_env=False)
    many = -(-in_flight // pools)
    transports = [
        httpx.AsyncHTTPTransport(
            verify=tls,
            http1=not http2,
            http2=http2,
            trust_env=False,
            limits=httpx.Limits(max_connections=1 if http2 else many, max_keepalive_connections=many),
        )
        for _ in range(pools)
    ]

    async def post(number: int) -> None:
        asked = httpx.Request("POST", url + PATH, headers=HEADERS, content=BODY)
        response = await transports[number % pools].handle_async_request(asked)
        await response.aread()
        await response.aclose()

    try:
        return await timed(post, requests, in_flight)
    finally:
        for transport in transports:
            await transport.aclose()


async def over_aiohttp(url: str, requests: int, in_flight: int) -> Run:
    """The bare client."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight), headers=HEADERS) as session:

        async def post(_: int) -> None:
            async with session.post(url + PATH, data=BODY) as response:
                await response.read()

        return await timed(post, requests, in_flight)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transports")
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--h2", help="https:// address of a server that speaks HTTP/2")
    given = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    url, many = here.recv(), given.in_flight
    ways: dict[str, Callable[[], Awaitable[Run]]] = {
        "httpx, a transport each": lambda: over_httpx(url, given.requests, many, pools=many),
        "httpx, one pool": lambda: over_httpx(url, given.requests, many, pools=1),
        "aiohttp": lambda: over_aiohttp(url, given.requests, many),
    }
    if given.h2:
        ways["httpx, h1 over TLS, a transport each"] = lambda: over_httpx(given.h2, given.requests, many, pools=many)
        ways["httpx, HTTP/2"] = lambda: over_httpx(given.h2, given.requests, many, pools=1, http2=True)
    found: dict[str, list[Run]] = {way: [] for way in ways}
    for _ in range(given.rounds):
        for way, measure in ways.items():
            found[way].append(asyncio.run(measure()))  # type: ignore[arg-type]  # each is a coroutine
    server.terminate()
    print("| | requests a second | processor s for 1,000 |\n|---|---|---|")
    for way, runs in found.items():
        rate, cpu = (statistics.median(each) for each in zip(*runs, strict=True))
        print(f"| {way} | {rate:,.0f} ({min(runs)[0]:,.0f}-{max(runs)[0]:,.0f}) | {cpu:.2f} |")


if __name__ == "__main__":
    main()
