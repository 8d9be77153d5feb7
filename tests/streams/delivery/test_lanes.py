import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.lanes import Lanes

ONE, OTHER = ("a", "G-1", "1.1"), ("a", "G-1", "2.2")


@given(st.lists(st.sampled_from([ONE, OTHER]), max_size=12))
def test_a_lane_is_held_by_one_at_a_time_in_the_order_of_asking_and_nothing_is_kept(asked):
    lanes, log = Lanes(), []

    async def use(number, lane):
        async with lanes.hold(lane):
            log.append((lane, number, "in"))
            await asyncio.sleep(0)
            log.append((lane, number, "out"))

    async def all_at_once():
        await asyncio.gather(*(use(number, lane) for number, lane in enumerate(asked)))

    asyncio.run(all_at_once())
    for lane in (ONE, OTHER):
        mine = [number for number, wanted in enumerate(asked) if wanted == lane]
        assert [(number, what) for at, number, what in log if at == lane] == [
            (number, what) for number in mine for what in ("in", "out")
        ]
    assert len(lanes) == 0


async def test_one_lane_does_not_wait_for_another():
    lanes = Lanes()
    async with lanes.hold(ONE), lanes.hold(OTHER):
        assert len(lanes) == 2


async def test_who_gives_up_waiting_and_who_fails_leaves_nothing_behind():
    lanes = Lanes()

    async def wait():
        async with lanes.hold(ONE):
            raise ValueError("in the lane")

    async with lanes.hold(ONE):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    with pytest.raises(ValueError, match="in the lane"):
        await wait()
    assert len(lanes) == 0
