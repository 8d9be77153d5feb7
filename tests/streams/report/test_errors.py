"""Errors of a report: one line each, with what to do, and whole in another process."""

import pickle

import pytest

from streams.report.errors import NothingToReport, TooLarge, UnknownAccount, UnknownTimeZone, WithoutExtra


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NothingToReport(7, 0), "no interaction among 7 records: nothing to report. Check the input."),
        (NothingToReport(7, 3), "3 are dead letters"),
        (UnknownAccount(("a", "b"), ("c", "d")), "no interaction is of account a or b. Those of the input: c, d."),
        (UnknownAccount(("a",), tuple(map(str, range(20)))), "9, …."),
        (UnknownTimeZone("Mars"), "--time-zone 'Mars': not known here. Give a name like Europe/Prague"),
        (WithoutExtra(("Jinja2", "Matplotlib")), "needs Jinja2 and Matplotlib: pip install 'chat2ga[report]'"),
        (TooLarge("/tmp/x", "Out of memory."), "/tmp/x: Out of memory. Make room"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(error, says):
    assert says in str(error)
    assert "\n" not in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
