"""Records of another format are translated on the way in, whether they are dealt or not."""

import json
from pathlib import Path

import pytest

from schemas.decoding import decode_interaction
from schemas.options import Options
from streams.attribution import RuleBook
from streams.configuration import read_mapping
from streams.replay import Translation
from streams.replay.engine import Engine
from streams.replay.places import Chunk, line_at, place
from streams.replay.plan import Limits
from streams.replay.segments import SegmentWriter, merged
from streams.replay.translating import Translator
from streams.sources import FORMATS, Mapping
from tests.streams.replay.replays import plan, reference, replayed

GOLDEN = Path(__file__).parents[1] / "sources" / "golden" / "smartsupp-hook-post"
HOOK = Translation("smartsupp-hook-post", read_mapping(GOLDEN / "plain.toml"))
LATER = RuleBook(Options(max_ahead_s=86_400 * 365))
CHATS = (GOLDEN / "raw.jsonl").read_bytes().splitlines() * 20
LINES = [*CHATS, b"{", b"[]", b'{"type":"x"}']


def made(line):
    return FORMATS[HOOK.format].translate(line, HOOK.mapping)


def taken(lines):
    """Those that hold interactions."""
    return [line for line in lines if isinstance(made(line), tuple)]


def test_each_interaction_of_a_record_has_a_place_of_its_own(tmp_path):
    ours = plan(tmp_path, translation=HOOK)
    chunk = Chunk(line_at(0, 1), b"\n".join(LINES))
    engine = Engine(RuleBook())
    with SegmentWriter(tmp_path / "dead", durable=False) as letters:
        found = list(Translator(ours, engine, letters).records(chunk))
    seqs = [seq for seq, _, _ in found]
    assert seqs == sorted(set(seqs))
    of_each = [(number, len(made(line))) for number, line in enumerate(LINES, 1) if line in taken(CHATS)]
    assert [place(seq)[1] for seq in seqs] == [number for number, count in of_each for _ in range(count)]
    assert all(hasattr(decode_interaction(raw, 1 << 62), "timestamp") for _, _, raw in found)
    assert engine.tally.translated == len(taken(CHATS)) > 20
    assert engine.tally.dead_letters.total() + engine.tally.unknown.total() == len(LINES) - len(taken(CHATS))
    letters = [json.loads(data) for _, data in merged([tmp_path / "dead"])]
    assert [letter["line"] for letter in letters] == sorted(letter["line"] for letter in letters)
    assert not {letter["value"].encode() for letter in letters} & set(taken(CHATS))


def test_our_own_format_is_passed_on_as_it_is(tmp_path):
    chunk = Chunk(line_at(0, 1), b"{}\n[]")
    translator = Translator(plan(tmp_path), Engine(RuleBook()), None)
    assert translator.translated(chunk) is chunk
    assert list(translator.records(chunk)) == list(chunk.records(plan(tmp_path).as_of_ms))


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    "limits", [pytest.param(Limits(), id="in one bucket"), pytest.param(Limits(2_000, 2_000, 8), id="dealt")]
)
def test_a_replay_of_another_format_is_that_of_its_interactions(tmp_path, limits, jobs):
    whole = [raw for line in taken(CHATS) for raw in made(line)]
    events, dead, tally = replayed(tmp_path, LINES, translation=HOOK, limits=limits, jobs=jobs, book=LATER)
    assert events == reference(whole, book=LATER)
    assert events
    assert tally.translated == len(taken(CHATS))
    assert tally.records == len(whole) + len(LINES) - len(taken(CHATS))
    assert len(dead) == tally.dead_letters.total()
    assert [json.loads(each)["file"] for each in dead] == [str(tmp_path / "in.jsonl")] * len(dead)


def test_unknown_types_of_a_format_are_dead_letters_by_option(tmp_path):
    book = RuleBook(Options(unknown_types="dead_letter"))
    unknown = [b'{"type":"of_no_interest","event":"of.no_interest","timestamp":"2025-03-01T10:00:00Z"}']
    webhook = Translation("smartsupp-webhook", Mapping(account_id="acme"))
    _, dead, tally = replayed(tmp_path, unknown, translation=webhook)
    assert (len(dead), tally.unknown.total()) == (0, 1)
    _, dead, tally = replayed(tmp_path, unknown, translation=webhook, book=book)
    assert (len(dead), tally.unknown.total()) == (1, 0)
