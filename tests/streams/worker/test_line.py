"""The line between supervisor and process: questions, answers, and its end."""

import asyncio
import socket
import time

import pytest

from streams.worker import line as module
from streams.worker.line import Line, follow


class Process:
    """A process's end in this loop: what it tells, and how often it was asked."""

    def __init__(self, *, hangs=False):
        self.answered = 0
        self._awake = asyncio.Event()
        if not hangs:
            self.wake()

    def wake(self):
        self._awake.set()

    async def states(self):
        await self._awake.wait()
        self.answered += 1
        return {"attribute": "ready", "deliver": "starting"}

    async def metrics(self):
        return b"x" * 300_000


@pytest.fixture
async def connect():
    made = []

    async def connected(process):
        ours, theirs = socket.socketpair()
        line, following = Line(), asyncio.create_task(follow(theirs, process))
        await line.open(ours)
        made.append((line, following))
        return line, following

    yield connected
    for line, following in made:
        line.close()
        following.cancel()
        await asyncio.wait([following])


async def until_up(line):
    async with asyncio.timeout(30):
        while not line.up:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


async def test_it_is_up_once_the_process_has_begun_to_answer(connect):
    ours, theirs = socket.socketpair()
    line = Line()
    await line.open(ours)
    await asyncio.sleep(0.05)
    assert not line.up
    following = asyncio.create_task(follow(theirs, Process()))
    await until_up(line)
    line.close()
    await following


async def test_states_and_metrics_are_told_whole_also_when_asked_for_at_once(connect):
    line, _ = await connect(Process())
    states, metrics, again = await asyncio.gather(line.states(), line.metrics(), line.states())
    assert states == again == {"attribute": "ready", "deliver": "starting"}
    assert metrics == b"x" * 300_000


async def test_letting_go_of_it_ends_the_process(connect):
    line, following = await connect(Process())
    await until_up(line)
    line.close()
    await asyncio.wait_for(following, 30)
    assert await line.states() is None


async def test_a_supervisor_that_is_gone_without_a_word_ends_it_too(connect):
    ours, theirs = socket.socketpair()
    following = asyncio.create_task(follow(theirs, Process()))
    await asyncio.sleep(0)
    ours.send(b"m")
    ours.close()  # with an answer on its way to it
    await asyncio.wait_for(following, 30)


async def test_no_answer_in_time_is_none_and_questions_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(module, "ANSWER_S", 0.05)
    ours, theirs = socket.socketpair()
    line = Line()
    await line.open(ours)
    assert [await line.states() for _ in range(5)] == [None] * 5
    assert theirs.recv(100) == b"s"
    following = asyncio.create_task(follow(theirs, Process()))  # it hangs no more; the question was read and lost
    await until_up(line)
    line.close()
    await following


async def test_an_answer_that_comes_late_is_not_taken_for_that_to_a_later_question(connect, monkeypatch):
    monkeypatch.setattr(module, "ANSWER_S", 30.0)
    process = Process(hangs=True)
    line, _ = await connect(process)
    await until_up(line)
    assert await line.metrics() == b"x" * 300_000
    with monkeypatch.context() as soon:
        soon.setattr(module, "ANSWER_S", 0.05)
        assert await line.states() is None
    process.wake()
    for _ in range(1_000):
        await asyncio.sleep(0)
    assert process.answered == 1
    assert await line.metrics() == b"x" * 300_000
    assert await line.states() == {"attribute": "ready", "deliver": "starting"}


async def test_a_process_that_ends_before_it_answers_is_not_waited_for(connect, monkeypatch):
    monkeypatch.setattr(module, "ANSWER_S", 60.0)
    line, following = await connect(Process(hangs=True))
    await until_up(line)
    asked = asyncio.create_task(line.states())
    await asyncio.sleep(0.05)
    began = time.monotonic()
    following.cancel()
    assert await asked is None
    assert time.monotonic() - began < module.ANSWER_S / 2
    assert await line.metrics() is None
