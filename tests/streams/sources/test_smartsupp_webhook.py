"""Smartsupp's webhooks, event by event. Whole chats: test_formats_golden.py."""

import pytest

from tests.streams.sources.records import fault, told, types, unknown

NAME = "smartsupp-webhook"
CONVERSATION = {"id": "cv1", "visitor_id": "vi1", "channel": {"type": "chat"}}


def hook(event, **data):
    return {
        "type": "event_callback",
        "event": event,
        "timestamp": "2026-03-02T09:14:01Z",
        "account_id": "481516",
        "app_id": "ap1",
        "data": data,
    }


def replied(event="conversation.contact_replied", **message):
    return hook(event, conversation=CONVERSATION, message={"id": "ms1", **message})


def test_the_session_is_the_conversation_and_the_visitor_is_told_beside_it():
    (message,) = told(NAME, replied(content="Hi", created_at="2026-03-02T09:14:00.5Z"))
    assert message == {
        "type": "visitor_message",
        "interaction_id": "smartsupp-webhook:visitor_message:ms1",
        "account_id": "481516",
        "timestamp": "2026-03-02T09:14:00.500Z",
        "session_id": "cv1",
        "visitor_id": "vi1",
        "conversation_id": "cv1",
        "text": "Hi",
        "online": True,
    }


@pytest.mark.parametrize(
    ("event", "sub_type", "kind"),
    [
        ("conversation.contact_replied", None, "visitor_message"),
        ("conversation.contact_replied", "contact", "visitor_message"),
        ("conversation.agent_replied", None, "agent_message"),
        ("conversation.bot_replied", None, "automation_sent"),
        ("conversation.bot_replied", "trigger", "automation_sent"),
        ("conversation.agent_replied", "trigger", "automation_sent"),
    ],
)
def test_who_wrote_a_message_is_told_by_its_sub_type_else_by_the_event(event, sub_type, kind):
    assert types(NAME, replied(event, sub_type=sub_type)) == [kind]


@pytest.mark.parametrize("content", ["Hi", {"type": "text", "text": "Hi"}])
def test_the_content_is_a_text_or_holds_one(content):
    assert told(NAME, replied(content=content))[0]["text"] == "Hi"


@pytest.mark.parametrize("content", [None, "", {"type": "upload", "text": None}])
def test_a_message_without_text_is_a_message(content):
    assert "text" not in told(NAME, replied(content=content))[0]


@pytest.mark.parametrize(("given", "online"), [(True, False), (False, True), (None, True)])
def test_a_message_to_an_offline_box(given, online):
    assert told(NAME, replied(is_offline=given))[0]["online"] is online


def test_a_bots_message_is_a_chatbots_and_a_triggers_is_a_trigger_unless_the_mapping_says_otherwise():
    bot = replied("conversation.bot_replied", trigger_id="bt9", trigger_name="Welcome")
    trigger = replied("conversation.bot_replied", sub_type="trigger", trigger_id=12, trigger_name="Promo")

    def kind(record, **mapping):
        return told(NAME, record, **mapping)[0]["automation"]["kind"]

    assert (kind(bot), kind(trigger)) == ("chatbot", "trigger")
    assert kind(bot, automation_kind="auto_message") == "chatbot"
    assert kind(trigger, automation_kind="auto_message") == "auto_message"
    assert kind(trigger, automations={"12": {"kind": "auto_message"}}) == "auto_message"
    assert kind(bot, automations={"Welcome": {"kind": "auto_message"}}) == "auto_message"


@pytest.mark.parametrize("sub_type", ["bot", "trigger"])
def test_an_automation_without_id_and_name_has_that_of_its_sort_and_can_be_named(sub_type):
    record = replied("conversation.bot_replied", sub_type=sub_type)
    assert told(NAME, record)[0]["automation"]["id"] == sub_type
    assert told(NAME, record, automations={sub_type: {"name": "Al"}})[0]["automation"]["name"] == "Al"


def test_an_agent_who_joins_names_the_conversation_alone():
    for event, kind in (("agent_joined", "agent_joined"), ("agent_left", "agent_left")):
        record = hook(f"conversation.{event}", conversation_id="cv1", agent_id=3301)
        (made,) = told(NAME, record, agents={"3301": "Iris"})
        assert (made["type"], made["session_id"], made["agent"]) == (kind, "cv1", {"id": "3301", "name": "Iris"})
        assert "visitor_id" not in made


