"""Chatwoot's webhooks, event by event. Whole chats: test_formats_golden.py."""

import pytest

from tests.streams.sources.records import fault, told, types, unknown

NAME = "chatwoot"
AT = 1_772_442_860
USER, BOT = {"id": 1, "name": "Iris", "type": "user"}, {"id": 5, "name": "Al", "type": "agent_bot"}


def conversation(**fields):
    return {
        "id": 10,
        "channel": "Channel::WebWidget",
        "additional_attributes": {"referer": "https://a.example/", "browser_language": "nb"},
        "contact_inbox": {"contact_id": 14},
        "messages": [{"account_id": 4}],
        "meta": {"sender": {"id": 14, "identifier": "u1", "custom_attributes": {"cid": "1.2"}}, "assignee": None},
        "status": "open",
        "timestamp": AT - 5,
        "updated_at": AT + 0.25,
        **fields,
    }


def message(kind="incoming", event="message_created", **fields):
    return {
        "event": event,
        "id": 118,
        "account": {"id": 4},
        "content": "Hi",
        "content_type": "text",
        "content_attributes": {},
        "conversation": conversation(),
        "created_at": "2026-03-02T09:14:00.000Z",
        "message_type": kind,
        "private": False,
        "sender": {"id": 14, "type": "contact"},
        **fields,
    }


def updated(content_type, attributes, **fields):
    return message("outgoing", "message_updated", content_type=content_type, content_attributes=attributes, **fields)


def rated(**response):
    return updated("input_csat", {"submitted_values": {"csat_survey_response": response}})


def changed(event="conversation_status_changed", **fields):
    return {**conversation(), "event": event, **fields}


def opened(**fields):
    return {
        "event": "webwidget_triggered",
        "id": 114,
        "account": {"id": 4},
        "contact": {"id": 14},
        "current_conversation": None,
        "event_info": {"initiated_at": {"timestamp": "2026-03-02T09:14:00Z"}, "referer": "https://b.example/"},
        **fields,
    }


# -- messages


def test_a_visitors_message():
    assert told(NAME, message(), measurement_ids=["G-A"], variables={"ga_client_id": "cid"}) == [
        {
            "type": "visitor_message",
            "interaction_id": "chatwoot:visitor_message:118",
            "account_id": "4",
            "timestamp": "2026-03-02T09:14:00.000Z",
            "visitor_id": "14",
            "conversation_id": "10",
            "page": {"url": "https://a.example/", "measurement_ids": ["G-A"]},
            "language": "nb",
            "user_id": "u1",
            "ga": {"client_id": "1.2"},
            "text": "Hi",
        }
    ]


@pytest.mark.parametrize(
    ("record", "automation"),
    [
        (message("outgoing", sender=BOT), {"kind": "chatbot", "id": "bot-5", "name": "Al"}),
        (
            message("outgoing", sender=USER, additional_attributes={"campaign_id": 7}),
            {"kind": "auto_message", "id": "campaign-7", "name": ""},
        ),
        (
            message("outgoing", sender=None, content_attributes={"automation_rule_id": 3}),
            {"kind": "auto_message", "id": "rule-3", "name": ""},
        ),
    ],
)
def test_what_no_person_sent_is_an_automation(record, automation):
    (made,) = told(NAME, record)
    assert (made["type"], made["automation"]) == ("automation_sent", automation)
    mapping = {"automations": {automation["id"]: {"kind": "trigger", "name": "Own"}}}
    assert told(NAME, record, **mapping)[0]["automation"] == {"kind": "trigger", "id": automation["id"], "name": "Own"}


def test_what_a_person_sent_is_an_agents_message_and_a_join_if_the_mapping_says_so():
    record = message("outgoing", sender=USER)
    (made,) = told(NAME, record)
    assert (made["type"], made["agent"]) == ("agent_message", {"id": "1", "name": "Iris"})
    assert types(NAME, record, agent_joined="first_agent_message") == ["agent_joined", "agent_message"]
    assert types(NAME, record, agent_joined="assigned") == ["agent_message"]


def test_the_type_of_a_message_may_be_the_number_that_the_database_has():
    assert types(NAME, message(0)) == ["visitor_message"]
    assert types(NAME, message(1, sender=USER)) == ["agent_message"]


