import pytest

from streams.measurement import Due, expires_micros, is_expired, lane_of, protocol_of
from tests.streams.measurement.made import NOW, G, made

WINDOW = 72 * 3_600_000_000


@pytest.mark.parametrize(("age", "expired"), [(0, False), (WINDOW, False), (WINDOW + 1, True), (-1, False)])
def test_exactly_72_hours_is_not_too_old_and_a_microsecond_more_is(age, expired):
    event = made(timestamp_micros=NOW - age)
    assert is_expired(event, NOW) is expired
    assert is_expired(event, expires_micros(event)) is False


@pytest.mark.parametrize(
    ("tracker_id", "protocol"),
    [
        *[("G-ABC1234567", "ga4"), ("UA-1-1", "ua"), ("AW-1", None), ("GTM-1", None), ("", None), ("g-a", None)],
        *[("G-", None), ("G-a1", None), ("G-A1\n", None), ("UA-1", None), ("UA-1-x", None), ("UA-1-1\n", None)],
    ],
)
def test_a_trackers_form_says_what_it_speaks(tracker_id, protocol):
    assert protocol_of(tracker_id) == protocol


def test_a_lane_is_an_account_a_tracker_and_a_client():
    assert lane_of(Due(made(user_id="u", session_id="s9"), G)) == ("acme", "G-ABC1234567", "123.456")