def test_an_agents_name_is_that_of_the_message_unless_the_mapping_has_one():
    record = replied("conversation.agent_replied", agent_id="3301", author_name="Iris M")
    assert told(NAME, record)[0]["agent"] == {"id": "3301", "name": "Iris M"}
    assert told(NAME, record, agents={"3301": "Iris"})[0]["agent"] == {"id": "3301", "name": "Iris"}


def test_a_rating_has_a_value_a_text_or_both():
    def rated(**data):
        return hook("conversation.rated", conversation=CONVERSATION, **data)

    both = told(NAME, rated(rating_value=4, rating_text="Kind"))
    assert [(made.get("rating"), made.get("text")) for made in both] == [(5, None), (None, "Kind")]
    assert [made["text"] for made in told(NAME, rated(rating_text="Kind"))] == ["Kind"]
    assert fault(NAME, rated()) == fault(NAME, rated(rating_text=" ")) == "data.rating_value"
    assert fault(NAME, rated(rating_value=9)) == "data.rating_value"
    assert fault(NAME, rated(rating_value=5, rating_text=["Kind"])) == "data.rating_text"


@pytest.mark.parametrize("event", ["conversation.closed", "conversation.closed_by_contact"])
def test_a_conversation_is_closed_by_either_side(event):
    assert types(NAME, hook(event, conversation=CONVERSATION)) == ["conversation_closed"]


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (hook("conversation.opened", conversation=CONVERSATION), "conversation.opened"),
        (hook("conversation.agent_assigned", conversation=CONVERSATION), "conversation.agent_assigned"),
        (hook("visitor.typing"), "visitor.typing"),
        (replied(sub_type="system"), "conversation.contact_replied by system"),
        ({**replied(), "type": "ping"}, "ping"),
    ],
)
def test_what_says_nothing_of_the_events_is_unknown(record, kind):
    assert unknown(NAME, record) == kind


def test_another_channel_is_not_looked_at():
    assert unknown(NAME, replied(), channels=["facebook"]) == "conversation.contact_replied of chat"
    assert types(NAME, replied(), channels=["chat"]) == ["visitor_message"]


def test_ids_that_the_site_keeps_in_variables():
    conversation = {**CONVERSATION, "variables": {"uid": "u1", "cid": "1.2", "sid": 1772441000}}
    names = {"user_id": "uid", "ga_client_id": "cid", "ga_session_id": "sid"}
    (made,) = told(NAME, hook("conversation.closed", conversation=conversation), variables=names)
    assert made["user_id"] == "u1"
    assert made["ga"] == {"client_id": "1.2", "session_id": "1772441000"}


def test_a_page_is_the_messages_and_brings_the_mappings_measurement_ids():
    url = "https://www.shop.example/boots"
    (made,) = told(NAME, replied(page_url=url), measurement_ids=["G-A"])
    assert made["page"] == {"url": url, "measurement_ids": ["G-A"]}
    assert "page" not in told(NAME, replied(), measurement_ids=["G-A"])[0]


def test_a_message_without_id_is_known_by_what_the_record_says():
    first, again, other = (replied(id=None, content=text) for text in ("Hi", "Hi", "Ho"))
    ids = [told(NAME, record)[0]["interaction_id"] for record in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({**replied(), "event": None}, "event"),
        ({**replied(), "event": 7}, "event"),
        ({**replied(), "type": 7}, "type"),
        ({**replied(), "data": None}, "data.conversation.id"),
        (hook("conversation.contact_replied", message={"id": "ms1", "visitor_id": "vi1"}), "data.conversation.id"),
        ({**replied(), "account_id": None}, "account_id"),
        ({**replied(), "account_id": "a/b"}, "account_id"),
        ({**replied(), "timestamp": None}, "data.message.created_at"),
        ({**replied(), "timestamp": "2026-03-02"}, "timestamp"),
        (replied(created_at="2026-03-02"), "data.message.created_at"),
        (replied(sub_type=3), "data.message.sub_type"),
        (replied(content=[1]), "data.message.content"),
        (replied(content={"text": 3}), "data.message.content.text"),
        (replied(is_offline="no"), "data.message.is_offline"),
        (replied(page_url=7), "data.message.page_url"),
        (replied("conversation.bot_replied", trigger_id={"id": 1}), "data.message.trigger_id"),
        (replied("conversation.bot_replied", trigger_id="1", trigger_name=7), "data.message.trigger_name"),
        (hook("conversation.agent_joined", conversation_id="cv1"), "data.agent_id"),
        (hook("conversation.closed", conversation={"id": ["cv1"]}), "data.conversation.id"),
    ],
)
def test_a_record_that_breaks_the_format_names_the_field(record, field):
    assert fault(NAME, record) == field