@pytest.mark.parametrize(
    "record",
    [
        message("outgoing", sender=USER, private=True),
        message("incoming", private=True),
        message("activity"),
        message("template"),
        message("template", content_type="input_csat"),
    ],
    ids=["a note", "a note from elsewhere", "activity", "template", "form"],
)
def test_what_is_no_message_of_anybody_is_unknown(record):
    assert unknown(NAME, record) == "message_created"


def test_a_template_of_text_is_an_automation_if_the_mapping_lists_it():
    mapping = {"automations": {"template": {"name": "Greeting"}}}
    (made,) = told(NAME, message("template"), **mapping)
    assert made["automation"] == {"kind": "auto_message", "id": "template", "name": "Greeting"}
    assert unknown(NAME, message("template", content_type="input_email"), **mapping) == "message_created"


# -- what a visitor does to a message


def test_a_rating_of_one_to_five_and_its_text_at_the_time_of_the_conversations_update():
    made = told(NAME, rated(rating=4, feedback_message="Kind"))
    assert [(each.get("rating"), each.get("text")) for each in made] == [(5, None), (None, "Kind")]
    assert {each["timestamp"] for each in made} == {"2026-03-02T09:14:20.250Z"}


def test_a_rating_that_is_sent_again_with_a_text_rates_once():
    assert told(NAME, rated(rating=4, feedback_message="Kind"))[0] == told(NAME, rated(rating=4))[0]


@pytest.mark.parametrize(("items", "buttons"), [([], []), ([{"title": "A", "value": "a"}, {"value": "b"}], ["A", "b"])])
def test_a_choice_from_a_list_is_a_click_on_the_bots_button(items, buttons):
    record = updated("input_select", {"submitted_values": items}, sender=BOT)
    if not buttons:
        assert unknown(NAME, record) == "message_updated"
        return
    made = told(NAME, record)
    assert [each["button"] for each in made] == buttons
    assert {each["automation"]["id"] for each in made} == {"bot-5"}
    assert len({each["interaction_id"] for each in made}) == len(made)


def test_a_list_of_no_chatbot_has_buttons_of_nobody():
    for fields in ({"sender": USER}, {"sender": None, "additional_attributes": {"campaign_id": 7}}):
        record = updated("input_select", {"submitted_values": [{"title": "A"}]}, **fields)
        (made,) = told(NAME, record)
        assert (made["type"], "automation" in made) == ("button_clicked", False)


def test_an_e_mail_address_that_is_filled_in_is_the_contact_form_sent():
    assert types(NAME, updated("input_email", {"submitted_email": "me@mail.example"})) == ["contact_form_sent"]
    assert unknown(NAME, updated("input_email", {})) == "message_updated"


@pytest.mark.parametrize(
    "record", [updated("text", {}), updated("input_csat", {}), updated("form", {"submitted_values": [{}]})]
)
def test_an_update_of_which_nothing_comes_is_unknown(record):
    assert unknown(NAME, record) == "message_updated"


def test_an_update_of_an_older_version_is_at_the_last_activity():
    record = rated(rating=5) | {"conversation": conversation(updated_at=None)}
    assert told(NAME, record)[0]["timestamp"] == "2026-03-02T09:14:15.000Z"


# -- conversations and the box


def test_a_conversation_that_is_resolved_is_closed():
    (made,) = told(NAME, changed(status="resolved"))
    assert (made["type"], made["account_id"], made["visitor_id"], made["conversation_id"]) == (
        "conversation_closed",
        "4",
        "14",
        "10",
    )
    assert told(NAME, changed("conversation_resolved"))[0] == made
    assert unknown(NAME, changed(status="pending")) == "conversation_status_changed"


def assigned(before, after, assignee=USER):
    attributes = [{"status": {}}, {"assignee_id": {"previous_value": before, "current_value": after}}]
    meta = {"sender": {"id": 14}, "assignee": assignee}
    return changed("conversation_updated", changed_attributes=attributes, meta=meta)


