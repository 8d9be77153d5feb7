"""Two files of events differ as the two rule sets do that made them."""

import gzip
import json
import random
from collections import Counter

import msgspec
import pytest
from msgspec.structs import replace

from schemas.ga_event import encode_event
from streams.comparison import Difference, History, compare
from streams.comparison.event_files import EventFiles, compare_events
from streams.replay.errors import BadInput, BadOutput, NotSupported
from tests.streams.attribution.builders import BOT, all_events, joined, opened, sent
from tests.streams.attribution.test_contract_cases import OPTIONS, book
from tests.streams.replay.replays import AS_OF_MS, CASES, LINES, reference

BOOKS = {"old": book("accounts.toml", {}), "new": book("accounts_defaults.toml", OPTIONS)}
VIEWED = all_events([sent(BOT), opened()])[-1]
(JOINED,) = all_events([joined()])


@pytest.fixture
def written(tmp_path):
    def write(name, events):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(b"".join(encode_event(event) + b"\n" for event in events))
        return str(path)

    return write


def found(a, b, out):
    return compare_events(EventFiles((a,), (b,), str(out))), [
        msgspec.json.decode(line, type=Difference) for line in out.read_bytes().splitlines()
    ]


def test_two_replays_differ_as_their_rule_sets_do(tmp_path):
    paths = []
    for name, rules in BOOKS.items():
        events = reference(LINES, book=rules)
        random.Random(name).shuffle(events)  # as topics of several partitions have them
        paths.append(str(tmp_path / f"{name}.gz"))
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(b"".join(event + b"\n" for event in events)))
    by_files, of_files = found(*paths, tmp_path / "files.jsonl")
    history = History(
        inputs=(str(CASES / "interactions.jsonl"),),
        a=BOOKS["old"],
        b=BOOKS["new"],
        as_of_ms=AS_OF_MS,
        out=str(tmp_path / "rules.jsonl"),
    )
    by_rules = compare(history)
    of_rules = [
        msgspec.json.decode(line, type=Difference) for line in (tmp_path / "rules.jsonl").read_bytes().splitlines()
    ]
    assert Counter((each.kind, each.a, each.b) for each in of_files) == Counter(
        (each.kind, each.a, each.b) for each in of_rules
    )
    assert (by_files.same, by_files.a.events, by_files.b.events) == (
        by_rules.same,
        by_rules.a.events,
        by_rules.b.events,
    )
    assert by_files.summary.kinds == by_rules.summary.kinds


def test_a_file_and_itself_are_the_same_whatever_is_repeated(tmp_path, written):
    once, twice = written("once", [VIEWED, JOINED]), written("twice", [JOINED, VIEWED, JOINED])
    compared, different = found(once, twice, tmp_path / "out.jsonl")
    assert different == []
    assert (compared.a.events, compared.a.repeated, compared.b.events, compared.b.repeated) == (2, 0, 2, 1)
    assert compared.same == 2


def test_a_visitor_s_sessions_that_begin_elsewhere_are_one_history(tmp_path, written):
    old = replace(VIEWED, session_id="v@1", event_id="1")
    new = replace(VIEWED, session_id="v@2", event_id="2")
    _, (changed,) = found(written("a", [old]), written("b", [new]), tmp_path / "out.jsonl")
    assert (changed.kind, changed.fields, changed.session) == ("changed", ("event_id", "session_id"), "v@1")
    later = replace(new, timestamp_micros=new.timestamp_micros + 1, caused_by=("x", VIEWED.caused_by[-1]))
    begins = replace(JOINED, session_id="v@2")
    _, different = found(
        written("a", [old]), written("b", [replace(begins, session_id="v@1"), later]), tmp_path / "out.jsonl"
    )
    assert [each.kind for each in different] == ["gained", "lost", "gained"], "nothing moves past the end of a session"


def test_accounts_and_interactions_of_the_same_name_are_told_apart(tmp_path, written):
    others = [
        replace(JOINED, account_id="beta"),
        replace(JOINED, timestamp_micros=1),
        replace(JOINED, caused_by=("\x00",)),
        replace(JOINED, session_id="\x00"),
    ]
    others = [replace(other, event_id=str(number)) for number, other in enumerate(others)]
    for other in others:
        _, different = found(written("a", [JOINED]), written("b", [other]), tmp_path / "out.jsonl")
        assert sorted(each.kind for each in different) == ["gained", "lost"]
    compared, different = found(
        written("a", [JOINED, *others]), written("b", [*others, JOINED]), tmp_path / "out.jsonl"
    )
    assert (compared.same, different) == (5, [])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param(b"{}", "this is no GA event: Object missing required field `event_id`", id="no event"),
        pytest.param(b"{", "Input data was truncated", id="no JSON"),
        pytest.param(b"[]", "Expected `object`", id="no object"),
        pytest.param(b"\xff", "this is no GA event: ", id="no text"),
        pytest.param(encode_event(replace(JOINED, caused_by=())), "what it was caused by", id="no cause"),
        pytest.param(encode_event(replace(JOINED, timestamp_micros=1 << 63)), "Expected a time", id="no time"),
        pytest.param(b"x" * 9_000_000, "it has 9000000 bytes", id="too large"),
    ],
)
def test_what_is_no_event_is_told_with_its_place_and_nothing_is_written(tmp_path, written, line, says):
    good, bad = written("good", [JOINED]), tmp_path / "bad.jsonl"
    bad.write_bytes(encode_event(JOINED) + b"\n\n" + line + b"\n")
    with pytest.raises(BadInput, match=r"bad\.jsonl:3: ") as told:
        found(good, str(bad), tmp_path / "out.jsonl")
    assert says in str(told.value)
    assert "`chat2ga replay` wrote" in str(told.value)
    assert {path.name for path in tmp_path.iterdir()} == {"good.jsonl", "bad.jsonl"}


def test_what_cannot_be_read_or_written_is_told_before_anything_is(tmp_path, written):
    good = written("good", [JOINED])
    for a, b, out, error, says in (
        (good, "none", None, BadInput, "none: there is no such file"),
        ("-", "-", None, BadInput, "read once only"),
        (good, good, str(tmp_path / "." / "good.jsonl"), BadOutput, "would replace one of the files"),
        (good, good, str(tmp_path / "no" / "x.jsonl"), BadOutput, "no directory"),
        (good, good, "x.parquet", NotSupported, "--to"),
    ):
        with pytest.raises(error, match=says):
            compare_events(EventFiles((a,), (b,), out))
    assert json.loads((tmp_path / "good.jsonl").read_text())["name"] == JOINED.name


def test_several_files_are_one_side_and_progress_is_told(tmp_path, written):
    whole, first, second = written("whole", [VIEWED, JOINED]), written("first", [JOINED]), written("second", [VIEWED])
    told = []
    compared = compare_events(EventFiles((whole,), (first, second)), lambda *at: told.append(at))
    assert (compared.same, compared.summary.kinds) == (2, {})
    assert (
        told[-1][1]
        == told[-1][2]
        == sum((tmp_path / f"{name}.jsonl").stat().st_size for name in ("whole", "first", "second"))
    )
