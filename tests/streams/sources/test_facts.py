"""What a format tells, and what each of the 17 events takes."""

from typing import get_args

import pytest

from schemas.ga_event import EventName
from streams.sources import FORMATS, Mapping
from streams.sources.facts import FACTS, NEEDED, Fact, Never, Told, kind_told, when
from streams.sources.mapping import Automation


def test_every_event_takes_something_and_every_fact_is_taken():
    assert set(NEEDED) == set(get_args(EventName))
    assert {fact for facts in NEEDED.values() for fact in facts} == set(FACTS) == set(get_args(Fact))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_of_every_fact_whether_it_tells_it(name):
    facts = FORMATS[name].facts
    assert list(facts) == list(FACTS)
    for fact in facts.values():
        assert fact.why if isinstance(fact, Never) else (fact.under is None) is (fact.says == "")


def under(told, mapping):
    assert isinstance(told, Told)
    assert told.under is not None
    return told.under(mapping)


def test_told_where_the_mapping_takes_it_from_something_else():
    told = when("agent_joined", "first_agent_message", "assigned")
    assert told.says == '`agent_joined = "first_agent_message"` or `agent_joined = "assigned"`'
    assert not under(told, Mapping())
    assert under(told, Mapping(agent_joined="assigned"))
    assert not under(when("agent_joined", "first_agent_message"), Mapping(agent_joined="assigned"))


@pytest.mark.parametrize(
    ("mapping", "kinds"),
    [
        (Mapping(), {"trigger"}),
        (Mapping(automation_kind="chatbot"), {"chatbot"}),
        (Mapping(automations={"a": Automation("auto_message")}), {"trigger", "auto_message"}),
        (Mapping(automation_kind="chatbot", automations={"a": Automation("trigger")}), {"chatbot", "trigger"}),
        (Mapping(automations={"a": Automation(name="A")}), {"trigger"}),
    ],
)
def test_which_kinds_come_of_automations_that_are_taken_for_triggers(mapping, kinds):
    assert {
        kind for kind in ("chatbot", "auto_message", "trigger") if under(kind_told(kind, "trigger"), mapping)
    } == kinds
