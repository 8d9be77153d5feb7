import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.measurement import answer_of, no_answer

NOW = 1_790_000_000_000_000  # Mon, 21 Sep 2026 14:13:20 GMT


@pytest.mark.parametrize(
    ("statuses", "verdict", "kind"),
    [
        pytest.param(range(200, 300), "delivered", "accepted", id="2xx"),
        pytest.param(range(300, 400), "refused", "refused", id="no redirect is followed"),
        pytest.param([400, 401, 403, 404, 405, 407, 409, 410, 413, 414, 425, 428, 430, 451, 499], "refused", "refused"),
        pytest.param([408], "retry", "timeout"),
        pytest.param([429], "retry", "throttled"),
        pytest.param(range(500, 600), "retry", "server_error", id="5xx"),
        pytest.param([600, 999], "retry", "server_error", id="of no standard"),
        pytest.param([100, 199], "refused", "refused", id="interim"),
    ],
)
def test_what_a_status_says(statuses, verdict, kind):
    for status in statuses:
        answer = answer_of(status, None, NOW)
        assert (answer.verdict, answer.kind, answer.status) == (verdict, kind, status)


@pytest.mark.parametrize("kind", ["timeout", "unreachable"])
def test_no_answer_is_tried_again(kind):
    assert (no_answer(kind).verdict, no_answer(kind).kind) == ("retry", kind)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("1", 1),
        (" 120 ", 120),
        ("Mon, 21 Sep 2026 14:13:30 GMT", 10),
        ("Mon, 21 Sep 2026 14:13:20 GMT", 0),
        ("Mon, 21 Sep 2026 14:00:00 GMT", 0),
        ("Tue, 22 Sep 2026 14:13:20 GMT", 86_400),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Mon, 31 Feb 2026 14:13:30 GMT", None),
        ("Mon, 21 Foo 2026 14:13:30 GMT", None),
        ("Mon, 21 Sep 2026 25:13:30 GMT", None),
        ("9999999999", None),
        ("\u0661", None),
    ],
)
@pytest.mark.parametrize("status", [408, 429, 503])
def test_retry_after_in_seconds_or_as_a_date(status, header, seconds):
    assert answer_of(status, header, NOW).retry_after_s == seconds


@given(st.integers(100, 999), st.none() | st.text(), st.integers(0, 4_102_444_800_000_000))
def test_any_answer_has_a_verdict_and_waits_for_no_negative_time(status, header, now):
    answer = answer_of(status, header, now)
    assert answer.retry_after_s is None or answer.retry_after_s >= 0
