"""The consumer, on the real classes without a broker: how a stop drains."""

import asyncio
from types import SimpleNamespace

import pytest
from faust.types.tuples import TP

from streams.runs import Run, RunApp
from streams.runs.errors import CannotDrain
from streams.runs.run import RunMessage

INPUT = TP("in", 0)


@pytest.fixture
async def app():
    app = RunApp("test", broker="kafka://127.0.0.1:1", drain_patience_s=0.4)
    app.stateful("in", lambda _run: None)
    app.finalize()
    app.committed = []
    app.consumer.assignment = lambda: {INPUT}

    async def commit(offsets):
        app.committed.append(offsets)
        return True

    app.consumer._commit = commit
    yield app
    app.consumer._thread.thread_loop.close()  # of a thread that never began


def deliver(app):
    """A run that is under way."""
    record = SimpleNamespace(offset=4, timestamp=0, timestamp_type=0)
    message = RunMessage(Run(*INPUT, [record], 5), 1)
    app.consumer._delivered[INPUT].append(message)
    app.consumer._unfinished[INPUT] += 1
    app.consumer._unacked_messages.add(message)
    return message


# -- a stop -------------------------------------------------------------------------


async def test_a_revocation_that_meets_a_stop_waits_until_what_was_begun_is_committed(app):
    message = deliver(app)
    app._stopped.set()
    stopping = asyncio.create_task(app.on_stop())
    revoking = asyncio.create_task(app.consumer.on_partitions_revoked({INPUT}))
    await asyncio.sleep(0.1)
    assert not revoking.done()
    app.consumer.ack(message)
    await asyncio.wait_for(revoking, 5)
    assert app.committed == [{INPUT: 5}]
    await stopping


async def test_a_stop_that_cannot_drain_says_so_and_stops_the_rest(app):
    message = deliver(app)
    await asyncio.wait_for(app.stop(), 5)
    assert isinstance(app.crash_reason, CannotDrain)
    assert app.committed == []
    assert not message.acked


async def test_a_stop_before_the_client_is_there_finds_nothing_to_commit(app):
    del app.consumer.assignment  # the real one, which has no client to ask
    await app.consumer.wait_empty()
    assert app.committed == []
