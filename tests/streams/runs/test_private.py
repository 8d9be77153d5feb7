"""Contract with the pinned versions: each private thing that is leaned on is there."""

import importlib
from importlib.metadata import version

import pytest

from streams.runs.private import LEANS_ON


@pytest.mark.parametrize(("where", "names"), LEANS_ON.items(), ids=LEANS_ON)
def test_what_is_leaned_on_is_there(where, names):
    module, _, name = where.partition(":")
    owner = getattr(importlib.import_module(module), name)
    # Some are made in __init__: then the class's source says so.
    missing = [each for each in names if not hasattr(owner, each) and f"self.{each}" not in _source(owner)]
    assert missing == []


def _source(owner):
    return "".join(
        importlib.import_module("inspect").getsource(base)
        for base in owner.__mro__
        if base.__module__.split(".")[0] in ("faust", "aiokafka", "mode")
    )


@pytest.mark.parametrize(
    ("package", "read_in"), [("faust-streaming", "0.15.3"), ("mode-streaming", "0.7.1"), ("aiokafka", "0.14.0")]
)
def test_the_versions_are_those_that_were_read(package, read_in):
    assert version(package) == read_in
