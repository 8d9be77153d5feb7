"""The worker's process: how it ends, where parts cannot."""

import asyncio
import gc
import logging
from types import SimpleNamespace

import pytest
from faust.types.tuples import TP

from streams.runs import Run, RunApp
from streams.runs.errors import CannotDrain, PublishFailed
from streams.runs.run import RunMessage
from streams.worker import process
from streams.worker.process import _run, _stop


async def until(holds):
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@pytest.fixture
async def part():
    """Makes a part that has one run under way, and its message."""
    gc.collect()  # what asyncio tells of tasks that other tests have left is told before
    apps = []

    def make(name, **options):
        app = RunApp(name, broker="kafka://127.0.0.1:1", **options)
        app.stateful("in", lambda _run: None)
        app.finalize()
        tp = TP("in", 0)
        message = RunMessage(Run(*tp, [SimpleNamespace(offset=4, timestamp=0, timestamp_type=0)], 5), 1)
        app.consumer._under_way.add(message)
        app.consumer._unacked_messages.add(message)
        app.consumer.assignment = lambda: {tp}
        app.committed = []

        async def commit(offsets):
            app.committed.append(offsets)
            return True

        app.consumer._commit = commit
        app._started.set()
        apps.append(app)
        return app, message

    yield make
    for app in apps:
        app.consumer._thread.thread_loop.close()  # of a thread that never began


async def test_a_part_that_cannot_drain_is_told_of_in_one_line_and_leaves_the_other_its_drain(part, caplog):
    stuck, _ = part("stuck", drain_patience_s=0.2)
    slow, message = part("slow", drain_patience_s=60.0)
    stopping = asyncio.create_task(_stop({"stuck": stuck, "slow": slow}, None))
    await asyncio.sleep(0.6)
    slow.consumer.ack(message)
    assert await asyncio.wait_for(stopping, 30) == 1
    assert slow.committed == [{TP("in", 0): 5}]
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert told == [str(CannotDrain(1, 0.2))]


async def test_a_part_that_does_not_end_is_not_waited_for(part, caplog, monkeypatch):
    monkeypatch.setattr(process, "STOP_S", 0.3)
    slow, message = part("slow", drain_patience_s=60.0)
    assert await asyncio.wait_for(_stop({"slow": slow}, None), 30) == 1
    assert "not stopped within 0.3 s" in caplog.text
    slow.consumer.ack(message)  # or the loop would wait for it


class AtWork:
    """`_run` with parts that are at work already."""

    def __init__(self, stop, **parts):
        async def nothing():
            pass

        for app in parts.values():
            app.start = nothing
        self.running = asyncio.create_task(_run(parts, stop))

    async def code(self):
        return await asyncio.wait_for(self.running, 30)


@pytest.mark.parametrize("failing", ["attribute", "deliver"])
async def test_a_part_that_fails_is_told_of_and_the_other_finishes_what_it_began(part, caplog, failing):
    bad, _ = part("bad", drain_patience_s=60.0)
    good, message = part("good", drain_patience_s=60.0)
    other = {"attribute": "deliver", "deliver": "attribute"}[failing]
    worker = AtWork(asyncio.Event(), **{failing: bad, other: good})
    await asyncio.sleep(0.1)
    assert not worker.running.done()
    error = PublishFailed("ga-receipts", 3, 7, "no")
    await bad.crash(error)
    await until(lambda: good.should_stop)
    await asyncio.sleep(0.2)
    assert not worker.running.done(), "the other one still has a run under way"
    good.consumer.ack(message)
    assert await worker.code() == 1
    assert good.committed == [{TP("in", 0): 5}]
    assert bad.committed == []
    assert good.crash_reason is None
    told = [record.getMessage() for record in caplog.records if record.name == process.__name__]
    assert told == [str(error)]


async def test_a_signal_stops_all_parts_and_each_finishes_what_it_began(part, caplog):
    one, of_one = part("one", drain_patience_s=60.0)
    two, of_two = part("two", drain_patience_s=60.0)
    stop = asyncio.Event()
    worker = AtWork(stop, attribute=one, deliver=two)
    await asyncio.sleep(0.1)
    stop.set()
    await until(lambda: one.should_stop and two.should_stop)
    one.consumer.ack(of_one)
    await until(lambda: one.committed)
    await asyncio.sleep(0.1)
    assert one.committed == [{TP("in", 0): 5}]
    assert not worker.running.done()
    two.consumer.ack(of_two)
    assert await worker.code() == 0
    assert two.committed == [{TP("in", 0): 5}]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_part_that_ends_by_itself_stops_the_others(part):
    one, of_one = part("one", drain_patience_s=60.0)
    two, of_two = part("two", drain_patience_s=60.0)
    worker = AtWork(asyncio.Event(), attribute=one, deliver=two)
    await asyncio.sleep(0.1)
    one.consumer.ack(of_one)
    two.consumer.ack(of_two)
    await one.stop()
    await worker.code()
    assert two.should_stop
    assert two.committed == [{TP("in", 0): 5}]


class CutShort(RunApp):
    """Fails in a way of its own where its start is cut short, as Faust's services do."""

    async def start(self):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise RuntimeError("not started") from None


async def test_a_stop_during_the_start_is_clean_and_quiet():
    unheard = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unheard.append(context.get("exception")))
    stop = asyncio.Event()
    running = asyncio.create_task(_run({"part": CutShort("test", broker="kafka://127.0.0.1:1")}, stop))
    await asyncio.sleep(0.1)
    stop.set()
    assert await asyncio.wait_for(running, 30) == 0
    del running
    await asyncio.sleep(0.1)
    gc.collect()
    assert [error for error in unheard if error is not None] == []
