"""The consumer's thread, without a broker: how long the group has been silent, and what goes over which connection."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest

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


class Client:
    """aiokafka's, as far as a request is given a connection."""

    def __init__(self):
        self.sent = []

    async def send(self, _node_id, request, *, group=0):
        self.sent.append((type(request), group))


async def test_nothing_is_asked_behind_a_fetch_that_waits_for_records(app):
    client = Client()
    app.consumer._thread._fetch_apart(client)
    fetch, where = FetchRequest(1500, 1, 1, 0, [], rack_id=""), OffsetRequest(-1, 0, [])
    for request, options in ((fetch, {}), (where, {}), (MetadataRequest([]), {}), (SYNC, {"group": 1})):
        await client.send(1, request, **options)
    groups = dict(client.sent)
    assert groups.pop(FetchRequest) not in groups.values()
    assert groups == {OffsetRequest: 0, MetadataRequest: 0, SyncGroupRequest: 1}, "the others stay where they were"


# -- what a fetch may wait for ---------------------------------------------------------


class Fetcher:
    """aiokafka's, as far as it is told how long to wait; `lying_s`: how long each partition's records lie untaken."""

    def __init__(self, *lying_s):
        self._records = {n: SimpleNamespace(_created=time.monotonic() - s) for n, s in enumerate(lying_s)}
        self._prefetch_backoff = 0.1
        self._fetch_max_wait_ms = 1500

    def _get_actions_per_node(self, _assignment):
        return self._fetch_max_wait_ms

    def _create_fetch_waiter(self):
        return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(
    ("lying_s", "waits_s"),
    [
        pytest.param((), consumer_thread.FETCH_S, id="of all partitions"),
        pytest.param((0.01,), consumer_thread.HURRIED_S, id="without one that has no room"),
        pytest.param((3600.0,), consumer_thread.FETCH_S, id="without one that waits for somebody"),
        pytest.param((3600.0, 0.01), consumer_thread.HURRIED_S, id="without either"),
    ],
)
async def test_a_fetch_is_back_soon_where_a_partition_is_left_out_of_it(app, lying_s, waits_s):
    fetcher = Fetcher(*lying_s)
    app.consumer._thread._hold_nobody_back(fetcher)
    assert fetcher._get_actions_per_node(None) == waits_s * 1000
    assert fetcher._prefetch_backoff < consumer_thread.HURRIED_S, "nor do the others wait for it"


async def test_changelogs_are_fetched_in_recovery_alone(app):
    given, changelog = TopicPartition("in", 0), TopicPartition("changelog", 0)
    subscription = SubscriptionState()
    subscription.assign_from_user({given, changelog})
    consumer, thread = SimpleNamespace(_subscription=subscription), app.consumer._thread
    for active, paused in (({given}, {changelog}), ({changelog}, set()), ({given}, {changelog})):
        thread._pause_others(consumer, {"changelog"}, active)
        assert subscription.paused_partitions() == paused


@pytest.mark.parametrize("begun", [pytest.param(False, id="yet to begin"), pytest.param(True, id="under way")])
async def test_a_wait_for_records_ends_for_who_cannot_wait(app, begun):
    thread = app.consumer._thread
    if not begun:
        thread.hurried = True
    waiting = asyncio.create_task(thread._until_fetched(Fetcher(), 3600.0))
    await asyncio.sleep(0)
    if begun:
        thread._end_wait()
    await asyncio.wait_for(waiting, 5)
