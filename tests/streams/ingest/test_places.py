"""Places: never more than there are, and known to be empty only when they are."""

import asyncio
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ingest.places import Places
from streams.observe.metrics import REGISTRY


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=40))
async def test_so_many_are_worked_on_and_one_more_finds_no_place(most, comings):
    places, taken = Places(most), []
    for comes in comings:
        if comes:
            stack = ExitStack()
            has_place = stack.enter_context(places.one())
            assert has_place == (len(taken) < most)
            if has_place:
                taken.append(stack)
            else:
                stack.close()
        elif taken:
            taken.pop().close()
        assert REGISTRY.get_sample_value("chat2ga_ingest_in_flight") == len(taken) or not any(comings)
        assert await places.empty(0.0) == (not taken)
    for stack in taken:
        stack.close()


async def test_whoever_waits_is_told_when_the_last_is_done():
    places = Places(2)
    with places.one():
        waiting = asyncio.create_task(places.empty(5.0))
        await asyncio.sleep(0.01)
        assert not waiting.done()
    assert await waiting


async def test_a_place_is_given_back_whatever_happens():
    places = Places(1)
    with pytest.raises(ZeroDivisionError), places.one():
        raise ZeroDivisionError
    with places.one() as has_place:
        assert has_place
