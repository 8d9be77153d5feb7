import pytest

from benchmarks.latency import latencies


def test_each_output_is_taken_from_its_own_record():
    appended = [(b"a", 1_000.0, 1), (b"b", 1_001.0, 1), (b"a", 1_010.0, 2)]
    received = [(b"a", 1_005.0), (b"a", 1_030.0), (b"b", 1_040.0), (b"a", 1_050.0)]
    assert latencies(appended, received) == [5.0, 20.0, 39.0, 40.0]


def test_records_that_are_due_nothing_are_passed_over():
    assert latencies([(b"a", 1.0, 0), (b"a", 5.0, 1), (b"a", 6.0, 0)], [(b"a", 9.0)]) == [4.0]


def test_the_brokers_whole_milliseconds_make_nothing_negative():
    assert latencies([(b"a", 5.0, 1)], [(b"a", 4.7)]) == [0.0]


@pytest.mark.parametrize("received", [[(b"a", 9.0), (b"a", 9.0)], [(b"b", 9.0)]])
def test_an_output_that_no_record_waits_for_is_no_latency(received):
    with pytest.raises(ValueError, match="no record waits for"):
        latencies([(b"a", 5.0, 1)], received)
