"""A comparison of files: the same differences however the replay cuts them, and everything counted."""

import json
import sys

import msgspec
import pytest

from schemas.account import accounts_from
from streams.attribution import RuleBook
from streams.comparison import Difference, History, compare
from streams.replay.errors import BadInput, BadOutput, NotSupported
from tests.streams.attribution.test_contract_cases import OPTIONS, book
from tests.streams.comparison.made import START_MS
from tests.streams.comparison.made import book as options_book
from tests.streams.replay.replays import AS_OF_MS, CASES, IN_BUCKETS, LINES, ON_DISK, ONE_BUCKET, reference

INPUT = str(CASES / "interactions.jsonl")
A, B = book("accounts.toml", {}), book("accounts_defaults.toml", OPTIONS)


def compared(out, **wanted):
    given = {"inputs": (INPUT,), "a": A, "b": B, "as_of_ms": AS_OF_MS, "out": None if out is None else str(out)}
    return compare(History(**{**given, **wanted}))


def read(out):
    return [msgspec.json.decode(line, type=Difference) for line in out.read_bytes().splitlines()]


@pytest.mark.parametrize("order", ["time", "arrival"])
def test_events_are_those_of_two_replays(tmp_path, order):
    found = compared(tmp_path / "out.jsonl", order=order)
    assert found.a.events == len(reference(LINES, order, A))
    assert found.b.events == len(reference(LINES, order, B))
    different = read(tmp_path / "out.jsonl")
    assert found.summary.kinds.total() == len(different)
    assert found.same == found.b.events - sum(each.b is not None for each in different)
    assert min(found.summary.kinds[kind] for kind in ("gained", "lost", "moved", "changed")) > 0
    assert found.records == len(LINES)
    assert found.a.interactions == found.b.interactions > 0
    assert found.b.sessions > found.a.sessions


@pytest.mark.parametrize(
    ("limits", "jobs"),
    [
        pytest.param(IN_BUCKETS, 1, id="in buckets"),
        pytest.param(IN_BUCKETS, 2, id="in two processes"),
        pytest.param(ON_DISK, 1, id="dealt anew"),
        pytest.param(ON_DISK, 1, id="sorted on disk"),
    ],
)
def test_the_differences_are_the_same_however_the_replay_cuts_them(tmp_path, limits, jobs):
    whole = compared(tmp_path / "whole.jsonl", limits=ONE_BUCKET)
    cut = compared(tmp_path / "cut.jsonl", limits=limits, jobs=jobs)
    assert (tmp_path / "cut.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert cut.told() == whole.told()


def test_a_rule_set_and_itself(tmp_path):
    found = compared(tmp_path / "out.jsonl", b=A)
    assert (found.summary.kinds, found.summary.rows()) == ({}, [])
    assert found.same == found.a.events == found.b.events
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_records_that_are_dead_letters_under_one_alone_are_counted(tmp_path):
    source = tmp_path / "in.jsonl"
    record = {"type": "agent_joined", "agent": {"id": "e", "name": "E"}, "account_id": "a", "session_id": "s"}
    records = [{**record, "timestamp": START_MS + ms} for ms in (0, 5_000, 9_000)] + [{"type": "x"}, {"type": "y"}]
    source.write_text("".join(json.dumps(each) + "\n" for each in records))
    strict, lax = options_book({"max_ahead_s": 5, "unknown_types": "dead_letter"}), options_book({"max_ahead_s": 8})
    found = compared(None, inputs=(str(source),), a=strict, b=lax, as_of_ms=START_MS)
    assert (found.a.interactions, found.a.dead_ahead, found.a.dead_unknown) == (2, 0, 2)
    assert (found.b.interactions, found.b.dead_ahead, found.b.dead_unknown) == (2, 0, 0)
    assert found.summary.kinds == {}
    found = compared(None, inputs=(str(source),), a=strict, b=options_book({"max_ahead_s": 9}), as_of_ms=START_MS)
    assert (found.a.dead_ahead, found.a.interactions) == (1, 2)
    assert (found.b.dead_ahead, found.b.interactions) == (0, 3)
    both = compared(None, inputs=(str(source),), a=strict, b=strict, as_of_ms=START_MS)
    assert (both.a.dead_unknown, both.b.dead_unknown) == (0, 0)


def test_the_differences_go_to_standard_output_if_they_are_to(tmp_path, capfdbinary, monkeypatch):
    compared(tmp_path / "out.jsonl")
    with open(1, "wb", closefd=False) as stdout:
        monkeypatch.setattr(sys, "stdout", type("Out", (), {"buffer": stdout}))
        compared("-")
    assert capfdbinary.readouterr().out == (tmp_path / "out.jsonl").read_bytes() != b""


def test_what_cannot_be_read_or_written_is_told_and_nothing_is_written(tmp_path):
    with pytest.raises(NotSupported, match=r"--to 'x.parquet'"):
        compared("x.parquet")
    with pytest.raises(BadOutput, match="no directory"):
        compared(tmp_path / "no" / "out.jsonl")
    with pytest.raises(BadInput, match="no such file"):
        compared(tmp_path / "out.jsonl", inputs=("none.jsonl",))
    assert list(tmp_path.iterdir()) == []


def test_accounts_differ_alone():
    accounts = accounts_from({"defaults": {"consent": "required"}})
    found = compared(None, a=RuleBook(), b=RuleBook(accounts=accounts))
    assert set(found.summary.kinds) >= {"lost"}
    assert "gained" not in found.summary.kinds
