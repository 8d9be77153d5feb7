"""Places grow from record to record, and say where each stands."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.replay.places import MAX_INPUTS, Chunk, Records, line_at, place, within

files, numbers = st.integers(0, MAX_INPUTS - 1), st.integers(1, (1 << 36) - 1)


@given(files, numbers, st.integers(0, 10_000))
def test_a_place_says_which_line_of_which_input_it_is(file, line, number):
    assert place(line_at(file, line)) == place(within(line_at(file, line), number)) == (file, line)
    assert line_at(file, line) < 1 << 64


@given(st.lists(st.tuples(files, numbers, st.integers(0, 4_095)), min_size=2, max_size=2))
def test_places_are_in_the_order_of_inputs_lines_and_what_they_hold(given_places):
    (file, line, number), (later_file, later_line, later_number) = sorted(given_places)
    assert within(line_at(file, line), number) <= within(line_at(later_file, later_line), later_number)


def test_more_lines_than_a_place_can_tell_are_no_place():
    with pytest.raises(OverflowError):
        line_at(0, 1 << 36)


def test_lines_that_hold_nothing_are_counted_and_passed_over():
    chunk = Chunk(line_at(3, 7), b"{}\n\n  \r\n[]\n")
    assert [(place(seq), arrival_ms, line) for seq, arrival_ms, line in chunk.records(5)] == [
        ((3, 7), 5, b"{}"),
        ((3, 10), 5, b"[]"),
    ]
    assert chunk.size == 11


@pytest.mark.parametrize(("arrivals", "told"), [(array("q", [8, 9]), [8, 9]), (None, [5, 5])])
def test_records_arrived_when_they_say_or_all_at_once(arrivals, told):
    records = Records(array("Q", [1, 2]), arrivals, [b"a\nb", b"c"])
    assert list(records.records(5)) == [(1, told[0], b"a\nb"), (2, told[1], b"c")]
    assert list(records.lines()) == [(1, b"a\nb"), (2, b"c")]
    assert records.size == 4
