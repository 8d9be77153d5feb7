"""Segment's live chat events, one by one. Whole chats: test_formats_golden.py."""

import pytest

from tests.streams.sources import records

NAME = "segment"
AGENT = {"agent_id": "ag1", "agent_name": "Iris Moreau", "agent_username": "iris"}


def call(event="Live Chat Message Sent", properties=None, **fields):
    return {
        "type": "track",
        "event": event,
        "anonymousId": "an1",
        "userId": None,
        "messageId": "ajs-1",
        "timestamp": "2026-03-02T09:14:00.120Z",
        "context": {},
        "properties": {"conversation_id": "cv1", "message_id": "m1", "message_body": "Hi", **(properties or {})},
        **fields,
    }


def told(record, **mapping):
    return records.told(NAME, record, **{"account_id": "shop", **mapping})


def fault(record, **mapping):
    return records.fault(NAME, record, **{"account_id": "shop", **mapping})


def test_a_visitors_message():
    context = {
        "page": {"url": "https://a.example/", "title": "A", "referrer": "https://b.example/"},
        "userAgent": "Firefox",
        "locale": "nb-NO",
    }
    assert told(call(context=context, userId="u1"), measurement_ids=["G-A"]) == [
        {
            "type": "visitor_message",
            "interaction_id": "segment:visitor_message:m1",
            "account_id": "shop",
            "timestamp": "2026-03-02T09:14:00.120Z",
            "visitor_id": "an1",
            "conversation_id": "cv1",
            "user_id": "u1",
            "page": {
                "url": "https://a.example/",
                "title": "A",
                "referrer": "https://b.example/",
                "measurement_ids": ["G-A"],
            },
            "user_agent": "Firefox",
            "language": "nb-NO",
            "text": "Hi",
        }
    ]


def test_the_first_message_comes_twice_under_one_identity():
    started, sent = told(call("Live Chat Conversation Started")), told(call("Live Chat Message Sent"))
    assert started == sent


def test_a_message_without_an_id_has_that_of_the_call_else_of_what_it_says():
    without = {"message_id": None}
    assert told(call(properties=without))[0]["interaction_id"] == "segment:visitor_message:ajs-1"
    ids = [told(call(properties=without, messageId=None, timestamp=at))[0]["interaction_id"] for at in TIMES]
    assert len(set(ids)) == len(TIMES)


TIMES = ["2026-03-02T09:14:00Z", "2026-03-02T09:14:01Z"]


@pytest.mark.parametrize(
    ("properties", "agent"),
    [
        (AGENT, {"id": "ag1", "name": "Iris Moreau"}),
        ({"agent_username": "iris"}, {"id": "iris", "name": "iris"}),
        ({"agent_id": "ag1"}, {"id": "ag1", "name": ""}),
        ({}, None),
    ],
)
def test_an_agents_message(properties, agent):
    (made,) = told(call("Live Chat Message Received", properties))
    assert (made["type"], made.get("agent")) == ("agent_message", agent)


def test_an_agent_joins_with_the_first_message_if_the_mapping_says_so():
    record = call("Live Chat Message Received", AGENT)
    made = told(record, agent_joined="first_agent_message")
    assert [each["type"] for each in made] == ["agent_joined", "agent_message"]
    assert made[0]["interaction_id"] == "segment:agent_joined:cv1:ag1"
    assert [each["type"] for each in told(record, agent_joined="assigned")] == ["agent_message"]


@pytest.mark.parametrize("key", ["ag1", "iris", "Iris Moreau"])
def test_an_agent_that_the_mapping_lists_by_id_or_name_is_an_automation(key):
    record = call("Live Chat Message Received", AGENT)
    (made,) = told(record, automations={key: {"kind": "chatbot"}})
    assert made["automation"] == {"kind": "chatbot", "id": "ag1", "name": "Iris Moreau"}


def test_an_agent_listed_without_a_kind_is_of_the_mappings_kind_or_remains_an_agent():
    record, listed = call("Live Chat Message Received", AGENT), {"iris": {"name": "Al"}}
    (made,) = told(record, automations=listed, automation_kind="trigger")
    assert made["automation"] == {"kind": "trigger", "id": "ag1", "name": "Al"}
    assert told(record, automations=listed)[0]["type"] == "agent_message"


def test_a_kind_for_all_makes_no_automation_of_a_person():
    assert told(call("Live Chat Message Received", AGENT), automation_kind="chatbot")[0]["type"] == "agent_message"


def test_the_end_of_a_conversation():
    assert [each["type"] for each in told(call("Live Chat Conversation Ended"))] == ["conversation_closed"]


@pytest.mark.parametrize(
    ("anonymous", "user", "visitor", "user_id"),
    [
        ("an1", "u1", "an1", "u1"),
        (None, "u1", "u1", "u1"),
        ("", "u1", "u1", "u1"),
        ("an1", "me@mail.example", "an1", None),
    ],
)
def test_who_the_visitor_is(anonymous, user, visitor, user_id):
    (made,) = told(call(anonymousId=anonymous, userId=user))
    assert (made["visitor_id"], made.get("user_id")) == (visitor, user_id)


def test_no_e_mail_address_becomes_the_id_of_a_session():
    (made,) = told(call(anonymousId=None, userId="me@mail.example"))
    (again,) = told(call(anonymousId=None, userId="me@mail.example", messageId="ajs-2"))
    assert "@" not in made["visitor_id"]
    assert made["visitor_id"] == again["visitor_id"]
    assert "user_id" not in made


def test_googles_ids_stand_where_the_mapping_says():
    names = {"ga_client_id": "cid", "ga_session_id": "sid", "user_id": "uid"}
    (made,) = told(call(properties={"cid": "1.2", "sid": 7, "uid": "u9"}, userId="u1"), variables=names)
    assert (made["ga"], made["user_id"]) == ({"client_id": "1.2", "session_id": "7"}, "u9")


@pytest.mark.parametrize("kind", ["identify", "page", "screen", "group", "alias", "delete"])
def test_other_calls_are_unknown(kind):
    assert records.unknown(NAME, {"type": kind, "userId": "u1"}) == kind


def test_other_events_are_unknown():
    assert records.unknown(NAME, call("Product Viewed")) == "Product Viewed"


def test_the_action_of_the_specs_examples_is_the_type():
    record = {key: value for key, value in call().items() if key != "type"}
    assert told({**record, "action": "track"}) == told(call())


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({}, "type"),
        (call(type=None), "type"),
        (call(type=["track"]), "type"),
        (call(event=None), "event"),
        (call(event=7), "event"),
        (call(timestamp=None), "timestamp"),
        (call(timestamp="2026-03-02T09:14:00"), "timestamp"),
        (call(anonymousId=None), "anonymousId"),
        (call(anonymousId={"id": "an1"}), "anonymousId"),
        (call(anonymousId="x" * 257), "anonymousId"),
        (call(userId=["u1"]), "userId"),
        (call(properties={"message_body": 7}), "properties.message_body"),
        (call(properties={"conversation_id": 1.5}), "properties.conversation_id"),
        (call("Live Chat Message Received", {"agent_id": {}}), "properties.agent_id"),
        (call("Live Chat Message Received", {"agent_id": "a", "agent_name": 1}), "properties.agent_name"),
        (call(context={"page": {"url": 7}}), "context.page.url"),
        (call(context={"locale": ["nb"]}), "context.locale"),
    ],
)
def test_a_record_that_breaks_the_format_names_the_field(record, field):
    assert fault(record) == field


def test_without_an_account_every_event_is_a_fault():
    assert records.fault(NAME, call()) == "$"
