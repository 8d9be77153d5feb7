"""The consumer's thread, without a broker: how long the group has been silent."""

import time
from types import SimpleNamespace

import pytest
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

from streams.runs import RunApp, consumer_thread


@pytest.fixture
async def app():
    app = RunApp("test", broker="kafka://127.0.0.1:1")
    app.finalize()
    yield app
    app.consumer._thread.thread_loop.close()  # of a thread that never began


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
    monkeypatch.setattr(consumer_thread, "clock_s", lambda: clock.s)
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


async def test_a_heartbeat_that_the_group_does_not_take_does_not_count(app, clock):
    coordinator = Coordinator(clock, 25)  # the group no longer knows us
    app.consumer._thread._listen(coordinator)
    await coordinator._do_heartbeat()
    assert app.consumer._thread.heard_at is None


async def test_who_was_never_answered_has_not_lapsed(app):
    """It has no partitions either: they come with the first answer."""
    assert not app.lapsed


def test_no_wall_clock_that_is_set_back_hides_a_silence():
    before = time.clock_gettime(consumer_thread.CLOCK)
    assert before <= consumer_thread.clock_s() <= time.clock_gettime(consumer_thread.CLOCK)


def test_the_clock_goes_on_while_the_machine_is_suspended():
    """Where the system has such a one; elsewhere the monotonic clock has to do."""
    assert getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC) == consumer_thread.CLOCK
