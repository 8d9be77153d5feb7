"""The server over HTTP, by a real client; its Kafka is away, which it must say only to whom it believes.

What Kafka has in the end is test_process.py's.
"""

import asyncio
import json
import logging
import socket
import time
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from streams.attribution import RuleBook
from streams.ingest import CannotListen, read_endpoints
from streams.ingest.server import IngestServer
from streams.ingest.writer import Writer
from streams.observe.metrics import REGISTRY
from streams.settings import load_settings
from streams.sources import FORMATS
from tests.kafka import free_ports
from tests.streams.ingest.signing import interaction, signed, webhook

SECRET = "hunter2-hunter2"
SIGNATURE = FORMATS["smartsupp-webhook"].signature
assert SIGNATURE is not None
TOKEN = {"Authorization": f"Bearer {SECRET}"}
ENDPOINTS = """
[endpoints.acme]
format = "smartsupp-webhook"
secret = "env:INGEST_SECRET"

[endpoints.site]
format = "interaction"
secret = "env:INGEST_SECRET"

[endpoints.anybody]
format = "interaction"
open = true

[endpoints.slow]
format = "interaction"
open = true
requests_per_s = 0.5
"""
NOTHING = json.dumps(interaction(type="of a later version")).encode()


def counted(outcome):
    return REGISTRY.get_sample_value("chat2ga_ingest_requests_total", {"outcome": outcome})


