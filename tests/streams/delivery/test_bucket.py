import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.bucket import Bucket


@given(st.floats(0.1, 1_000), st.floats(1, 100), st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_over_any_span_no_more_passes_than_its_rate_and_a_burst(rate, burst, steps):
    bucket, now_s, passed = Bucket(rate, burst, burst, 0.0), 0.0, []
    for step in steps:
        now_s += step / rate
        if bucket.take(now_s):
            passed.append(now_s)
    for first, began in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= rate * (passed[last] - began) + burst + 1e-6


@given(st.floats(0.1, 1_000), st.integers(0, 20))
def test_who_waits_as_told_has_its_token(rate, ahead):
    bucket = Bucket(rate, 1.0, 1.0, 0.0)
    assert bucket.take(0.0)
    assert not bucket.take(0.0)
    now_s = bucket.wait_s(ahead) * 1.000001
    assert now_s == pytest.approx((ahead + 1) / rate, rel=1e-5)
    assert bucket.take(now_s)


def test_a_clock_that_goes_back_gives_nothing_twice():
    bucket = Bucket(1.0, 1.0, 1.0, 10.0)
    assert bucket.take(10.0)
    assert not bucket.take(5.0)
    assert not bucket.take(10.5)
    assert bucket.take(11.0)
    assert not bucket.is_full(11.5)
    assert bucket.is_full(12.0)
