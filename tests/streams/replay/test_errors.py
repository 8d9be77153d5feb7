"""Errors say what and what to do, and survive the way from one process to another."""

import pickle

import pytest

from streams.errors import Chat2gaError, Fault
from streams.replay import errors

MADE = [
    errors.NotSupported("--to", "ga", "a .jsonl file"),
    errors.BadInput("in.jsonl", "there is no such file"),
    errors.BadOutput("out.jsonl", "this is a directory"),
    errors.NoRoom("/tmp"),
    errors.ProcessDied(),
    errors.NoSession("nobody", "Look again."),
    errors.ManySessions("session 's'", ("a/s/s", "b/s/s"), 2),
    errors.OtherReplay("work", "inputs"),
    errors.DamagedWork("work", "EOFError: 0.lines: it was cut off"),
]


def test_every_error_of_the_module_is_looked_at_here():
    assert {type(error).__name__ for error in MADE} == set(errors.__all__)


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_an_error_comes_out_of_another_process_as_it_went_in(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert isinstance(again, Chat2gaError)
    assert again.fault is Fault.OPERATOR
    assert "\n" not in str(again)