class Served:
    """A server, and the requests that are made to it."""

    def __init__(self, server, port, session):
        self.server, self.port, self.session = server, port, session

    async def post(self, endpoint, body=b"", headers=None, **options):
        """Status, body as JSON or None, headers."""
        url = f"http://127.0.0.1:{self.port}/v1/{endpoint}"
        async with self.session.post(url, data=body, headers=headers, **options) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else None, answer.headers

    @asynccontextmanager
    async def line(self):
        """A connection of one's own, for bytes as they are."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def raw(self, *parts):
        """All that is answered to these bytes, until the connection is closed or nothing more comes."""
        async with self.line() as (reader, writer):
            for part in parts:
                writer.write(part)
            answered = b""
            with suppress(TimeoutError):  # a busy machine may be late with the first of it
                while part := await asyncio.wait_for(reader.read(65_536), 1.5 if answered else 20.0):
                    answered += part
            return answered


async def in_flight(requests):
    """Wait until so many are worked on."""
    async with asyncio.timeout(20):
        while REGISTRY.get_sample_value("chat2ga_ingest_in_flight") != requests:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


@pytest.fixture
def serving(tmp_path, monkeypatch):
    """A server on these settings."""
    monkeypatch.setenv("INGEST_SECRET", SECRET)
    file = tmp_path / "endpoints.toml"
    file.write_text(ENDPOINTS)

    @asynccontextmanager
    async def on(**given):
        (port,) = free_ports(1)
        settings = load_settings(**{"ingest": file, "ingest_port": port, "ingest_timeout_s": 1.0, **given})
        away = Writer("chat-interactions", {}, patience_s=1.0, idempotence=True)
        server = IngestServer(settings, read_endpoints(file), RuleBook(), away)
        await server.start()
        try:
            async with aiohttp.ClientSession() as session:
                yield Served(server, port, session)
        finally:
            await server.finish(1.0)
            await server.stop()

    return on


# -- who may send ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "body", "headers"),
    [
        pytest.param("acme", webhook(), signed(SIGNATURE, SECRET, webhook()), id="a webhook that is signed"),
        pytest.param("site", json.dumps(interaction()).encode(), TOKEN, id="an interaction with a token"),
        pytest.param("anybody", json.dumps(interaction()).encode(), {}, id="an interaction of anybody"),
    ],
)
async def test_who_is_believed_is_told_that_kafka_is_away_and_when_to_come_again(serving, endpoint, body, headers):
    async with serving() as served:
        before = counted("unavailable")
        status, told, answered = await served.post(endpoint, body, headers)
    assert answered["Server"] == "chat2ga"
    assert (status, told, answered["Retry-After"]) == (503, {"error": "not written: send it again"}, "5")
    assert counted("unavailable") == before + 1


@pytest.mark.parametrize(
    ("endpoint", "headers"),
    [
        pytest.param("acme", {}, id="no signature"),
        pytest.param("acme", signed(SIGNATURE, "hunter3", webhook()), id="signed with another secret"),
        pytest.param("acme", signed(SIGNATURE, SECRET, webhook(2)), id="another body's signature"),
        pytest.param("acme", TOKEN, id="a token in place of a signature"),
        pytest.param("site", {}, id="no token"),
        pytest.param("site", {"Authorization": "Bearer hunter3"}, id="another token"),
        pytest.param("site", signed(SIGNATURE, SECRET, webhook()), id="a signature in place of a token"),
    ],
)
async def test_who_is_not_believed_is_not_told_why_nor_what_else_is_wrong(serving, endpoint, headers):
    async with serving() as served:
        before = counted("unauthorised")
        for body in (webhook(), b"no webhook at all"):
            status, told, _ = await served.post(endpoint, body, headers)
            assert (status, told) == (401, {"error": "unauthorised"})
    assert counted("unauthorised") == before + 2


async def test_a_token_is_asked_for_before_the_body_is_read(serving):
    head = b"POST /v1/site HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    async with serving(ingest_timeout_s=30.0) as served:
        assert (await served.raw(head)).startswith(b"HTTP/1.1 401")


async def test_a_secret_that_is_gone_refuses_nobody_for_good_and_believes_nobody(serving, monkeypatch, caplog):
    async with serving() as served:
        monkeypatch.delenv("INGEST_SECRET")
        status, _, headers = await served.post("acme", webhook(), signed(SIGNATURE, SECRET, webhook()))
        assert (status, headers["Retry-After"]) == (503, "5")
        assert (await served.post("site", NOTHING, {"Authorization": "Bearer "}))[0] == 503
    assert "env:INGEST_SECRET" in caplog.text


async def test_a_secret_that_is_replaced_counts_from_the_next_request_on(serving, monkeypatch):
    async with serving() as served:
        monkeypatch.setenv("INGEST_SECRET", "a-new-one")
        assert (await served.post("site", NOTHING, TOKEN))[0] == 401
        assert (await served.post("site", NOTHING, {"Authorization": "Bearer a-new-one"}))[0] == 204


# -- what is in it --------------------------------------------------------------------------


async def test_what_is_wrong_is_told_with_its_field(serving):
    body = json.dumps(interaction()).encode() + b"\n" + json.dumps(interaction(session_id=5)).encode()
    async with serving() as served:
        status, told, _ = await served.post("anybody", body)
    assert status == 400
    assert (told["field"], told["line"], told["code"]) == ("session_id", 2, "invalid")


async def test_of_nothing_to_write_nothing_is_said_and_it_is_counted(serving):
    before = REGISTRY.get_sample_value("chat2ga_ingest_records_total", {"outcome": "unknown"})
    async with serving() as served:
        assert (await served.post("anybody", NOTHING))[:2] == (204, None)
    assert REGISTRY.get_sample_value("chat2ga_ingest_records_total", {"outcome": "unknown"}) == before + 1


@pytest.mark.parametrize("path", ["/v1/nobody", "/v1/", "/v2/acme", "/", "/v1/acme/x", "/v1/%2e%2e/acme"])
async def test_elsewhere_there_is_nothing(serving, path):
    async with serving() as served, served.session.post(f"http://127.0.0.1:{served.port}{path}", data=b"x") as answer:
        assert answer.status == 404


async def test_it_is_posted_and_nothing_else(serving):
    async with serving() as served, served.session.get(f"http://127.0.0.1:{served.port}/v1/acme") as answer:
        assert answer.status == 405


# -- how large ------------------------------------------------------------------------------

MOST = 2_000
LARGE = b"x" * (MOST + 1)


async def in_chunks(body):
    for at in range(0, len(body), 500):
        yield body[at : at + 500]


@pytest.mark.parametrize("endpoint", ["acme", "site", "anybody"])
async def test_one_that_is_too_large_is_refused_whether_it_says_so_or_not(serving, endpoint):
    async with serving(ingest_max_bytes=MOST) as served:
        assert (await served.post(endpoint, LARGE, TOKEN))[0] == 413
        assert (await served.post(endpoint, in_chunks(LARGE), TOKEN))[0] == 413
        assert (await served.post(endpoint, in_chunks(LARGE[1:]), TOKEN))[0] in (400, 401)
        assert (await served.post(endpoint, LARGE[1:], TOKEN))[0] in (400, 401)


async def test_a_body_without_an_end_is_answered_and_left(serving):
    """Not a byte beyond the limit is kept; what comes after it is thrown away for a second, then the line is cut."""
    head = b"POST /v1/anybody HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    async with serving(ingest_max_bytes=MOST) as served, served.line() as (reader, writer):
        began = time.monotonic()
        writer.write(head)
        answer = asyncio.create_task(reader.read(12))
        assert await sends_until_cut(writer, chunk)
        assert await answer == b"HTTP/1.1 413"
        assert time.monotonic() - began < 5


async def sends_until_cut(writer, chunk):
    for _ in range(10_000):
        try:
            writer.write(chunk)
            await writer.drain()
        except ConnectionError:
            return True
        await asyncio.sleep(0.001)
    return False


async def test_one_that_is_announced_and_too_large_is_not_asked_for(serving):
    head = b"POST /v1/anybody HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    async with serving(ingest_max_bytes=MOST) as served:
        answered = await served.raw(head % (MOST + 1))
        assert answered.startswith(b"HTTP/1.1 413")
        answered = await served.raw(head % len(NOTHING), NOTHING)
        assert answered.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204")


async def test_one_that_is_encoded_is_not_decoded(serving):
    async with serving() as served:
        for coding in ("gzip", "br", "x-none", "gzip, gzip"):
            status, _, headers = await served.post("anybody", NOTHING, {"Content-Encoding": coding})
            assert (status, headers["Accept-Encoding"]) == (415, "identity")
        assert (await served.post("anybody", NOTHING, {"Content-Encoding": "Identity"}))[0] == 204


# -- how slowly, how often, how many -----------------------------------------------------------


async def test_a_body_that_does_not_come_is_waited_for_no_longer_than_it_may(serving):
    head = b"POST /v1/anybody HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    async with serving(ingest_timeout_s=0.2) as served:
        before = counted("slow")
        assert (await served.raw(head, b"x")).startswith(b"HTTP/1.1 408")
    assert counted("slow") == before + 1


async def test_a_body_that_breaks_off_leaves_nothing_behind(serving):
    head = b"POST /v1/anybody HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    async with serving() as served:
        before = counted("cut_short")
        async with served.line() as (_, writer):
            writer.write(head + b"x")
            await writer.drain()
        assert (await served.post("anybody", NOTHING))[0] == 204
        assert await served.server._places.empty(20.0)
    assert counted("cut_short") == before + 1


async def test_an_endpoint_takes_so_many_a_second_and_the_others_are_not_slowed(serving):
    async with serving() as served:
        assert (await served.post("slow", NOTHING))[0] == 204
        status, _, headers = await served.post("slow", NOTHING)
        assert (status, headers["Retry-After"]) == (429, "2")
        assert (await served.post("anybody", NOTHING))[0] == 204


async def test_who_is_not_believed_takes_nothing_of_what_others_may_send(serving, tmp_path):
    (tmp_path / "endpoints.toml").write_text(
        ENDPOINTS.replace("[endpoints.acme]", "[endpoints.acme]\nrequests_per_s = 0.001")
    )
    async with serving() as served:
        for _ in range(5):
            assert (await served.post("acme", webhook()))[0] == 401
        assert (await served.post("acme", webhook(), signed(SIGNATURE, SECRET, webhook())))[0] == 503
        assert (await served.post("acme", webhook(), signed(SIGNATURE, SECRET, webhook())))[0] == 429


async def test_one_more_than_are_worked_on_at_once_is_sent_away(serving):
    head = b"POST /v1/anybody HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(NOTHING)
    async with serving(ingest_in_flight=2, ingest_timeout_s=30.0) as served:
        async with served.line() as one, served.line() as another:
            for _, writer in (one, another):
                writer.write(head)
            await in_flight(2)
            status, _, headers = await served.post("anybody", NOTHING)
            assert (status, headers["Retry-After"]) == (503, "1")
            for reader, writer in (one, another):
                writer.write(NOTHING)
                assert await reader.read(12) == b"HTTP/1.1 204"
        assert (await served.post("anybody", NOTHING))[0] == 204


# -- its end ----------------------------------------------------------------------------------


async def test_a_stop_finishes_what_was_begun_and_takes_no_more(serving):
    head = b"POST /v1/anybody HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(NOTHING)
    async with serving(ingest_timeout_s=30.0) as served, served.line() as under_way, served.line() as kept:
        under_way[1].write(head)
        await in_flight(1)
        kept[1].write(head + NOTHING)
        assert (await kept[0].read(1_000)).startswith(b"HTTP/1.1 204")
        finishing = asyncio.create_task(served.server.finish(30.0))
        await asyncio.sleep(0.1)
        assert not finishing.done()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", served.port)
        kept[1].write(head + NOTHING)
        answered = await kept[0].read()
        assert answered.startswith(b"HTTP/1.1 503")
        assert b"Connection: close" in answered
        under_way[1].write(NOTHING)
        assert (await under_way[0].read()).startswith(b"HTTP/1.1 204")
        assert await finishing


async def test_a_stop_that_is_not_over_in_time_says_so(serving):
    head = b"POST /v1/anybody HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    async with serving(ingest_timeout_s=30.0) as served, served.line() as (_, writer):
        writer.write(head)
        await in_flight(1)
        assert not await served.server.finish(0.1)


async def test_an_address_that_is_taken_is_told_with_its_remedy(serving):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=f"127.0.0.1:{port}: .*CHAT2GA_INGEST_PORT"):
            async with serving(ingest_port=port):
                pass


# -- what is logged -----------------------------------------------------------------------------


async def test_nothing_that_was_sent_is_logged_however_wrong_it_is(serving, caplog):
    caplog.set_level(logging.DEBUG)
    marked = b"m4rk3d"
    head = b"POST /v1/anybody HTTP/1.1\r\nHost: x\r\n"
    async with serving() as served:
        await served.raw(b"GET m4rk3d\r\n\r\n")
        await served.raw(head + b"Authorization: Bearer m4rk3d\x00\r\n\r\n")
        await served.raw(
            head + b"Content-Length: 5\r\n\r\n12345" + head + b"m4rk3d: \x01\r\nContent-Length: no\r\n\r\n"
        )
        await served.raw(head + b"Transfer-Encoding: chunked\r\n\r\nm4rk3d\r\n\r\n")
        for endpoint in ("acme", "site", "anybody", marked.decode()):
            await served.post(endpoint, marked, {"X-Signed": marked.decode(), "Authorization": f"Bearer {SECRET}"})
    assert marked.decode() not in caplog.text
    assert SECRET not in caplog.text


async def test_a_bug_is_told_by_its_name_and_place_and_the_sender_gets_no_more(serving, caplog, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("m4rk3d")

    monkeypatch.setattr("streams.ingest.server.interactions_in", broken)
    async with serving() as served:
        assert (await served.post("anybody", b"x"))[:2] == (500, {"error": "this is a fault of chat2ga"})
    assert "ZeroDivisionError at " in caplog.text
    assert "test_server.py:" in caplog.text
    assert "m4rk3d" not in caplog.text
