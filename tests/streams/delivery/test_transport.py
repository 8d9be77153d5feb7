import asyncio
import gc
import socket
import ssl
import threading
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.delivery import connection
from streams.delivery import transport as module
from streams.delivery.transport import Transport
from tests.kafka.certificates import Authority
from tests.streams.delivery.raw import CLOSE, RawServer, nobody_accepting

TIMES = {"connect": 5.0, "write": 5.0, "read": 5.0}
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


def asked(url, body=b"{}", **headers):
    return httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(body), extensions={"timeout": TIMES})


async def until(holds):
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


async def said(transport, url, body=b"{}"):
    """Status and body of an answer that is read to its end."""
    response = await transport.handle_async_request(asked(url, body))
    try:
        return response.status_code, await response.aread()
    finally:
        await response.aclose()


@pytest.fixture
async def transport():
    transport = Transport()
    yield transport
    await transport.aclose()


async def test_a_request_goes_out_as_it_is_and_the_answer_comes_back(transport):
    async with RawServer([HELLO]) as there:
        response = await transport.handle_async_request(asked(f"{there.url}/a?b=c%20d", b"body", accept="*/*"))
        assert (response.status_code, response.headers["content-length"]) == (200, "5")
        assert await response.aread() == b"hello"
    host = b"host: 127.0.0.1:%d" % there.port
    assert there.heads[0].split(b"\r\n") == [
        *(b"POST /a?b=c%20d HTTP/1.1", host, b"content-length: 4", b"accept: */*", b"", b""),
    ]
    assert there.bodies == [b"body"]


@pytest.mark.parametrize("answer", [EMPTY, HELLO, CHUNKED], ids=["empty", "of a length", "in chunks"])
async def test_a_connection_whose_answer_has_ended_is_used_again(transport, answer):
    async with RawServer([answer]) as there:
        for _ in range(5):
            status, body = await said(transport, there.url)
            assert (status, body) == ((204, b"") if answer is EMPTY else (200, b"hello"))
        assert len(there.connections) == 1


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"],
        [b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
        [b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", CLOSE],
    ],
    ids=["told to close", "HTTP/1.0", "ended by closing"],
)
async def test_a_connection_that_ends_with_its_answer_is_not(transport, answer):
    async with RawServer(answer) as there:
        for _ in range(3):
            assert await said(transport, there.url) == (200, b"hello")
            await asyncio.sleep(0)
            assert not transport._open
        assert len(there.connections) == 3


async def test_requests_at_once_have_a_connection_each_and_the_last_one_back_goes_out_first(transport):
    async with RawServer([EMPTY], pause_s=0.05) as there:
        await asyncio.gather(*[said(transport, there.url) for _ in range(4)])
        assert len(there.connections) == 4
        for _ in range(4):
            await said(transport, there.url)
        assert len(there.connections) == 4
        assert set(there.asked_on[4:]) == {there.asked_on[3]}


async def test_everybody_gets_the_answer_to_his_own_request_however_busy_the_connections_are(transport):
    def echo(body):
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        return [answer[:-2], answer[-2:]] if int(body) % 3 else [answer]

    async def ask(first):
        for number in range(first, first + 50):
            body = b"%d" % number
            if number % 7:
                assert await said(transport, there.url, body) == (200, body)
            else:  # without a look at the body
                await (await transport.handle_async_request(asked(there.url, body))).aclose()

    async with RawServer(echo) as there:
        await asyncio.gather(*[ask(first) for first in range(1_000, 9_000, 1_000)])
        assert len(there.heads) == 400
        assert len(there.connections) <= 16


async def test_a_connection_that_the_server_closed_while_idle_is_not_used_again(transport):
    async with RawServer([EMPTY]) as there:
        await said(transport, there.url)
        there.connections[0].close()
        await asyncio.sleep(0.05)
        assert (await said(transport, there.url))[0] == 204
        assert len(there.connections) == 2


async def test_a_connection_idle_for_too_long_is_closed_and_not_used(transport, monkeypatch):
    async with RawServer([EMPTY], pause_s=0.02) as there:
        await asyncio.gather(*[said(transport, there.url) for _ in range(3)])
        monkeypatch.setattr(module, "_KEEPALIVE_S", 0.1)
        await asyncio.sleep(0.2)
        await said(transport, there.url)
        assert len(there.connections) == 4
        assert len(transport._open) == 1


