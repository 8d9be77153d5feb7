"""Brokers are killed, restarted, cut off: work goes on or resumes by itself, nothing is missing, the state is exact."""

from random import Random

import pytest

from tests.guarantees.scenarios import (
    QUICK,
    one_of_three_brokers_is_killed,
    the_broker_is_out_of_reach,
    the_only_broker_is_restarted,
)


async def test_one_of_three_is_killed_and_comes_back(chat2ga_on_three):
    verdict = await one_of_three_brokers_is_killed.play(chat2ga_on_three, Random(1), QUICK)
    assert verdict.faults == {}, verdict


@pytest.mark.parametrize("scenario", [the_only_broker_is_restarted, the_broker_is_out_of_reach])
async def test_the_only_one_is_away_for_a_while(chat2ga_on_one, scenario):
    verdict = await scenario.play(chat2ga_on_one, Random(1), QUICK)
    assert verdict.faults == {}, verdict
