"""What happens in visits: everything that the contract knows, and then some."""

import json
from collections import Counter
from typing import get_args

import pytest

from schemas.ga_event import EventName
from schemas.interaction import TYPES


def test_every_one_of_the_17_events_comes_of_it(expected):
    assert set(expected.names) == set(get_args(EventName))


def test_every_type_of_interaction_is_in_it(said):
    assert {each["type"] for each in said} == set(TYPES)


@pytest.mark.parametrize(
    ("ingredient", "found"),
    [
        ("opened in the popup", lambda each: each.get("via") == "popup"),
        ("opened by itself", lambda each: each.get("via") == "widget"),
        ("a back button", lambda each: each.get("is_back") is True),
        ("a button of a named chatbot", lambda each: each["type"] == "button_clicked" and "automation" in each),
        ("a button of no named chatbot", lambda each: each["type"] == "button_clicked" and "automation" not in each),
        ("a reply to one automation", lambda each: "in_reply_to" in each),
        ("an offline message", lambda each: each.get("online") is False),
        ("consent", lambda each: each.get("consent", {}).get("analytics") is True),
        ("no consent", lambda each: each.get("consent", {}).get("analytics") is False),
        ("a run with an id", lambda each: "run_id" in each.get("automation", {})),
        ("a run without one", lambda each: "automation" in each and "run_id" not in each["automation"]),
        ("a Czech text", lambda each: "Žluťoučký kůň" in (each.get("text") or "")),
        (
            "an e-mail address in a feedback",
            lambda each: each["type"] == "feedback_given" and "@" in each.get("text", ""),
        ),
        ("a rating by name", lambda each: each.get("rating") == "mauvais"),
        ("GA's ids without cookies", lambda each: "client_id" in each.get("ga", {})),
        ("epoch milliseconds", lambda each: isinstance(each["timestamp"], int)),
        ("RFC 3339 with Z", lambda each: str(each["timestamp"]).endswith("Z")),
        ("RFC 3339 with an offset", lambda each: str(each["timestamp"]).endswith("+02:00")),
    ],
)
def test_it_contains(said, ingredient, found):
    assert sum(map(found, said)) >= 10, ingredient


def test_an_agent_joins_twice_without_leaving(expected, said):
    joins = Counter(each["type"] for each in said)["agent_joined"]
    assert joins > expected.names["Agent_served_conversation"] > 0


def test_a_visitor_who_comes_back_after_half_an_hour_begins_another_session(expected):
    of_visitors = [events for key, events in expected.events.items() if b"/v/" in key]
    assert max(len({json.loads(event)["session_id"] for event in events}) for events in of_visitors) > 1
