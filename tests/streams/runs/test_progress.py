"""Recovery says how many of how many, how fast, and how long it will take."""

import pytest

from streams.runs.progress import Progress


def test_it_tells_how_many_of_how_many_how_fast_and_how_long():
    progress = Progress()
    assert progress.tell(100.0, 1_000_000) == "reading the changelog: 1,000,000 records to go"
    assert progress.tell(105.0, 750_000) == (
        "reading the changelog: 250,000 of 1,000,000 records (25%), 50,000 a second, 15 s to go"
    )


def test_it_says_so_where_it_stands_still():
    progress = Progress()
    progress.tell(100.0, 10)
    assert progress.tell(105.0, 10) == "reading the changelog: 0 of 10 records"


@pytest.mark.parametrize("remaining", [0, -1])
def test_it_is_silent_where_nothing_is_left(remaining):
    assert Progress().tell(100.0, remaining) is None


def test_a_second_recovery_begins_anew():
    progress = Progress()
    progress.tell(100.0, 10)
    progress.tell(101.0, 0)
    assert progress.tell(200.0, 5) == "reading the changelog: 5 records to go"
    assert progress.tell(201.0, 4).startswith("reading the changelog: 1 of 5 records (20%), 1 a second")


def test_partitions_that_come_meanwhile_begin_it_anew():
    progress = Progress()
    progress.tell(100.0, 10)
    assert progress.tell(101.0, 25) == "reading the changelog: 25 records to go"
