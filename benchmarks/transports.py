"""Ways to post to GA, beside each other, taking turns in one run: what `streams.delivery.transport` is there for.

    python -m benchmarks.transports [--requests 4000] [--rounds 5] [--in-flight 32]

The same prepared body with the same number in flight over HTTP/1.1 with keep-alive:
`streams.delivery.transport` beneath httpx's requests; httpx's own transport, one for
each place in flight and one pool for all; a bare aiohttp client. The server is a
process of its own that answers at once. Requests a second, and processor
milliseconds of the client for each. Prints a Markdown table.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

import aiohttp
import httpx

from benchmarks.sink import serving
from streams.delivery.timeouts import Timeouts
from streams.delivery.transport import Transport

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
"""Requests a second; processor milliseconds for each."""


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


async def over_ours(url: str, requests: int, in_flight: int) -> Run:
    """The transport of delivery."""
    transport, address, extensions = Transport(), httpx.URL(url + PATH), {"timeout": Timeouts(30.0).as_httpx()}

    async def post(_: int) -> None:
        asked = httpx.Request("POST", address, headers=HEADERS, stream=httpx.ByteStream(BODY), extensions=extensions)
        response = await transport.handle_async_request(asked)
        await response.aclose()

    try:
        return await timed(post, requests, in_flight)
    finally:
        await transport.aclose()


async def over_httpx(url: str, requests: int, in_flight: int, *, pools: int) -> Run:
    """Httpx's transport; places share that many pools."""
    many = -(-in_flight // pools)
    limits = httpx.Limits(max_connections=many, max_keepalive_connections=many)
    transports = [httpx.AsyncHTTPTransport(verify=False, trust_env=False, limits=limits) for _ in range(pools)]

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
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=32)
    given = parser.parse_args()
    many = given.in_flight
    ways: dict[str, Callable[[str], Coroutine[None, None, Run]]] = {
        "ours beneath httpx": lambda url: over_ours(url, given.requests, many),
        "httpx, a transport each": lambda url: over_httpx(url, given.requests, many, pools=many),
        "httpx, one pool": lambda url: over_httpx(url, given.requests, many, pools=1),
        "aiohttp": lambda url: over_aiohttp(url, given.requests, many),
    }
    found: dict[str, list[Run]] = {way: [] for way in ways}
    with serving("at once") as url:
        for _ in range(given.rounds):
            for way, measure in ways.items():
                found[way].append(asyncio.run(measure(url)))
    print("| | requests a second | processor ms for each |\n|---|---|---|")
    for way, runs in found.items():
        rate, cpu = (statistics.median(each) for each in zip(*runs, strict=True))
        print(f"| {way} | {rate:,.0f} ({min(runs)[0]:,.0f}-{max(runs)[0]:,.0f}) | {cpu:.3f} |")


if __name__ == "__main__":
    main()
