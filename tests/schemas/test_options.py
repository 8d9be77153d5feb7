"""CONTRACT §3: rules.toml, validated as a whole. Versions: tests/streams/attribution/test_rules.py."""

import tomllib
from dataclasses import dataclass

import pytest

from schemas.options import Options, options_from


def options(text: str) -> Options:
    made = options_from(tomllib.loads(text))
    assert isinstance(made, Options), made
    return made


def test_an_empty_file_has_the_defaults():
    assert options("") == Options()


def test_the_defaults_written_out_are_the_defaults():
    written = """
        session_gap_s = 86400
        visitor_gap_s = 1800
        tab_window_s = 5
        max_ahead_s = 3600
        unknown_types = "ignore"
        viewed_when_already_open = false
        widget_open_counts = false
        chatbot_interaction_scope = "session"
    """
    assert options(written) == Options()


@dataclass
class Setting:
    name: str
    good: list[str]
    bad: list[str]


SECONDS = Setting(
    "", ["0", "0.5", "86400", "315360000"], ["-1", "-0.1", "315360001", '"5"', "true", "nan", "inf", "[]"]
)


@pytest.mark.parametrize(
    "setting",
    [
        *(
            Setting(name, SECONDS.good, SECONDS.bad)
            for name in ("session_gap_s", "visitor_gap_s", "tab_window_s", "max_ahead_s")
        ),
        Setting("unknown_types", ['"ignore"', '"dead_letter"'], ['"drop"', '""', "true"]),
        Setting("viewed_when_already_open", ["true", "false"], ["1", '"true"']),
        Setting("widget_open_counts", ["true", "false"], ["0", '"no"']),
        Setting("chatbot_interaction_scope", ['"session"', '"chatbot"'], ['"visitor"', "1"]),
    ],
    ids=lambda setting: setting.name,
)
def test_which_values_an_option_takes(setting):
    for value in setting.good:
        given = tomllib.loads(f"{setting.name} = {value}")
        assert getattr(options(f"{setting.name} = {value}"), setting.name) == given[setting.name]
    for value in setting.bad:
        made = options_from(tomllib.loads(f"{setting.name} = {value}"))
        assert isinstance(made, tuple), value
        assert [fault.key for fault in made] == [setting.name], value


def test_all_faults_at_once_each_with_its_key():
    made = options_from(tomllib.loads('tab_window_s = "5"\nunknown = 1\nwidget_open_counts = "yes"\nmax_ahead_s = 1'))
    assert isinstance(made, tuple)
    assert [fault.key for fault in made] == ["tab_window_s", "unknown", "widget_open_counts"]
    assert all(fault.reason for fault in made)
    assert "session_gap_s" in made[1].reason