async def test_connections_that_are_no_longer_needed_are_closed_while_others_are_used(transport):
    async with RawServer([EMPTY]) as there:
        await asyncio.gather(*[said(transport, there.url) for _ in range(3)])
        (idle,) = transport._idle.values()
        await said(transport, there.url)
        assert len(transport._open) == 3, "not yet"
        for connection in idle[:-1]:  # as if the last one had been used ever since
            connection.idle_since_s -= module._KEEPALIVE_S + 1.0
        await said(transport, there.url)
        await until(lambda: len(transport._open) < 3)
        assert len(there.connections) == 3
        assert len(transport._open) == 1


async def test_what_a_server_says_unasked_closes_the_connection(transport):
    async with RawServer([EMPTY]) as there:
        await said(transport, there.url)
        there.connections[0].write(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        await asyncio.sleep(0.05)
        assert await said(transport, there.url) == (204, b"")
        assert len(there.connections) == 2


async def test_a_second_answer_to_one_request_is_never_that_to_the_next(transport):
    async with RawServer([EMPTY + b"HTTP/1.1 500 No\r\n\r\n"], [EMPTY]) as there:
        assert (await said(transport, there.url))[0] == 204
        assert (await said(transport, there.url))[0] == 204
        assert len(there.connections) == 2


async def test_an_exchange_that_is_given_up_leaves_nothing_to_the_next(transport):
    async with RawServer([b"HTTP/1.1 500 N", b"o\r\n\r\n"], [EMPTY], pause_s=60) as there:
        given_up = asyncio.create_task(said(transport, there.url))
        await until(lambda: there.heads)
        await asyncio.sleep(0.05)  # for the first piece to come
        given_up.cancel()
        await until(lambda: not transport._open)
        assert (await said(transport, there.url))[0] == 204
        assert len(there.connections) == 2


async def test_an_answer_that_is_left_goes_by_and_its_connection_is_used_again(transport):
    async with RawServer([HELLO[:-3], HELLO[-3:]], pause_s=0.05) as there:
        response = await transport.handle_async_request(asked(there.url))
        await response.aclose()
        await until(lambda: any(transport._idle.values()))
        assert await said(transport, there.url) == (200, b"hello")
        assert len(there.connections) == 1


async def test_an_answer_that_is_left_and_has_no_end_closes_its_connection(transport):
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with RawServer([endless, *[b"2710\r\n" + b"x" * 10_000 + b"\r\n"] * 20]) as there:
        response = await transport.handle_async_request(asked(there.url))
        await response.aclose()
        await until(lambda: not transport._open)


async def test_an_answer_that_is_left_and_trickles_on_closes_its_connection(transport, monkeypatch):
    monkeypatch.setattr(connection, "_LEFT_S", 0.1)
    async with RawServer([HELLO[:-5], *[b"h"] * 4], pause_s=1.0) as there:
        response = await transport.handle_async_request(asked(there.url))
        await response.aclose()
        assert transport._open
        await until(lambda: not transport._open)
        assert not any(transport._idle.values())


async def test_an_answer_that_is_left_twice_takes_nothing_from_the_next(transport):
    async with RawServer([HELLO[:-3], HELLO[-3:]], pause_s=0.05) as there:
        first = await transport.handle_async_request(asked(there.url))
        await first.aread()
        await first.aclose()
        second = await transport.handle_async_request(asked(there.url))
        await first.stream.aclose()
        assert await second.aread() == b"hello"
        with pytest.raises(httpx.StreamClosed):
            _ = [part async for part in first.stream]
        assert len(there.connections) == 1


async def test_no_interim_answer_is_the_answer(transport):
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    async with RawServer([early, HELLO]) as there:
        response = await transport.handle_async_request(asked(there.url))
        assert (response.status_code, await response.aread(), "link" in response.headers) == (200, b"hello", False)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([CLOSE], httpx.RemoteProtocolError),
        ([b"HTTP/1.1 20", CLOSE], httpx.RemoteProtocolError),
        ([b"SSH-2.0-OpenSSH\r\n"], httpx.RemoteProtocolError),
        ([b"HTTP/1.1 000 No\r\n\r\n"], httpx.RemoteProtocolError),
        ([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"], httpx.RemoteProtocolError),
    ],
    ids=["closed", "closed within the head", "no HTTP", "no status", "another protocol"],
)
async def test_what_is_no_answer_is_an_error_and_ends_the_connection(transport, answer, error):
    async with RawServer(answer, [EMPTY]) as there:
        with pytest.raises(error):
            await said(transport, there.url)
        assert (await said(transport, there.url))[0] == 204
        assert len(there.connections) == 2


async def test_a_body_that_breaks_off_is_an_error_to_whoever_reads_it(transport):
    async with RawServer([HELLO[:-1], CLOSE]) as there:
        response = await transport.handle_async_request(asked(there.url))
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            await response.aread()


async def test_a_body_that_stands_still_has_the_time_of_any_piece(transport):
    async with RawServer([HELLO[:-1], b""], pause_s=60) as there:
        request = asked(there.url)
        request.extensions["timeout"] = {**TIMES, "read": 1.0}
        response = await transport.handle_async_request(request)
        with pytest.raises(httpx.ReadTimeout):
            await response.aread()


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nx: y", "a\rb"])
async def test_no_header_field_smuggles_another_in(transport, value):
    async with RawServer([EMPTY]) as there:
        with pytest.raises(httpx.LocalProtocolError):
            await transport.handle_async_request(asked(there.url, other=value))
        assert there.heads == []


async def test_a_closed_transport_leaves_no_connection(transport):
    async with RawServer([EMPTY], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"], pause_s=0.01) as there:
        await asyncio.gather(said(transport, there.url), said(transport, there.url, b""), return_exceptions=True)
        response = await transport.handle_async_request(asked(there.url))
        await response.aclose()
        assert transport._open
        await transport.aclose()
        assert transport._open == set()
        await until(lambda: there.ended == len(there.connections) > 0)


async def test_a_connection_that_is_made_while_the_transport_is_closed_asks_nothing(transport, monkeypatch):
    loop, closed = asyncio.get_running_loop(), asyncio.Event()
    found = loop.getaddrinfo

    async def slow(*given, **more):
        await closed.wait()
        return await found(*given, **more)

    monkeypatch.setattr(loop, "getaddrinfo", slow)
    async with RawServer([EMPTY]) as there:
        asking = asyncio.create_task(said(transport, there.url.replace("127.0.0.1", "localhost")))
        await asyncio.sleep(0)
        await transport.aclose()
        closed.set()
        with pytest.raises(httpx.ConnectError):
            await asking
        assert there.heads == []


async def test_answers_that_do_not_end_hold_so_many_connections_and_no_more(transport):
    async with RawServer([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]) as there:
        for _ in range(50):
            await (await transport.handle_async_request(asked(there.url))).aclose()
        assert len(there.connections) == 50
        await until(lambda: len(transport._open) <= module._LINGERING)
        assert len(transport._open) == module._LINGERING


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x: %s\r\n" % (b"y" * 1_000)),
        (b"HTTP/1.1 200 OK\r\nx: ", b"y" * 1_000),
        (b"HTTP/1.1 200 O", b"K" * 1_000),
        (b"", b"HTTP/1.1 100 Continue\r\nx: %s\r\n\r\n" % (b"y" * 1_000)),
    ],
    ids=["of fields", "of one field", "of a reason", "of interim answers"],
)
async def test_a_head_without_end_is_no_answer(transport, first, more):
    async with RawServer([first, *[more] * 200, b"\r\n"]) as there:
        with pytest.raises(httpx.RemoteProtocolError):
            await transport.handle_async_request(asked(there.url))


