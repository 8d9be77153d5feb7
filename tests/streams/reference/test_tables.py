"""The tables of the docs: nothing is missing, nothing is added, and each is a table."""

import re
from typing import get_args

import msgspec
import pytest

from schemas.catalog import TOPICS
from schemas.codes import CODES
from schemas.dead_letter import DeadLetter
from schemas.ga_event import LEGACY_NAMES, EventName
from schemas.options import Options
from streams.attribution import RULES
from streams.observe.metrics import METRICS, Labelled
from streams.reference.events import EVENTS, OPTIONS
from streams.reference.tables import tables
from streams.settings import Settings

PAGES = tables()


def rows(page, heading=None):
    """The rows of a page's tables, the heads apart; with a heading, of the tables below it."""
    text = PAGES[page]
    if heading:
        text = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = []
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        lines = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()]
        assert lines[1] == ["---"] * len(lines[0])
        assert {len(line) for line in lines} == {len(lines[0])}
        found += lines[2:]
    return found


def first_cells(page, heading=None):
    return [row[0].strip("`") for row in rows(page, heading)]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_a_title_and_says_that_it_is_generated(page):
    assert re.match(r"# \w.*\n\n<!-- Written by `python -m streams\.reference`", PAGES[page])
    assert rows(page)


def test_every_topic_stands_in_both_tables():
    names = [topic.name for topic in TOPICS]
    assert first_cells("topics.md")[: 2 * len(names)] == names * 2


def test_every_setting_is_there_with_its_default_and_its_meaning():
    told = {row[0].strip("`"): row[1:] for row in rows("settings.md")}
    assert list(told) == [f"CHAT2GA_{name.upper()}" for name in Settings.model_fields]
    for name, field in Settings.model_fields.items():
        default, takes, meaning = told[f"CHAT2GA_{name.upper()}"]
        assert meaning == field.description
        assert takes
        assert default == "none" or str(field.default).lower() in default.lower()


def test_a_secret_has_no_default_to_show_and_is_called_one():
    assert ["`CHAT2GA_BROKER_PASSWORD`", "none", "text, kept secret", "SASL password. Never shown."] in rows(
        "settings.md"
    )


def test_what_a_setting_takes_is_what_it_is_checked_for():
    takes = {row[0].strip("`").removeprefix("CHAT2GA_"): row[2] for row in rows("settings.md")}
    assert takes["PARTITIONS"] == "whole number from 1 to 10,000"
    assert takes["DEAD_LETTER_SHARE"] == "number over 0 to 1"
    assert takes["LOG_FORMAT"] == "`console`, `json`"
    assert takes["STATE_DIR"] == takes["ACCOUNTS"] == "path"
    assert takes["REKEY"] == "`true` or `false`"


def test_the_rules_stand_in_the_order_in_which_they_are_applied():
    told = [row for row in rows("rules.md") if row[0].isdigit()]
    assert [(int(at), rule.strip("`")) for at, rule, *_ in told] == [
        (at, rule.name) for at, rule in enumerate(RULES, 1)
    ]
    for rule, (_, _, looks_at, events, meaning, section) in zip(RULES, told, strict=True):
        assert looks_at
        assert meaning == rule.meaning
        assert meaning.endswith(".")
        assert section == rule.section
        assert tuple(re.findall(r"`(\w+)`", events)) == rule.events


def test_every_event_is_there_once_and_some_rule_sends_it():
    assert first_cells("rules.md", "The events") == list(EVENTS)
    assert set(EVENTS) == set(get_args(EventName)) == {event for rule in RULES for event in rule.events}
    assert {row[0].strip("`"): row[4] for row in rows("rules.md", "The events")} == LEGACY_NAMES


def test_every_option_is_there_with_its_default():
    told = {row[0].strip("`"): row[1].strip("`") for row in rows("rules.md", "Options")}
    defaults = {field.name: msgspec.json.encode(field.default).decode() for field in msgspec.structs.fields(Options)}
    assert told == defaults
    assert set(OPTIONS) == set(defaults)


def test_every_metric_is_there_with_its_labels():
    told = {row[0].strip("`"): row[1:] for row in rows("metrics.md")}
    assert len(told) == len(METRICS)
    for metric in METRICS:
        bare = metric.metric if isinstance(metric, Labelled) else metric
        (family,) = bare.describe()
        kind, labels, meaning = told[family.name]
        assert (kind, meaning) == (family.type, family.documentation)
        for name, values in (metric.label_values if isinstance(metric, Labelled) else {}).items():
            assert f"`{name}`" in labels
            assert all(f"`{value}`" in labels for value in values)


def test_every_code_and_every_field_of_a_dead_letter_is_there():
    assert first_cells("dead-letters.md") == [*CODES, *DeadLetter.__struct_fields__]
