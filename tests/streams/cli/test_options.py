"""Options that several verbs take."""

import time

import pytest

from streams.cli.options import as_of_ms, inputs_named, instant_ms
from streams.cli.running import UsageFault


@pytest.mark.parametrize("given", ["2023-11-14T22:13:20Z", "1700000000000", "2023-11-14T23:13:20.000999+01:00"])
def test_a_moment_is_given_in_rfc_3339_or_in_milliseconds(given):
    assert as_of_ms(given) == instant_ms(given) == 1_700_000_000_000


def test_without_one_it_is_now():
    before = time.time_ns() // 1_000_000
    assert before <= as_of_ms(None) <= time.time_ns() // 1_000_000


@pytest.mark.parametrize("given", ["now", "2023-11-14", "-5", "1700000000"])
def test_a_moment_that_is_none_is_a_wrong_command_line(given):
    with pytest.raises(UsageFault, match="--as-of"):
        as_of_ms(given)


def test_what_a_directory_holds_besides_chat_logs_is_told(tmp_path, capsys):
    for name in ("a.jsonl", "b.csv", "c.csv"):
        (tmp_path / name).touch()
    assert inputs_named([str(tmp_path), "-"], None) == (str(tmp_path), "-")
    assert f"passed over, by the ending: {tmp_path}/b.csv and 1 more." in capsys.readouterr().err
    (tmp_path / "c.csv").unlink()
    (tmp_path / "b.csv").unlink()
    inputs_named([str(tmp_path)], None)
    assert capsys.readouterr().err == ""
