"""Meanings and notices: a history that leaves something open says so, and others do not."""

import pytest

from streams.report.meanings import MEANINGS, notices
from tests.streams.report.month import Shape, month
from tests.streams.report.reports import numbers_of, said

WHOLE = [
    said(kind, at, visitor=f"v{number}")
    for number in range(60)
    for at, kind in ((number * 9_000, "page_viewed"), (number * 9_000 + 1, "visitor_message"))
    if kind == "page_viewed" or number % 2
]
"""Sixty visitors with page views over days, of whom thirty wrote."""


def told(records, *, first=None, **wanted):
    return [text for before, text in notices(numbers_of(records, **wanted)) if first in {None, before}]


def test_a_whole_history_leaves_its_ends_open_and_nothing_else():
    (only,) = told(WHOLE)
    assert only.startswith("The history begins and ends somewhere")
    assert "2 visits lie within 30 minutes of an end" in only
    assert told(WHOLE, first=True) == []


@pytest.mark.parametrize(
    ("more", "says", "first"),
    [
        pytest.param([said("visitor_message", 99, visitor="x")], "visits have no page view", True, id="pages"),
        pytest.param([{**WHOLE[0], "account_id": "other"}], "2 accounts are added up", True, id="accounts"),
        pytest.param(
            [
                said("visitor_message", 600_000, visitor="x", consent={"analytics": False}),
                said("page_viewed", 600_001, visitor="x"),
            ],
            "For want of consent 1 of 31 (3.2\N{NO-BREAK SPACE}%) events were kept from Google Analytics",
            False,
            id="consent",
        ),
        pytest.param(
            [said("page_viewed", 99, visitor=None, session="s")],
            "1 of 61 (1.6\N{NO-BREAK SPACE}%) visits name no visitor",
            False,
            id="visitors",
        ),
        pytest.param([{"type": "page_viewed"}], "records could not be read", False, id="dead letters"),
        pytest.param(
            [said("screen_shared")], "1 records are of types that this version does not know", False, id="types"
        ),
        pytest.param(
            [
                said("page_viewed", 99, visitor="x"),
                said(
                    "button_clicked",
                    100,
                    visitor="x",
                    button="Yes",
                    automation={"kind": "chatbot", "id": "b", "name": ""},
                ),
            ],
            "1 clicks on buttons of chatbots that were never received",
            False,
            id="clicks",
        ),
        pytest.param(
            [said("goal_completed", 2, visitor="v0", goal={"name": "g", "value": 1})],
            "1 values name no currency",
            False,
            id="currency",
        ),
        pytest.param(
            [said("goal_completed", 2, visitor="v0", goal={"name": "g", "value": 1e300})],
            "1 values are beyond",
            False,
            id="values",
        ),
    ],
)
def test_what_a_history_leaves_open_is_said(more, says, first):
    assert any(says in text for text in told([*WHOLE, *more], first=first))
    assert not any(says in text for text in told(WHOLE))


def test_few_are_told_first():
    assert told(month(1, Shape(visitors=20)), first=True)[0].startswith("Few visitors chatted")


def test_every_meaning_is_a_sentence():
    assert all(text[0].isupper() and text.endswith(".") for text in MEANINGS.values())
