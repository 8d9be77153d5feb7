"""Smartsupp's POST hook, message by message. Whole chats: test_formats_golden.py."""

import pytest

from tests.streams.sources.records import fault, told, types

NAME = "smartsupp-hook-post"
AT = 1_772_443_000_000


def message(kind="visitor", content="Hi", **fields):
    return {"type": kind, "content": content, "sentAt": AT, "triggeredBy": None, **fields}


def chat(*messages, channel=None, **fields):
    return {
        "accountId": 208,
        "beginAt": AT,
        "endAt": AT + 60_000,
        "channel": {"id": 55, "isOffline": False, "rating": None, "ratingDesc": None, **(channel or {})},
        "visitor": {"id": 27, "userAgent": "Firefox", "referer": ""},
        "paths": [],
        "messages": list(messages),
        **fields,
    }


def test_a_chat_is_its_messages_and_its_end():
    made = told(NAME, chat(message()))
    common = {
        "account_id": "208",
        "session_id": "55",
        "visitor_id": "27",
        "conversation_id": "55",
        "user_agent": "Firefox",
    }
    assert made == [
        {
            "type": "visitor_message",
            "interaction_id": "smartsupp-hook-post:visitor_message:55:0",
            **common,
            "timestamp": "2026-03-02T09:16:40.000Z",
            "text": "Hi",
            "online": True,
        },
        {
            "type": "conversation_closed",
            "interaction_id": f"smartsupp-hook-post:conversation_closed:55:{AT + 60_000}",
            **common,
            "timestamp": "2026-03-02T09:17:40.000Z",
        },
    ]


def test_a_chat_without_messages_has_ended_all_the_same():
    assert types(NAME, chat()) == ["conversation_closed"]


def test_all_messages_of_an_offline_chat_went_to_an_offline_box():
    made = told(NAME, chat(message(), message(), channel={"isOffline": True}))
    assert [each.get("online") for each in made] == [False, False, None]


def test_a_message_that_a_trigger_sent_is_an_automation_of_its_name():
    (sent, _) = told(NAME, chat(message("agent", triggeredBy="Promo", **{"from": "system"})))
    assert sent["automation"] == {"kind": "trigger", "id": "Promo", "name": "Promo"}
    mapping = {"automations": {"Promo": {"kind": "auto_message", "id": "p1"}}}
    (sent, _) = told(NAME, chat(message("agent", triggeredBy="Promo")), **mapping)
    assert sent["automation"] == {"kind": "auto_message", "id": "p1", "name": "Promo"}


@pytest.mark.parametrize(
    ("fields", "agent"),
    [
        ({"from": "agent:3", "name": "Iris"}, {"id": "3", "name": "Iris"}),
        ({"from": "agent:4", "name": "Odd"}, {"id": "4", "name": "Mapped"}),
        ({"from": "agent:3"}, {"id": "3", "name": ""}),
        ({"from": "system", "name": ""}, None),
        ({}, None),
    ],
)
def test_which_agent_wrote(fields, agent):
    (wrote, _) = told(NAME, chat(message("agent", **fields)), agents={"4": "Mapped"})
    assert (wrote["type"], wrote.get("agent")) == ("agent_message", agent)


@pytest.mark.parametrize(
    ("content", "author", "made"),
    [
        ("agent.join", "agent:3", ["agent_joined"]),
        ("agent.leave", "agent:3", ["agent_left"]),
        ("agent.join", "system", []),
        ("close.visitorClose", "system", []),
        ("transfer", "agent:3", []),
        (None, "agent:3", []),
    ],
)
def test_what_the_system_says(content, author, made):
    record = chat(message("system", content, **{"from": author}))
    assert types(NAME, record) == [*made, "conversation_closed"]


def test_a_rating_stands_at_the_end_before_the_closing():
    made = told(NAME, chat(message(), channel={"rating": 3, "ratingDesc": "Slow"}))
    assert [each["type"] for each in made[1:]] == ["feedback_given", "feedback_given", "conversation_closed"]
    assert {each["timestamp"] for each in made[1:]} == {"2026-03-02T09:17:40.000Z"}
    assert [made[1]["rating"], made[2]["text"]] == [3, "Slow"]


@pytest.mark.parametrize(
    ("paths", "referer", "page"),
    [
        ([], "", None),
        (None, "", None),
        ([], "https://search.example/", {"referrer": "https://search.example/"}),
        ([{"url": "https://a.example/", "title": "A"}], "", {"url": "https://a.example/", "title": "A"}),
        ([{"url": "https://a.example/"}, {"url": "https://a.example/"}], "", {"url": "https://a.example/"}),
        ([{"url": "https://a.example/"}, {"url": "https://b.example/"}], "", None),
    ],
    ids=["none", "not told", "the referrer alone", "one", "one twice", "of several nobody knows which"],
)
def test_the_page_of_a_chat(paths, referer, page):
    record = chat(message(), paths=paths, visitor={"id": 27, "referer": referer})
    assert told(NAME, record)[0].get("page") == page


def test_the_same_chat_sent_again_has_the_same_identities():
    record = chat(message(), message("agent", **{"from": "agent:3"}), channel={"rating": 5})
    ids = [each["interaction_id"] for each in told(NAME, record)]
    assert ids == [each["interaction_id"] for each in told(NAME, dict(reversed(record.items())))]
    assert len(set(ids)) == len(ids)


def test_a_variable_holds_its_value_further_in():
    visitor = {"id": 27, "variables": {"uid": {"label": "User", "value": 1234}}}
    record = chat(message(), visitor=visitor)
    assert told(NAME, record, variables={"user_id": "uid"})[0]["user_id"] == "1234"


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({}, "messages"),
        (chat(messages={}), "messages"),
        (chat("Hi"), "messages.0.type"),
        (chat(message(), message("bot")), "messages.1.type"),
        (chat(message(sentAt=None)), "messages.0.sentAt"),
        (chat(message(sentAt=1_772_443_000)), "messages.0.sentAt"),
        (chat(message(content={"text": "Hi"})), "messages.0.content"),
        (chat(message("agent", triggeredBy=["Promo"])), "messages.0.triggeredBy"),
        (chat(message("agent", name=7, **{"from": "agent:3"})), "messages.0.name"),
        (chat(message("agent", **{"from": "agent:"})), "messages.0.from"),
        (chat(channel={"id": None}), "channel.id"),
        (chat(channel={"id": []}), "channel.id"),
        (chat(channel={"isOffline": 1}), "channel.isOffline"),
        (chat(channel={"rating": 7}), "channel.rating"),
        (chat(channel={"ratingDesc": 7}), "channel.ratingDesc"),
        (chat(endAt="then"), "endAt"),
        (chat(accountId=None), "accountId"),
        (chat(accountId={"id": 1}), "accountId"),
        (chat(message(), visitor={"id": 1.5}), "visitor.id"),
    ],
)
def test_a_record_that_breaks_the_format_names_the_field(record, field):
    assert fault(NAME, record) == field