@pytest.mark.parametrize(
    ("before", "after", "made"),
    [
        (None, 1, [("agent_joined", "1", "Iris")]),
        (2, 1, [("agent_left", "2", "Odd"), ("agent_joined", "1", "Iris")]),
        (1, None, [("agent_left", "1", "")]),
        (None, 3, [("agent_joined", "3", "")]),
    ],
)
def test_another_assignee_is_a_join_and_a_leave_if_the_mapping_says_so(before, after, made):
    records = told(NAME, assigned(before, after), agent_joined="assigned", agents={"2": "Odd"})
    assert [(each["type"], each["agent"]["id"], each["agent"]["name"]) for each in records] == made


@pytest.mark.parametrize("mapping", [{}, {"agent_joined": "first_agent_message"}])
def test_without_that_an_assignment_says_nothing(mapping):
    assert unknown(NAME, assigned(None, 1), **mapping) == "conversation_updated"


@pytest.mark.parametrize("attributes", [None, [], {}, [{"status": {}}], "assignee_id"])
def test_an_update_without_another_assignee_is_unknown(attributes):
    record = changed("conversation_updated", changed_attributes=attributes)
    assert unknown(NAME, record, agent_joined="assigned") == "conversation_updated"


def test_the_box_is_opened_before_there_is_a_conversation():
    (made,) = told(NAME, opened())
    assert (made["type"], made["visitor_id"], made["page"]) == ("box_opened", "14", {"url": "https://b.example/"})
    assert "conversation_id" not in made
    (made,) = told(NAME, opened(current_conversation=conversation()))
    assert (made["visitor_id"], made["conversation_id"]) == ("14", "10")


def test_each_opening_is_one_of_its_own():
    later = {"initiated_at": {"timestamp": "Mon Mar 02 2026 10:14:01 GMT+0100 (CET)"}}
    ids = {told(NAME, record)[0]["interaction_id"] for record in (opened(), opened(), opened(event_info=later))}
    assert len(ids) == 2


# -- all

BUTTON = "content_attributes.submitted_values.0.title"


@pytest.mark.parametrize("event", ["conversation_created", "contact_created", "conversation_typing_on"])
def test_other_events_are_unknown(event):
    assert unknown(NAME, changed(event)) == event


def test_another_channel_is_not_looked_at():
    record = message(conversation=conversation(channel="Channel::Email"))
    assert unknown(NAME, record, channels=["Channel::WebWidget"]) == "message_created of Channel::Email"
    assert types(NAME, record) == ["visitor_message"]


def test_a_conversation_names_its_account_by_its_message_else_the_mapping_does():
    record = changed(status="resolved", messages=[])
    assert fault(NAME, record) == "account.id"
    assert told(NAME, record, account_id="shop")[0]["account_id"] == "shop"
    assert told(NAME, message(), account_id="shop")[0]["account_id"] == "4"


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({}, "event"),
        (message(event=["message_created"]), "event"),
        (message(None), "message_type"),
        (message("outbound"), "message_type"),
        (message(True), "message_type"),
        (message(private="no"), "private"),
        (message(created_at=None), "created_at"),
        (message(created_at="2026-03-02"), "created_at"),
        (message(content=7), "content"),
        (message(account={"id": "a/b"}), "account.id"),
        (message(conversation=None), "conversation.meta.sender.id"),
        (message(conversation={"id": []}), "conversation.id"),
        (message(conversation=conversation(id=1.5)), "conversation.id"),
        (message("outgoing", sender={"type": "agent_bot"}), "sender.id"),
        (message("outgoing", sender={"id": 1, "name": 7}), "sender.name"),
        (rated(rating=9), "content_attributes.submitted_values.csat_survey_response.rating"),
        (updated("input_select", {"submitted_values": [{"title": 7}]}), BUTTON),
        (updated("input_select", {"submitted_values": [None]}), BUTTON),
        (changed(status="resolved", updated_at="now"), "updated_at"),
        (changed(status="resolved", updated_at=None, timestamp=None), "updated_at"),
        (opened(event_info={}), "event_info.initiated_at.timestamp"),
        (opened(contact=None), "contact.id"),
    ],
)
def test_a_record_that_breaks_the_format_names_the_field(record, field):
    assert fault(NAME, record) == field
