"""The table of rules: what `step`, `explain` and the docs read from one place."""

import inspect
from itertools import pairwise
from typing import get_args

import pytest

from schemas.ga_event import EventName
from schemas.interaction import TYPES
from streams.attribution import RULES, duplicates
from streams.attribution.rulebook import PIPELINES
from tests.streams.attribution.builders import BOT, a, decisions, rated, sent, typed

ORDER = ["sent", "viewed", "button", "interaction", "reaction", "started", "offline", "agent_served", "auth_form"]


def test_every_rule_has_its_own_name_a_meaning_and_a_section():
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.meaning.endswith("."), rule.name
        assert rule.section, rule.name
        assert rule.types, rule.name


def test_every_event_is_sent_by_one_rule():
    named = [name for rule in RULES for name in rule.events]
    assert sorted(named) == sorted(get_args(EventName))


def test_the_rules_stand_in_the_order_of_the_events():
    places = {rule.name: place for place, rule in enumerate(RULES)}
    assert all(
        places[before] < places[after] for before, after in pairwise([*ORDER, "rating", "rating_text", "consent"])
    )
    assert [rule.name for rule in RULES[:3]] == ["session", "duplicates", "context"]
    assert RULES[-1].name == "consent"


@pytest.mark.parametrize("kind", TYPES)
def test_every_interaction_is_asked_for_session_duplicates_context_and_consent(kind):
    struct = TYPES[kind]
    applied = [rule for rule in RULES if struct in rule.types]
    gates, others = PIPELINES[struct]
    assert (*gates, *others) == tuple(rule.apply for rule in applied)
    assert gates == tuple(rule.apply for rule in applied[:2]), (
        "only the rules behind them need not ask whether to go on"
    )
    assert [rule.name for rule in applied][:3] == ["session", "duplicates", "context"]
    assert applied[-1].name == "consent"
    assert [rule.section.startswith("Conversation") for rule in applied].count(True) == 1


def test_a_rules_reasons_are_given_in_its_own_name():
    """So that `explain` and the table of rules speak of the same thing; a duplicate names the check that held."""
    checks = {"same_id", "exact_copy", "tab_copy"}
    for rule in RULES:
        module = inspect.getmodule(rule.apply)
        said = {
            reason.rule
            for name in rule.apply.__code__.co_names
            if (reason := getattr(module, name, None)) and hasattr(reason, "rule")
        }
        assert said, rule.name
        assert said <= ({rule.name} | checks if rule.apply is duplicates.duplicates else {rule.name}), rule.name


def test_a_decision_has_one_reason_of_each_rule_that_was_asked_in_their_order():
    history = [sent(BOT), typed(), rated(5, "Fine"), a("page_viewed")]
    for record, decision in zip(history, decisions(history), strict=True):
        asked = [rule.name for rule in RULES if TYPES[record["type"]] in rule.types]
        assert [reason.rule for reason in decision.reasons] == asked
