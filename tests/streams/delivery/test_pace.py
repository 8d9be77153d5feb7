import random

from hypothesis import given
from hypothesis import strategies as st

from streams.delivery import Pace


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waits_are_anywhere_below_a_bound_that_doubles_up_to_a_quarter_of_a_minute(attempts, chance):
    bound = min(15.0, 0.5 * 2.0 ** min(attempts - 1, 20))
    assert Pace(chance=lambda: chance).wait_s(attempts, None) == chance * bound


@given(st.integers(1, 100), st.floats(0, 1e6))
def test_never_less_than_the_endpoint_asks_for(attempts, asked):
    wait = Pace().wait_s(attempts, asked)
    assert asked <= wait <= asked + 15


def test_lanes_that_failed_together_do_not_come_back_together():
    pace = Pace(chance=random.Random(1).random)
    waits = [pace.wait_s(5, 1.0) for _ in range(1_000)]
    assert min(waits) < 1.5
    assert max(waits) > 8.5
