"""The consumer, on the real classes without a broker: how a stop drains, what is handed on while it fetches ahead."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from faust.types.tuples import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.runs import Run, RunApp
from streams.runs.consumer import AHEAD_RECORDS, FETCH_WAIT_S, ROOM_WAIT_S
from streams.runs.consumer_thread import Fetched
from streams.runs.errors import CannotDrain, InputRecreated
from streams.runs.run import RunMessage
from tests.strategies import examples

INPUT = TP("in", 0)
INPUTS = [TP("in", number) for number in range(3)]


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
    app.consumer._under_way.add(message)
    app.consumer._unacked_messages.add(message)
    return message


# -- a stop -------------------------------------------------------------------------


async def test_a_revocation_that_meets_a_stop_waits_until_what_was_begun_is_committed(app):
    message = deliver(app)
    app.drain_patience_s = 60.0
    app._stopped.set()
    stopping = asyncio.create_task(app.on_stop())
    revoking = asyncio.create_task(app.consumer.on_partitions_revoked({INPUT}))
    await asyncio.sleep(0.1)
    assert not revoking.done()
    app.consumer.ack(message)
    await asyncio.wait_for(revoking, 30)
    assert app.committed == [{INPUT: 5}]
    await stopping


async def test_a_stop_that_cannot_drain_says_so_and_stops_the_rest(app):
    message = deliver(app)
    await asyncio.wait_for(app.stop(), 30)
    assert isinstance(app.crash_reason, CannotDrain)
    assert app.committed == []
    assert not message.acked


async def test_a_stop_before_the_client_is_there_finds_nothing_to_commit(app):
    del app.consumer.assignment  # the real one, which has no client to ask
    await app.consumer.wait_empty()
    assert app.committed == []


# -- fetching ahead -------------------------------------------------------------------


class Log:
    """In place of the thread: each fetch gives `sizes` records of each partition, and in the end what is left."""

    def __init__(self, committed=1):
        self.at = dict.fromkeys(INPUTS, 0)
        self.ends = dict.fromkeys(INPUTS, committed)
        self.committed = committed
        self.sizes = iter([])
        self.fetches = 0
        self.waits = []

    async def getmany(self, active_partitions, timeout_s):
        self.fetches += 1
        self.waits.append((sorted(active_partitions), timeout_s))
        sizes = {tp: next(self.sizes, None) for tp in sorted(active_partitions)}
        await asyncio.sleep(0)
        fetched = Fetched()
        for tp, size in sizes.items():
            first, end = self.at[tp], self.ends[tp] if size is None else self.at[tp] + size
            if end > first:
                fetched[tp] = [
                    SimpleNamespace(offset=offset, timestamp=0, timestamp_type=0) for offset in range(first, end)
                ]
                self.at[tp], self.ends[tp] = end, max(self.ends[tp], end)
        fetched.next_offsets = dict(self.at)
        return fetched

    def seek(self, tp, offset):
        self.at[tp] = offset

    async def seek_wait(self, partitions):
        self.at.update(partitions)

    def assignment(self):
        return set(INPUTS)

    async def seek_to_committed(self):
        self.at = dict.fromkeys(INPUTS, self.committed)
        return dict(self.at)

    async def earliest_offsets(self, *tps):
        return dict.fromkeys(tps, 0)

    async def highwaters(self, *tps):
        return dict.fromkeys(tps, 10**9)


@asynccontextmanager
async def fetching(log, hand_on):
    """A consumer that fetches from a log, for an app that takes runs by `hand_on`; nobody waits for room."""
    app = RunApp("test", broker="kafka://127.0.0.1:1", runs_in_flight=1_000)
    app.stateful("in", lambda _run: None)
    app.finalize()
    consumer = app.consumer
    consumer._thread.thread_loop.close()
    consumer._thread = log
    consumer._get_active_partitions = log.assignment
    consumer.callback = hand_on
    app.topics.acks_enabled_for = lambda _topic: True
    draining = asyncio.create_task(consumer._drain_messages(SimpleNamespace(_stopped=asyncio.Event())))
    try:
        yield consumer
    finally:
        app._stopped.set()
        draining.cancel()
        await draining


@pytest.mark.parametrize(("records", "fetches"), [(AHEAD_RECORDS, 2), (AHEAD_RECORDS - 1, 1)])
async def test_the_next_fetch_is_under_way_before_a_large_run_is_handed_on(records, fetches):
    log, handed_on = Log(), asyncio.Event()
    log.sizes = iter([records, 0, 0, 1, 0, 0])
    before = []

    async def hand_on(_message):
        before.append(log.fetches)
        handed_on.set()

    async with fetching(log, hand_on):
        await asyncio.wait_for(handed_on.wait(), 30)
    assert before[0] == fetches


async def test_in_a_rebalance_nothing_is_fetched_ahead():
    log, handed_on = Log(), asyncio.Event()
    log.sizes = iter([AHEAD_RECORDS, 0, 0])
    before = []

    async def hand_on(_message):
        before.append(log.fetches)
        handed_on.set()

    async with fetching(log, hand_on) as consumer:
        consumer.app.rebalancing_count += 1
        consumer.app.topics.acks_enabled_for = lambda _topic: False  # a changelog's records
        await asyncio.wait_for(handed_on.wait(), 30)
    assert before[0] == 1


async def test_silent_partitions_do_not_hold_up_one_that_will_soon_have_room():
    """The fetch ahead takes what is there of the others, and the one after it waits for them but shortly."""
    log, thrice = Log(), asyncio.Event()
    log.sizes = iter([AHEAD_RECORDS, 0, 0, 0, 0])

    async def hand_on(_message):
        thrice.set()

    async with fetching(log, hand_on) as consumer:
        consumer.app.runs_in_flight = 1
        await asyncio.wait_for(thrice.wait(), 30)
        while len(log.waits) < 3:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
    assert log.waits[:3] == [(INPUTS, FETCH_WAIT_S), (INPUTS[1:], 0.0), (INPUTS[1:], ROOM_WAIT_S)]


async def test_of_an_input_that_was_made_again_nothing_goes_on():
    log, crashed = Log(), asyncio.Event()
    log.sizes = iter([3, 0, 0])

    async def crash(error):
        assert isinstance(error, InputRecreated)
        crashed.set()

    async def hand_on(_message):
        raise AssertionError

    async with fetching(log, hand_on) as consumer:
        consumer.app.crash = crash
        consumer._read_offset[INPUT] = 9
        await asyncio.wait_for(crashed.wait(), 30)
        assert consumer._refused == {INPUT: 0}


async def test_where_recovery_has_sought_a_changelog_it_is_not_gone_back_to():
    log = Log()

    async def hand_on(_message):
        raise AssertionError

    async with fetching(log, hand_on) as consumer:
        consumer.stop_flow()
        await asyncio.sleep(0)
        consumer._refused.update({INPUTS[0]: 20, INPUTS[1]: 30})
        await consumer.seek_wait({INPUTS[0]: 5})
        assert (log.at[INPUTS[0]], consumer._refused) == (5, {INPUTS[1]: 30})


async def test_what_a_seek_has_ended_is_not_gone_back_to():
    log, taken = Log(committed=7), asyncio.Event()
    log.sizes = iter([AHEAD_RECORDS, 0, 0, 5, 5, 5, 3, 0, 0])
    offsets = []

    async def hand_on(message):
        offsets.append((message.tp.partition, message.run.first_offset))
        if len(offsets) == 1:
            await asyncio.sleep(0)
            assert log.fetches == 2  # the fetch ahead has the lock; the seek comes before its records are looked at
            await consumer.perform_seek()
        if len(offsets) == 2:
            taken.set()

    async with fetching(log, hand_on) as consumer:
        await asyncio.wait_for(taken.wait(), 30)
    assert offsets == [(0, 0), (0, 7)]


@examples(60)
@given(data=st.data())
async def test_whatever_comes_in_between_no_record_is_passed_over(data):
    """Flow that stops and goes on, with and without a seek: what is handed on of a partition goes on where it was."""
    log = Log(committed=data.draw(st.integers(1, 50)))
    sizes = st.integers(0, 3).map(lambda size: size * AHEAD_RECORDS // 2)
    log.sizes = iter(data.draw(st.lists(sizes, min_size=30, max_size=60)))
    hows = iter(data.draw(st.lists(st.sampled_from(["", "", "wait", "stop", "seek"]), max_size=20)))
    due, handed_on, again = dict.fromkeys(INPUTS, 0), dict.fromkeys(INPUTS, 0), []

    async def hand_on(message):
        if not consumer.flow_active:
            await consumer.can_resume_flow.wait()  # as Faust does; given up meanwhile, the run is gone
        assert message.run.first_offset == due[message.tp]
        due[message.tp] = message.next_offset
        handed_on[message.tp] += 1
        how = next(hows, "")
        if how == "wait":
            await asyncio.sleep(0)
        if how in {"stop", "seek"}:
            consumer.stop_flow()
            consumer.app.rebalancing_count += how == "seek"
            again.append(asyncio.create_task(go_on(how == "seek", data.draw(st.integers(0, 5)))))

    async def go_on(seeks, later):
        for _ in range(later):
            await asyncio.sleep(0)
        if seeks:
            await consumer.perform_seek()
            due.update(dict.fromkeys(INPUTS, log.committed))
            handed_on.update(dict.fromkeys(INPUTS, 0))
        app = consumer.app
        app._rebalances_over = app._recovery.rebalance = app.rebalancing_count
        consumer.resume_flow()

    async with fetching(log, hand_on) as consumer, asyncio.timeout(60):
        while due != log.ends or not all(task.done() for task in again):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        assert {tp: consumer._under_way.unfinished(tp) for tp in INPUTS} == handed_on
