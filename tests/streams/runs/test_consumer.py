"""The consumer, on the real classes without a broker: how a stop drains, and how long the group has been silent."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from faust.types.tuples import TP

from streams.runs import Run, RunApp
from streams.runs import consumer as consumer_module
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


# -- how long the group has been silent ------------------------------------------------


class Coordinator:
    """aiokafka's, as far as the consumer listens to it. An answer is there when `clock` has moved on."""

    def __init__(self, clock, error_code=0, takes_s=0.0):
        self.clock, self.error_code, self.takes_s = clock, error_code, takes_s

    async def _do_heartbeat(self):
        self.clock.s += self.takes_s
        return self.error_code == 0

    async def _send_req(self, _request):
        self.clock.s += self.takes_s
        return SimpleNamespace(error_code=self.error_code)


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(s=100.0)
    monkeypatch.setattr(consumer_module, "clock_s", lambda: clock.s)
    return clock


SYNC = SyncGroupRequest("g", 1, "m", None, [])


@pytest.mark.parametrize("ask", [pytest.param("heartbeat", id="a heartbeat"), pytest.param("sync", id="a join's end")])
async def test_the_groups_silence_counts_from_when_it_was_asked(app, ask, clock):
    coordinator = Coordinator(clock, takes_s=app.conf.broker_session_timeout - 1)
    app.consumer._thread._listen(coordinator)
    await (coordinator._do_heartbeat() if ask == "heartbeat" else coordinator._send_req(SYNC))
    assert not app.lapsed
    clock.s += 2  # frozen, before any callback
    assert app.lapsed


@pytest.mark.parametrize(
    ("request_", "error_code"),
    [
        pytest.param(SYNC, 27, id="a join that did not succeed"),
        pytest.param(HeartbeatRequest("g", 1, "m"), 0, id="a request whose answer is looked at elsewhere"),
    ],
)
async def test_other_answers_do_not_count(app, request_, error_code, clock):
    coordinator = Coordinator(clock, error_code)
    app.consumer._thread._listen(coordinator)
    await coordinator._send_req(request_)
    assert app.consumer._thread.heard_at is None


def test_the_clock_goes_on_while_the_machine_is_suspended():
    """Where the system has such a one; elsewhere the monotonic clock has to do."""
    assert getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC) == consumer_module.CLOCK
