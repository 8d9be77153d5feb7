"""What is the same for all formats: accounts, agents, automations, pages, and what a mapping takes from elsewhere."""

import pytest

from schemas.interaction import Fault
from streams.sources import Mapping
from streams.sources.mapping import Automation, Variables
from streams.sources.record import At
from streams.sources.telling import Telling, account, agent, automation, page, site_ids

NOWHERE = At(None, "nowhere")
COMMON = {"account_id": "acme", "timestamp": "2026-03-02T09:14:00Z", "session_id": "s"}


def telling(**fields):
    return Telling("test", Mapping(**fields), COMMON, "c1")


def said(each):
    return [(draft["type"], draft["interaction_id"]) for draft in each.drafts]


def test_an_account_that_is_no_id_stays_to_be_a_fault():
    mapping = Mapping(account_id="own", accounts={"7": "acme"})
    assert account(mapping, At(7, "a")) == At("acme", "a")
    assert account(mapping, At(None, "a")) == At("own", "a")
    assert account(mapping, At([7], "a")) == At([7], "a")


def test_an_agent_is_named_by_the_mapping_then_by_the_record_then_not_at_all():
    told, name = At(3, "id"), At("Iris M", "name")
    assert agent(Mapping(agents={"3": "Iris"}), told, name) == {"id": told, "name": "Iris"}
    assert agent(Mapping(), told, NOWHERE, name) == {"id": told, "name": name}
    assert agent(Mapping(), told) == {"id": told, "name": ""}
    assert agent(Mapping(agents={"3": "Iris"}), NOWHERE, name) is None


@pytest.mark.parametrize(
    ("mapping", "kind", "default", "chosen"),
    [
        (Mapping(automations={"a": Automation("trigger")}, automation_kind="chatbot"), "auto_message", None, "trigger"),
        (Mapping(automations={"A": Automation("trigger")}), None, None, "trigger"),
        (Mapping(automations={"a": Automation(name="B")}, automation_kind="trigger"), None, "chatbot", "trigger"),
        (Mapping(automation_kind="chatbot"), "auto_message", "trigger", "auto_message"),
        (Mapping(automation_kind="chatbot"), None, "trigger", "chatbot"),
        (Mapping(), None, "trigger", "trigger"),
    ],
    ids=["by id", "by name", "listed without a kind", "what the format tells", "the mapping's default", "the format's"],
)
def test_the_kind_of_an_automation_is_the_mappings_then_the_formats_then_a_default(mapping, kind, default, chosen):
    made = automation(mapping, At("a", "id"), At("A", "name"), kind=kind, default=default)
    assert made is not None
    assert made["kind"] == chosen


def test_without_any_kind_it_is_no_automation():
    assert automation(Mapping(), At("a", "id"), At("A", "name")) is None


def test_an_automation_can_be_renamed_and_is_known_by_its_name_where_it_has_no_id():
    mapping = Mapping(automations={"A": Automation("chatbot", "a1", "Al")})
    assert automation(mapping, NOWHERE, At("A", "name")) == {"kind": "chatbot", "id": "a1", "name": "Al"}
    assert automation(Mapping(), NOWHERE, At("A", "name"), kind="chatbot") == {
        "kind": "chatbot",
        "id": At("A", "nowhere"),
        "name": At("A", "name"),
    }
    assert automation(Mapping(), NOWHERE, NOWHERE, kind="chatbot", nameless="bot") == {
        "kind": "chatbot",
        "id": At("bot", "nowhere"),
        "name": "",
    }


def test_a_page_that_is_not_told_leaves_the_last_one_standing():
    mapping = Mapping(measurement_ids=("G-A",))
    url, title = At("https://shop.example/", "url"), At("Shop", "title")
    assert page(mapping, NOWHERE, title) is None
    assert page(mapping, url, title) == {"url": url, "title": title, "referrer": None, "measurement_ids": ["G-A"]}
    assert page(Mapping(), NOWHERE, None, url) == {
        "url": NOWHERE,
        "title": None,
        "referrer": url,
        "measurement_ids": None,
    }


def test_ids_are_looked_for_where_the_mapping_says_and_an_e_mail_address_is_none():
    variables = At({"uid": {"value": "u1"}, "cid": {"value": "1.2"}, "mail": {"value": "me@mail.example"}}, "vars")
    mapping = Mapping(variables=Variables("uid", "cid", "sid"))
    assert site_ids(mapping, variables, "value", user_id=At("other", "id")) == {
        "user_id": At("u1", "vars.uid.value"),
        "ga": {"client_id": At("1.2", "vars.cid.value"), "session_id": At(None, "vars.sid.value")},
    }
    assert site_ids(Mapping(), variables, user_id=At("own", "id"))["user_id"] == At("own", "id")
    assert site_ids(Mapping(), variables, user_id=At("me@mail.example", "id"))["user_id"] is None
    assert site_ids(Mapping(variables=Variables("mail")), variables, "value")["user_id"] is None


def test_a_visitor_who_writes_has_opened_the_box_if_the_mapping_says_so_once_in_a_conversation():
    plain, mapped = telling(), telling(box_opened="first_visitor_message")
    for each in (plain, mapped):
        each.visitor_wrote("m1")
        each.visitor_wrote("m2")
    wrote = [("visitor_message", f"test:visitor_message:m{n}") for n in (1, 2)]
    opened = ("box_opened", "test:box_opened:c1")
    assert said(plain) == wrote
    assert said(mapped) == [opened, wrote[0], opened, wrote[1]]


@pytest.mark.parametrize(
    ("agent_joined", "joins", "joined"),
    [
        ("first_agent_message", True, [("agent_joined", "test:agent_joined:c1:3")]),
        ("first_agent_message", False, []),
        ("assigned", True, []),
        (None, True, []),
    ],
)
def test_an_agent_who_writes_has_joined_if_the_mapping_says_so_of_a_format_without_joins(agent_joined, joins, joined):
    each = telling(agent_joined=agent_joined)
    each.agent_wrote({"id": At(3, "id"), "name": ""}, "m1", joins=joins)
    assert said(each) == [*joined, ("agent_message", "test:agent_message:m1")]


def test_nobody_joins_who_is_not_told():
    each = telling(agent_joined="first_agent_message")
    each.agent_wrote(None, "m1", joins=True)
    assert said(each) == [("agent_message", "test:agent_message:m1")]


def test_a_rating_and_its_text_are_told_apart_so_that_a_form_sent_again_rates_once():
    first, second = telling(), telling()
    assert first.rated(At(5, "r"), At(None, "t"), "f") is None
    assert second.rated(At(5, "r"), At("Kind", "t"), "f") is None
    assert said(second)[0] == said(first)[0] == ("feedback_given", "test:feedback_given:f:5")
    assert [draft.get("rating") for draft in second.drafts] == [5, None]
    assert len(second.drafts) == 2


def test_a_blank_text_is_none_and_a_wrong_rating_a_fault():
    each = telling()
    assert each.rated(At(None, "r"), At(" \n", "t"), "f") is None
    assert each.drafts == []
    assert isinstance(each.rated(At(9, "r"), At("Kind", "t"), "f"), Fault)
    assert each.drafts == []


def test_a_time_of_its_own_stands_in_place_of_the_common_one():
    each = telling()
    each.timestamp = At("2026-03-02T10:00:00Z", "at")
    each.say("box_closed", 1)
    assert each.drafts[0]["timestamp"] == At("2026-03-02T10:00:00Z", "at")
