"""A worker is killed -9: nothing is missing, what is repeated is the same to the byte, the state is exact."""

from random import Random

import pytest

from tests.guarantees.scenarios import QUICK, attribute_is_killed, deliver_is_killed, whole_workers_are_killed


async def test_three_kills_under_load_lose_nothing_and_repeat_only_to_the_byte(chat2ga):
    total = await chat2ga.feed(sessions=12_000, seed=2)
    chat2ga.start("a")
    chat2ga.start("b")
    for number, name in enumerate("aba"):
        await chat2ga.progressed((number + 1) * total // 5)
        chat2ga.kill(name)
        chat2ga.start(name)
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert verdict.faults == {}, verdict


@pytest.mark.parametrize("scenario", [attribute_is_killed, deliver_is_killed, whole_workers_are_killed])
async def test_killed_at_random_moments(chat2ga_and_google, scenario):
    verdict = await scenario.play(chat2ga_and_google, Random(1), QUICK)
    assert verdict.faults == {}, verdict
