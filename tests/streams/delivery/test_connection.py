"""What the transport's tests cannot bring about over loopback: a system that takes a request bit by bit."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager

import httpx
import pytest

from streams.delivery.connection import Connection

BODY = b"x" * 40_000
"""Less than asyncio keeps by default before it says that it cannot write."""


@asynccontextmanager
async def connected():
    """A connection whose system takes little at a time, and the other end."""
    here, there = socket.socketpair()
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    there.setblocking(False)
    loop = asyncio.get_running_loop()
    free, lost = [], []
    connection = Connection(loop, free.append, lost.append)
    await loop.connect_accepted_socket(lambda: connection, here)
    try:
        yield connection, there, free
    finally:
        connection.abort()
        await asyncio.sleep(0)
        there.close()
        assert lost == [connection]


async def drained(there):
    loop, size = asyncio.get_running_loop(), 0
    while size < len(BODY):
        size += len(await loop.sock_recv(there, 65_536))


async def test_what_the_system_does_not_take_in_time_is_a_write_timeout():
    async with connected() as (connection, _, _):
        with pytest.raises(httpx.WriteTimeout):
            await connection.exchange(BODY, 0.1, 30.0)


@pytest.mark.parametrize(("write_s", "read_s"), [(2.0, 2.0), (30.0, 0.3)], ids=["alike", "the answer has less"])
async def test_once_it_is_taken_the_answer_has_its_own_time(write_s, read_s):
    async with connected() as (connection, there, _):
        began = time.monotonic()
        exchange = asyncio.create_task(connection.exchange(BODY, write_s, read_s))
        await asyncio.sleep(0.2)
        await drained(there)
        with pytest.raises(httpx.ReadTimeout):
            await exchange
        assert 0.15 + read_s < time.monotonic() - began < 15.0


async def test_who_answers_before_the_request_is_taken_gets_no_other_on_that_connection():
    async with connected() as (connection, _, free):
        exchange = asyncio.create_task(connection.exchange(BODY, 5.0, 5.0))
        await asyncio.sleep(0.01)
        connection.data_received(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        assert (await exchange)[0] == 503
        connection.leave()
        assert free == []
        assert connection.is_lost


ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


async def test_it_is_free_for_another_once_its_answer_is_left_and_has_ended_in_whatever_order():
    async with connected() as (connection, there, free):
        for number, answer in enumerate([ANSWER, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"]):
            exchange = asyncio.create_task(connection.exchange(BODY, 5.0, 5.0))
            await drained(there)
            connection.data_received(answer)
            assert len(free) == number  # who asked is yet to hear of it: another's request would be his
            await exchange
            assert len(free) == number
            connection.leave()
            assert len(free) == (1 if answer is ANSWER else number)
        connection.data_received(b"x")
        assert free == [connection, connection]