async def test_the_host_that_is_asked_is_the_one_of_the_address_as_it_goes_over_the_wire(transport, monkeypatch):
    names = []

    async def nobody(host, *_, **__):
        names.append(host)
        raise socket.gaierror

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nobody)
    for url in ("http://stra\u00dfe.example/", "http://[::1]/"):
        with pytest.raises(httpx.ConnectError):
            await transport.handle_async_request(asked(url))
    assert names[0] == "xn--strae-oqa.example"


def served(authority, host):
    """For a server: its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.sign("server", host))
    return context


async def test_only_a_certificate_that_is_trusted_and_the_hosts_own_will_do(transport, tmp_path):
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    transport._tls.load_verify_locations(ours.file)
    for authority, host, is_right in [(ours, "127.0.0.1", True), (theirs, "127.0.0.1", False), (ours, "x.test", False)]:
        async with RawServer([EMPTY], tls=served(authority, host)) as there:
            if is_right:
                assert (await said(transport, there.url))[0] == 204
            else:
                with pytest.raises(httpx.ConnectError):
                    await said(transport, there.url)
                assert there.heads == []


@pytest.mark.parametrize("before", [0, 1, 2])
async def test_over_tls_too_each_phase_has_its_own_time_on_a_connection_new_or_used(transport, tmp_path, before):
    authority = Authority(tmp_path, "ours")
    transport._tls.load_verify_locations(authority.file)
    async with RawServer(*[[EMPTY]] * before, [b""], tls=served(authority, "127.0.0.1")) as there:
        for _ in range(before):
            await said(transport, there.url)
        request = asked(there.url)
        request.extensions["timeout"] = {**TIMES, "write": 0.1, "read": 0.3}
        with pytest.raises(httpx.ReadTimeout):
            await transport.handle_async_request(request)
        assert len(there.connections) == 1


async def test_over_tls_a_connection_that_ends_with_its_answer_ends_at_once(transport, tmp_path):
    authority = Authority(tmp_path, "ours")
    transport._tls.load_verify_locations(authority.file)
    context, over = served(authority, "127.0.0.1"), threading.Event()

    def serve(listening):
        """Says that it closes, and then neither does nor looks whether the other side has."""
        with context.wrap_socket(listening.accept()[0], server_side=True) as accepted:
            accepted.recv(65_536)
            accepted.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
            over.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(asyncio.to_thread(serve, listening))
        assert await said(transport, f"https://127.0.0.1:{listening.getsockname()[1]}") == (200, b"hello")
        await asyncio.sleep(0.05)
        assert transport._open == set()
        over.set()
        await serving


async def test_a_host_of_two_addresses_is_asked_at_the_one_that_answers(transport, monkeypatch):
    loop = asyncio.get_running_loop()
    with nobody_accepting() as silent:
        async with RawServer([EMPTY]) as there:

            async def both(*_, **__):
                addresses = [silent, ("127.0.0.1", there.port)]
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

            monkeypatch.setattr(loop, "getaddrinfo", both)
            began = loop.time()
            assert (await said(transport, "http://two.test"))[0] == 204
            assert loop.time() - began < TIMES["connect"]


def open_files():
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize("rounds", range(1, 7))
async def test_a_socket_that_connects_as_its_time_runs_out_is_closed(transport, rounds):
    async with RawServer([EMPTY]) as there:
        request = asked(there.url)
        request.extensions["timeout"] = {**TIMES, "connect": 0.02}
        gc.collect()
        gc.disable()  # it would close what nobody knows of any more
        try:
            before = open_files()
            for _ in range(5):
                asking = asyncio.create_task(transport.handle_async_request(request))
                for _ in range(rounds):
                    await asyncio.sleep(0)
                time.sleep(0.03)  # noqa: ASYNC251 - the loop is busy meanwhile
                with suppress(httpx.ConnectTimeout):
                    await (await asking).aclose()
            await transport.aclose()
            async with asyncio.timeout(5):  # the server closes its ends in its own time
                while open_files() > before:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
        finally:
            gc.enable()


cuts = st.lists(st.integers(1, 400), max_size=12)


@given(cuts=cuts, kinds=st.lists(st.sampled_from([EMPTY, HELLO, CHUNKED]), min_size=1, max_size=4))
@settings(max_examples=60)
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(cuts, kinds):
    async def run():
        transport = Transport()
        answers = []
        for kind in kinds:
            bounds = sorted({0, len(kind), *[cut for cut in cuts if cut < len(kind)]})
            answers.append([kind[a:b] for a, b in pairwise(bounds)])
        async with RawServer(*answers) as there:
            for kind in kinds:
                assert await said(transport, there.url) == ((204, b"") if kind is EMPTY else (200, b"hello"))
            assert len(there.connections) == 1
            await transport.aclose()

    asyncio.run(run())
