"""A moment: what was met before makes it no other, and what is kept of that is bounded."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import times
from schemas.times import micros_of

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NOON: Final = 1_704_110_400_000_000  # 2024-01-01T12:00:00Z
DAYS: Final = ("1999-12-31", "2000-01-01", "2024-02-28", "2024-02-29")


@given(
    st.lists(
        st.builds(
            "{}{}{}".format,
            st.sampled_from([f"{day}T{time}" for day in DAYS for time in ("00:00:00", "00:00:01", "23:59:59")]),
            st.sampled_from(["", ".5", ".500", ".501", ".000001", ".0000019"]),
            st.sampled_from(["Z", "+00:00", "-00:01", "+01:30", "+23:59"]),
        ),
        max_size=40,
    )
)
def test_what_was_read_before_makes_no_difference(texts):
    """The seconds and the rest of a time may each have been met in other times."""
    for text in texts:
        told = datetime.fromisoformat(text)
        if told < datetime(2000, 1, 1, tzinfo=UTC):
            with pytest.raises(ValueError, match="2000 to 2100"):
                micros_of(text)
        else:
            assert micros_of(text) == (told - EPOCH) // timedelta(microseconds=1)


def test_what_is_kept_of_times_is_bounded():
    for millis in range(0, 20_000_000, 1_001):
        text = f"{EPOCH + timedelta(microseconds=NOON, milliseconds=millis):%Y-%m-%dT%H:%M:%S}.{millis % 1000:03}Z"
        assert micros_of(text) == NOON + millis * 1_000
    assert max(len(times._seconds), len(times._rests)) <= times._MOST_KEPT
