"""Recovery, on the real classes without a broker: it waits as long as it takes, and ends only its own rebalance."""

import asyncio

import pytest
from faust.types.tuples import TP

from streams.runs import RunApp, RunTable

GENERATION = 1


@pytest.fixture
async def app():
    """An app with a table, in a group that has assigned it nothing yet."""
    app = RunApp("test", broker="kafka://127.0.0.1:1")
    table = RunTable(app, name="counts", changelog="changelog", partitions=1, source="in")
    app.stateful("in", lambda _run: None, table)
    app.finalize()
    app.consumer_generation_id = GENERATION
    app.consumer.assignment = lambda: {TP("in", 0)}

    async def no_answer_is_needed(*_what):
        """Tables look at their topics; the fetcher would start to fetch."""

    app._fetcher.maybe_start = no_answer_is_needed
    table.on_recovery_completed = no_answer_is_needed
    yield app
    app.consumer._thread.thread_loop.close()  # of a thread that never began


async def begin_rebalance(app):
    """What aiokafka's thread does first, before anybody can wait for anything."""
    app.on_rebalance_start()
    app.consumer.stop_flow()


async def assign(app):
    await app.tables.recovery.on_rebalance({TP("in", 0)}, set(), {TP("in", 0)}, GENERATION)


async def test_a_changelog_that_nobody_leads_for_longer_than_faust_waits_is_recovered_when_somebody_does(app):
    app.conf.broker_request_timeout = 0.1
    recovery, led = app.tables.recovery, asyncio.Event()

    async def until_led(*_what):
        await led.wait()

    recovery._build_highwaters = recovery._build_offsets = recovery._seek_offsets = until_led
    app.consumer.perform_seek = led.wait
    await begin_rebalance(app)
    await assign(app)
    recovering = asyncio.create_task(type(recovery)._restart_recovery.fun(recovery))
    await asyncio.sleep(0.5)
    assert not recovering.done()
    assert not recovery.completed.is_set()
    led.set()
    await asyncio.wait_for(recovery.completed.wait(), 30)
    assert not app.rebalancing
    recovering.cancel()


async def test_a_recovery_that_meets_a_revocation_neither_lets_input_in_nor_ends_the_rebalance(app):
    seeking, sought = asyncio.Event(), asyncio.Event()

    async def seek():
        seeking.set()
        await sought.wait()

    app.consumer.perform_seek = seek
    recovery = app.tables.recovery
    recovery._build_highwaters = recovery._build_offsets = recovery._seek_offsets = begin_nothing
    await begin_rebalance(app)
    await assign(app)
    recovering = asyncio.create_task(type(recovery)._restart_recovery.fun(recovery))
    await seeking.wait()
    await begin_rebalance(app)
    sought.set()
    await asyncio.sleep(0.1)
    assert (app.rebalancing, app.consumer.flow_active, recovery.completed.is_set()) == (True, False, False)
    await assign(app)
    async with asyncio.timeout(30):
        while app.rebalancing or not app.consumer.flow_active:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    recovering.cancel()


@pytest.mark.parametrize(
    "followed",
    [
        pytest.param((), id="partitions are revoked"),
        pytest.param((assign,), id="and assigned, and their recovery is yet to begin"),
    ],
)
async def test_what_faust_still_does_for_a_rebalance_that_another_has_followed_changes_nothing(app, followed):
    await begin_rebalance(app)
    await assign(app)
    app.tables.recovery.signal_recovery_start.clear()
    await begin_rebalance(app)
    for step in followed:
        await step(app)
    app.consumer.resume_flow()
    app.on_rebalance_end()
    assert (app.rebalancing, app.consumer.flow_active) == (True, False)


async def begin_nothing(*_what):
    """No changelog is there to be asked for."""
