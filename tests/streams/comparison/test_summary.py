"""Differences are counted by what they are about, with a few sessions, in bounded memory."""

from typing import Any

import pytest

from streams.comparison import Credited, Row, Summary, summary
from streams.comparison.product import encode_difference
from tests.streams.attribution.builders import BOT, PROMO, joined, opened, sent, typed
from tests.streams.comparison.made import compared

WIDGET: Any = ({}, {"widget_open_counts": True})


def added_up(*found):
    made = Summary()
    for each in found:
        made.add(encode_difference(each))
    return made


def viewed(session="s", account="acme", automation=BOT):
    """A view that is gained."""
    of = {"session_id": session, "account_id": account}
    (found,) = compared([sent(automation, **of), opened("widget", **of)], *WIDGET)
    return found


def test_rows_are_by_kind_event_automation_and_account_the_most_frequent_first():
    found = added_up(viewed(automation=PROMO), viewed("1"), viewed("2"), viewed(account="beta"))
    bot = Credited("chatbot", "bot", "Bot")
    assert found.rows() == [
        (Row("gained", "Chatbot_viewed", bot, "acme"), 2, ("acme/s/1", "acme/s/2")),
        (Row("gained", "Auto_message_viewed", Credited("auto_message", "promo", "Promo"), "acme"), 1, ("acme/s/s",)),
        (Row("gained", "Chatbot_viewed", bot, "beta"), 1, ("beta/s/s",)),
    ]
    assert found.kinds == {"gained": 4}
    assert found.told()["differences"] == {"gained": 4, "lost": 0, "reattributed": 0, "moved": 0, "changed": 0}


def test_a_row_of_reattributed_events_says_to_what():
    history = [sent(PROMO, tab_id="1", at=0), sent(BOT, at=1), sent(PROMO, tab_id="2", at=4), typed(at=10)]
    row, count, _ = added_up(*compared(history, {"tab_window_s": 3}, {})).rows()[-1]
    assert (row.kind, row.name, row.automation.id, count) == (
        "reattributed",
        "Auto_message_visitor_reaction",
        "promo",
        1,
    )
    assert (row.became_name, row.became) == ("Chatbot_visitor_reaction", Credited("chatbot", "bot", "Bot"))


def test_the_fields_of_changed_events_are_counted():
    visit = {"session_id": None, "visitor_id": "v"}
    history = [opened(**visit), joined(at=60, **visit), joined({"id": "x", "name": "X"}, at=61, language="cs", **visit)]
    found = added_up(*compared(history, {}, {"visitor_gap_s": 59}))
    assert found.changed_fields() == [("event_id", 2), ("session_id", 2)]
    assert found.told()["changed_fields"] == {"event_id": 2, "session_id": 2}


def test_a_few_sessions_of_each_row_are_named_once():
    (row,) = added_up(*(viewed(session) for session in "aabcde")).rows()
    assert row[1:] == (6, ("acme/s/a", "acme/s/b", "acme/s/c"))


@pytest.mark.parametrize("length", [80, 81, 5_000])
def test_memory_has_a_bound(monkeypatch, length):
    monkeypatch.setattr(summary, "MAX_ROWS", 2)
    found = added_up(*(viewed(account=account, automation={**BOT, "name": "n" * length}) for account in "abcabd"))
    assert [(row.name, row.account_id, count) for row, count, _ in found.rows()] == [
        ("Chatbot_viewed", "a", 2),
        ("Chatbot_viewed", "b", 2),
        ("others", None, 2),
    ]
    assert found.rows()[0][0].automation.name == "n" * 80
    assert found.rows()[-1][2] == ("c/s/s", "d/s/s")
