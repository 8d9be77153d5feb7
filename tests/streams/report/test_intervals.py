"""Intervals: the values that their sources print, and what holds of any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.report.intervals import FEW_CASES, FEW_VISITORS, difference, share


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_has_the_interval_that_is_printed(count, of, low, high):
    """R. G. Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven methods",
    Statistics in Medicine 17 (1998), 857-872, table I, method 3 (score, no continuity correction)."""
    found = share(count, of)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.share == count / of


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_a_difference_has_the_interval_that_is_printed(one, other, low, high):
    """R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
    eleven methods", Statistics in Medicine 17 (1998), 873-890, table II, method 10."""
    found = difference(share(*one), share(*other))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def parts():
    return st.integers(1, 5_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(parts())
def test_an_interval_holds_its_share_and_stays_between_nothing_and_all(part):
    found = share(*part)
    assert 0 <= found.low <= found.share <= found.high <= 1
    assert found.low < found.high


@given(parts(), st.integers(2, 50))
def test_more_visitors_make_it_narrower(part, times):
    few, many = share(*part), share(part[0] * times, part[1] * times)
    assert many.high - many.low < few.high - few.low


@given(parts(), parts())
def test_the_other_way_round_the_difference_is_the_opposite(one, other):
    there, back = difference(share(*one), share(*other)), difference(share(*other), share(*one))
    assert (back.difference, back.low, back.high) == pytest.approx((-there.difference, -there.high, -there.low))
    assert -1 <= there.low <= there.difference <= there.high <= 1


@pytest.mark.parametrize("of", [3, 6, 10, 11])
def test_none_and_all_are_the_very_ends(of):
    """Where rounding would leave a little more or less."""
    assert (share(0, of).low, share(of, of).high) == (0, 1)


def test_of_nothing_there_is_neither_share_nor_difference():
    nothing = share(0, 0)
    assert (nothing.share, nothing.low, nothing.high, nothing.few) == (None, None, None, True)
    assert difference(nothing, share(1, 2)).difference is None
    assert difference(share(1, 2), nothing).difference is None
    assert not difference(nothing, nothing).clear


@pytest.mark.parametrize(
    ("count", "of", "few"),
    [
        (FEW_CASES, FEW_VISITORS, False),
        (FEW_CASES, FEW_VISITORS - 1, True),
        (FEW_CASES - 1, 10_000, True),
        (9_999, 10_000, True),
    ],
)
def test_what_hangs_on_a_handful_is_marked(count, of, few):
    assert share(count, of).few is few


def test_a_difference_is_clear_where_its_interval_leaves_out_zero():
    assert difference(share(56, 70), share(48, 80)).clear
    assert difference(share(48, 80), share(56, 70)).clear
    assert not difference(share(5, 56), share(0, 29)).clear
