from streams.measurement import LIMITS
from streams.measurement.limits import BODY_BYTES, WINDOW_MICROS


def test_every_limit_says_where_google_says_so():
    for limit in LIMITS:
        assert limit.most > 0
        assert limit.source.startswith(
            ("https://developers.google.com/analytics/", "https://support.google.com/analytics/")
        )


def test_a_limit_reads_as_a_sentence():
    assert str(BODY_BYTES) == "a body has at most 129,999 bytes"
    assert str(WINDOW_MICROS) == "an event's age has at most 259,200,000,000 microseconds"
