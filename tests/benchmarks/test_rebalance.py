import pytest

from benchmarks.rebalance import longest_silence


@pytest.mark.parametrize(
    ("times_s", "longest_s"),
    [
        pytest.param({0: [1.0, 2.0, 3.0, 9.0]}, 6.0, id="between two outputs"),
        pytest.param({0: [4.0, 5.0]}, 5.0, id="to the end"),
        pytest.param({0: [9.5]}, 9.5, id="from the beginning"),
        pytest.param({0: [1.0, 3.0, 5.0, 7.0, 9.0], 1: [1.0, 8.0]}, 7.0, id="of the partition that waited longest"),
        pytest.param({0: [-5.0, 2.0, 4.0, 8.0, 30.0]}, 4.0, id="what lies outside is nothing to it"),
        pytest.param({0: [], 1: [5.0]}, 10.0, id="a partition that gives nothing"),
        pytest.param({0: [8.0, 2.0, 5.0]}, 3.0, id="in whatever order they are given"),
    ],
)
def test_the_longest_silence_within_a_span(times_s, longest_s):
    assert longest_silence(times_s, 0.0, 10.0) == longest_s
