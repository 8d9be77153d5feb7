"""GA is in trouble: the sink holds its place, the rest goes on, memory is level, and all arrives after."""

from dataclasses import replace
from random import Random

import pytest

from tests.guarantees.scenarios import QUICK, TROUBLES, ga_is


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_ga_is(chat2ga_and_google, trouble):
    verdict = await ga_is(trouble, chat2ga_and_google, Random(1), replace(QUICK, outage_s=5.0, per_s=200.0))
    assert verdict.faults == {}, verdict
