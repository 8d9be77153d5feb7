import asyncio

import pytest

from streams.delivery.places import Places


async def test_quiet_waits_for_the_places_taken_and_gives_none_while_it_lasts():
    places, told, finish = Places(2), [], asyncio.Event()

    async def work(name):
        async with places.take(lambda: True):
            told.append(f"{name} begins")
            await finish.wait()
            told.append(f"{name} ends")

    async def be_quiet():
        async with places.quiet():
            told.append("quiet")
            late.append(asyncio.create_task(work("b")))
            for _ in range(10):
                await asyncio.sleep(0)
            told.append("loud")

    late = []
    first = asyncio.create_task(work("a"))
    await asyncio.sleep(0)
    quiet = asyncio.create_task(be_quiet())
    await asyncio.sleep(0)
    finish.set()
    await asyncio.gather(first, quiet)
    await asyncio.gather(*late)
    assert told == ["a begins", "a ends", "quiet", "loud", "b begins", "b ends"]


async def test_a_place_comes_back_whatever_happens_in_it():
    places = Places(1)
    for _ in range(2):
        with pytest.raises(ValueError, match="trouble"):
            async with places.take(lambda: True):
                raise ValueError("trouble")
