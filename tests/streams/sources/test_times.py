"""Times as chat systems write them."""

import pytest

from streams.sources.record import At
from streams.sources.times import SECONDS, instant


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-03-02T09:14:00Z", "2026-03-02T09:14:00.000Z"),
        ("2026-03-02T10:14:00.120+01:00", "2026-03-02T09:14:00.120Z"),
        ("2026-03-02T09:14:00.1234567Z", "2026-03-02T09:14:00.123456Z"),
        ("2020-03-03 13:05:57 UTC", "2020-03-03T13:05:57.000Z"),
        ("Fri Jul 23 2021 23:32:48 GMT+0530 (India Standard Time)", "2021-07-23T18:02:48.000Z"),
        ("Tue Mar 03 2020 18:37:38 GMT-0700", "2020-03-04T01:37:38.000Z"),
        (1_427_470_439_703, "2015-03-27T15:33:59.703Z"),
        (1_427_470_439_703.0, "2015-03-27T15:33:59.703Z"),
    ],
)
def test_a_time_is_read_as_it_is_written(given, read):
    assert instant(At(given, "sentAt")) == At(read, "sentAt")


def test_a_number_counts_in_the_unit_of_its_sender():
    assert instant(At(1_627_063_369, "timestamp"), SECONDS).value == "2021-07-23T18:02:49.000Z"
    assert instant(At(1_627_063_369.123456, "updated_at"), SECONDS).value == "2021-07-23T18:02:49.123456Z"


@pytest.mark.parametrize(
    "given",
    [
        None,
        True,
        [],
        {},
        "",
        "yesterday",
        "2026-03-02T09:14:00",  # whose time, nobody says
        "2026-03-02 09:14:00",
        "2026-02-30T09:14:00Z",
        "Fri Okt 23 2021 23:32:48 GMT+0530",
        "2020-13-03 13:05:57 UTC",
        10**30,
        -(10**18),
    ],
)
def test_what_is_no_time_stays_as_it_stands_for_the_validation_to_name(given):
    assert instant(At(given, "at")) == At(given, "at")
