"""The manifest: another replay differs in it, the same one does not."""

import pytest

from schemas.account import Account, Accounts
from schemas.options import Options
from streams.attribution import RuleBook
from streams.replay import Replay, Translation, inputs_of
from streams.replay.manifest import manifest
from streams.replay.plan import Limits
from streams.replay.products import Events, KeyedEvents
from streams.replay.writing import output_of
from streams.sources import Mapping


def of(tmp_path, product=Events, **wanted):
    for name in ("a.jsonl", "b.jsonl"):
        if not (tmp_path / name).exists():
            (tmp_path / name).write_bytes(b"{}")
    given = {"inputs": (str(tmp_path / "a.jsonl"),), "out": "out.jsonl", "book": RuleBook(), **wanted}
    replay = Replay(**given)
    return manifest(replay, inputs_of(replay.inputs), output_of(replay.out), product(replay.book))


def test_the_same_replay_has_the_same_manifest_whoever_made_its_rules(tmp_path):
    def book():
        return RuleBook(Options(session_gap_s=60), Accounts(by_id={"a": Account(plan="free"), "b": Account()}))

    assert of(tmp_path, book=book()) == of(tmp_path, book=book(), jobs=2)


@pytest.mark.parametrize(
    ("wanted", "differs"),
    [
        ({"inputs": "b.jsonl"}, {"inputs"}),
        ({"out": "x.parquet"}, {"outputs"}),
        ({"book": RuleBook(Options(session_gap_s=60))}, {"rules and accounts", "products"}),
        ({"book": RuleBook(accounts=Accounts(default=Account(pii="keep")))}, {"rules and accounts", "products"}),
        ({"product": KeyedEvents}, {"products"}),
        ({"translation": Translation("chatwoot", Mapping())}, {"formats and mappings"}),
        ({"order": "arrival"}, {"orders"}),
        ({"dead_letters": "dead.jsonl"}, {"files of dead letters"}),
        ({"limits": Limits(chunk_bytes=5)}, {"limits"}),
        ({"as_of_ms": 5}, {"times of arrival"}),
    ],
)
def test_whatever_decides_what_comes_out_is_in_it(tmp_path, wanted, differs):
    usual = of(tmp_path)
    if "inputs" in wanted:
        wanted = {"inputs": (str(tmp_path / wanted["inputs"]),)}
    other = of(tmp_path, **wanted)
    assert {name for name in {*usual, *other} if usual.get(name) != other.get(name)} == differs
