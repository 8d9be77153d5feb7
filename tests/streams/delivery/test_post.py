import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import replace
from itertools import chain, repeat

import pytest

from streams.delivery import CannotPost
from streams.delivery.post import Post
from streams.delivery.timeouts import Timeouts
from streams.demo.collector import Collector, Misbehaviour
from streams.measurement import Request
from tests.kafka import free_ports
from tests.streams.delivery.raw import RawServer, nobody_accepting
from tests.streams.measurement.made import NOW, UA, made, request


async def test_connections_are_used_again():
    ports = set()

    class Watching(Collector):
        async def _answer(self, request, arrivals, violations):
            ports.add(request.transport.get_extra_info("peername")[1])
            return await super()._answer(request, arrivals, violations)

    async with Watching() as there, Post(there.url, Timeouts(5.0)) as post:
        for _ in range(20):
            assert (await post(request(made()), "global", "s", NOW)).status == 204
    assert len(ports) == 1


async def test_an_answer_without_end_is_an_answer_and_its_connection_is_closed():
    def endless(_):
        return chain([b"HTTP/1.1 200 OK\r\n\r\n"], repeat(b"x" * 10_000))

    async with RawServer(endless) as there, Post(there.url, Timeouts(5.0)) as post:
        assert (await post(request(made()), "global", "s", NOW)).verdict == "delivered"
        assert (await post(request(made()), "global", "s", NOW)).verdict == "delivered"
        async with asyncio.timeout(5):
            for writer in there.connections:
                with suppress(ConnectionError):
                    await writer.wait_closed()


async def test_an_answer_whose_body_trickles_in_is_not_waited_for_nor_asked_again():
    answer = [b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", *[b"x"] * 20]
    async with RawServer(answer, pause_s=1.0) as there, Post(there.url, Timeouts(10.0)) as post:
        began = time.monotonic()
        assert (await post(request(made()), "global", "s", NOW)).verdict == "delivered"
        assert time.monotonic() - began < 10.0
        assert len(there.heads) == 1


@pytest.mark.parametrize(("region", "host"), [("global", "www"), ("eu", "region1")])
def test_googles_endpoint_by_region(region, host):
    assert Post(None, Timeouts(5.0)).host(region) == f"https://{host}.google-analytics.com"
    assert Post("http://here", Timeouts(5.0)).host(region) == "http://here"


async def test_a_slow_answer_is_a_timeout_and_nobody_is_unreachable():
    async with (
        Collector(schedule=lambda _: Misbehaviour(delay_s=60)) as there,
        Post(there.url, Timeouts(0.2)) as post,
    ):
        assert (await post(request(made()), "global", "s", NOW)).kind == "timeout"
    async with (
        Collector(schedule=lambda _: Misbehaviour(drop="taken")) as there,
        Post(there.url, Timeouts(30.0)) as post,
    ):
        assert (await post(request(made()), "global", "s", NOW)).kind == "unreachable"
    async with Post(f"http://127.0.0.1:{free_ports(1)[0]}", Timeouts(30.0)) as post:
        assert (await post(request(made()), "global", "s", NOW)).kind == "unreachable"


async def test_an_endpoint_that_speaks_no_tls_is_unreachable():
    async with Collector() as there, Post(there.url.replace("http:", "https:"), Timeouts(5.0)) as post:
        assert (await post(request(made()), "global", "s", NOW)).kind == "unreachable"


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1", "http://[::1", "127.0.0.1", "http://127.0.0.1:99999"])
async def test_what_no_endpoint_could_mend_is_an_error_that_says_so_without_the_secret(endpoint):
    async with Post(endpoint, Timeouts(5.0)) as post:
        with pytest.raises(CannotPost) as raised:
            await post(request(made()), "global", "s3cr3t", NOW)
    assert raised.value.__cause__ is raised.value.__context__ is None
    assert "s3cr3t" not in str(raised.value) + repr(raised.value)
    assert "G-ABC1234567" in str(raised.value)


async def test_a_secret_that_cannot_be_sent_is_an_error_that_does_not_tell_it():
    async with Post("http://127.0.0.1:1", Timeouts(5.0)) as post:
        with pytest.raises(CannotPost) as raised:
            await post(request(made()), "global", "s3cr3t\udcff", NOW)
    assert raised.value.__cause__ is raised.value.__context__ is None
    assert "s3cr3t" not in str(raised.value) + repr(raised.value)


async def test_a_hit_carries_no_secret_at_all():
    asked = []

    class Watching(Collector):
        async def _answer(self, request, arrivals, violations):
            asked.append(request.path_qs)
            return await super()._answer(request, arrivals, violations)

    async with Watching() as there, Post(there.url, Timeouts(5.0)) as post:
        await post(request(made(), UA), "global", "s3cr3t", NOW)
        await post(request(made()), "global", "s3&cr=3t", NOW)
    assert asked == ["/collect", "/mp/collect?measurement_id=G-ABC1234567&api_secret=s3%26cr%3D3t"]


# -- each phase has its time, and its own alone ------------------------------------------

PATIENT = Timeouts(30.0, 30.0, 30.0, 30.0)


async def timed_out(endpoint, timeouts, asked=None):
    """Whether it ended as a timeout, and long before any other phase would have ended it."""
    began = time.monotonic()
    async with Post(endpoint, timeouts) as post:
        answer = await post(asked or request(made()), "global", "s", NOW)
    return answer.kind == "timeout" and 0.25 < time.monotonic() - began < 20.0


async def test_connecting_has_its_time():
    with nobody_accepting() as (host, port):
        assert await timed_out(f"http://{host}:{port}", replace(PATIENT, connect_s=0.3))


class Huge(Request, frozen=True):
    """More than the buffers of both ends take."""

    def body_at(self, now_micros):
        del now_micros
        return b"x" * 50_000_000


async def test_writing_to_one_who_stopped_reading_has_its_time():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        one = request(made())
        huge = Huge(one.protocol, one.account_id, one.tracker_id, one.dues, one.encoded)
        assert await timed_out(f"http://127.0.0.1:{deaf.getsockname()[1]}", replace(PATIENT, write_s=0.3), huge)


async def test_waiting_for_an_answer_has_its_time():
    async with Collector() as there:
        there.misbehave(Misbehaviour(delay_s=60))
        assert await timed_out(there.url, replace(PATIENT, read_s=0.3))


async def test_the_whole_has_its_time_however_steadily_the_head_of_an_answer_trickles():
    answer = [b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 200]
    async with RawServer(answer, pause_s=0.05) as there:
        assert await timed_out(there.url, replace(PATIENT, whole_s=0.5, read_s=0.3))
