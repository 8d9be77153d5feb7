"""The messages of Smartsupp's chat box, one by one. Whole chats: test_formats_golden.py."""

import pytest

from tests.streams.sources import records

NAME = "smartsupp-widget"


def message(author="contact", kind="message", content=None, **fields):
    return {
        "id": "w1",
        "type": kind,
        "subType": author,
        "channel": {"type": "default", "id": None},
        "chatId": "ch1",
        "visitorId": "vi1",
        "agentId": None,
        "trigger": None,
        "createdAt": "2026-03-02T09:14:00.000Z",
        "content": content or {"type": "text", "text": "Hi", "data": None},
        **fields,
    }


def event(kind, **data):
    return message("system", "event", {"type": kind, "text": None, "data": data})


def form(value=None, text=None):
    return message("system", "message", {"type": "rate_form", "text": None, "data": {"value": value, "text": text}})


def told(record, **mapping):
    return records.told(NAME, record, **{"account_id": "shop", **mapping})


def test_a_visitors_message():
    assert told(message()) == [
        {
            "type": "visitor_message",
            "interaction_id": "smartsupp-widget:visitor_message:w1",
            "account_id": "shop",
            "timestamp": "2026-03-02T09:14:00.000Z",
            "session_id": "ch1",
            "visitor_id": "vi1",
            "conversation_id": "ch1",
            "text": "Hi",
        }
    ]


def test_no_record_tells_a_page_so_the_mappings_measurement_ids_go_with_all():
    for record in (message(), message("agent"), event("chat_close")):
        assert told(record, measurement_ids=["G-A"])[0]["page"] == {"measurement_ids": ["G-A"]}


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (message("agent", agentId="3301"), "agent_message"),
        (message("trigger", trigger={"id": "t1", "name": "Promo"}), "automation_sent"),
        (message("bot", trigger={"id": "b1", "name": "Al"}), "automation_sent"),
        (event("agent_join", agentId="3301"), "agent_joined"),
        (event("agent_leave", agentId="3301"), "agent_left"),
        (event("chat_close", closeType="visitor_close"), "conversation_closed"),
        (form(5), "feedback_given"),
    ],
)
def test_what_a_message_becomes_by_itself_or_in_an_event_that_carries_it(record, kind):
    assert [made["type"] for made in told(record)] == [kind]
    assert told({"chatId": "ch1", "message": record}) == told(record)


@pytest.mark.parametrize(
    ("author", "trigger", "automation"),
    [
        ("trigger", {"id": "t1", "name": "Promo"}, {"kind": "trigger", "id": "t1", "name": "Promo"}),
        ("trigger", None, {"kind": "trigger", "id": "trigger", "name": ""}),
        ("bot", {"id": "b1", "name": "Al"}, {"kind": "chatbot", "id": "b1", "name": "Al"}),
        ("bot", None, {"kind": "chatbot", "id": "bot", "name": ""}),
    ],
)
def test_a_trigger_is_a_trigger_and_a_bot_a_chatbot(author, trigger, automation):
    assert told(message(author, trigger=trigger))[0]["automation"] == automation


def test_the_mapping_says_which_triggers_are_automatic_messages():
    record = message("trigger", trigger={"id": "t1", "name": "Promo"})
    for mapping in ({"automation_kind": "auto_message"}, {"automations": {"Promo": {"kind": "auto_message"}}}):
        assert told(record, **mapping)[0]["automation"]["kind"] == "auto_message"


def test_a_form_rates_once_it_is_filled_in_and_once_however_often_it_comes():
    assert records.unknown(NAME, form(), account_id="shop") == "message/system/rate_form"
    first, second = told(form(4)), told(form(4, "Kind"))
    assert [made.get("rating") for made in second] == [5, None]
    assert second[0] == first[0]


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (event("agent_assign", assigned="3301"), "event/system/agent_assign"),
        (event("agent_unassign"), "event/system/agent_unassign"),
        (message("system", content={"type": "text", "text": "Bye", "data": {"value": 5}}), "message/system/text"),
        (message("robot"), "message/robot/text"),
    ],
)
def test_what_says_nothing_of_the_events_is_unknown(record, kind):
    assert records.unknown(NAME, record, account_id="shop") == kind


def test_another_channel_is_not_looked_at():
    assert records.unknown(NAME, message(), channels=["facebook"]) == "message of default"


def test_a_message_without_id_is_known_by_what_it_says():
    hello, ho = message(id=None), message(id=None, createdAt="2026-03-02T09:14:00.001Z")
    ids = [told(each)[0]["interaction_id"] for each in (hello, {"message": hello}, ho)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({}, "type"),
        (message(kind="notice"), "type"),
        (message(kind=1), "type"),
        (message(author=None), "subType"),
        (message(chatId=None), "chatId"),
        (message(chatId={}), "chatId"),
        (message(createdAt=None), "createdAt"),
        (message(createdAt="2026-03-02 09:14"), "createdAt"),
        (message(visitorId="x" * 257), "visitorId"),
        (message(content={"type": "text", "text": 7}), "content.text"),
        (message("trigger", trigger={"id": 1.5}), "trigger.id"),
        (event("agent_join"), "content.data.agentId"),
        (form(9), "content.data.value"),
        (form(5, 7), "content.data.text"),
        ({"message": message(createdAt=None)}, "message.createdAt"),
    ],
)
def test_a_record_that_breaks_the_format_names_the_field(record, field):
    assert records.fault(NAME, record, account_id="shop") == field


def test_without_an_account_every_message_is_a_fault():
    assert records.fault(NAME, message()) == "$"
