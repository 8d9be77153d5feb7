"""A replay as a whole: what comes out depends on the input and the rules alone."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decoding import decode_interaction, session_key
from schemas.ga_event import decode_event, encode_event
from schemas.interaction import Fault, Interaction
from schemas.options import Options
from streams.attribution import RuleBook
from streams.replay import Replay, Translation, replay, run, writing
from streams.replay.done import Done
from streams.replay.errors import BadInput, BadOutput, DamagedWork, NoRoom, NotSupported, OtherReplay
from streams.replay.plan import Limits
from streams.sources import Mapping
from tests.streams.replay.replays import (
    AS_OF_MS,
    IN_BUCKETS,
    LINES,
    ON_DISK,
    ONE_BUCKET,
    reference,
    replayed,
)

JUNK = (b"", b"  \r", b"{", b"[]", b"\xff\xfe", b'{"type":"no_such"}', b'"\\ud800"', b"{" * 3_000, b"0" * 9_000)
some_lines = st.lists(st.one_of(st.sampled_from(LINES), st.sampled_from(JUNK)), max_size=120)
some_limits = st.builds(Limits, st.integers(10_000, 40_000), st.integers(1, 40_000), st.integers(1, 9))
orders = st.sampled_from(["time", "arrival"])


def in_a_new_directory(lines, **wanted):
    with tempfile.TemporaryDirectory() as directory:
        return replayed(Path(directory), lines, **wanted)


@given(some_lines, some_limits, orders)
def test_events_are_those_of_the_reference_whatever_fits_in_memory(lines, limits, order):
    events, _, _ = in_a_new_directory(lines, limits=limits, order=order)
    assert events == reference(lines, order)


@given(some_lines, some_limits)
def test_dead_letters_and_the_tally_do_not_depend_on_what_fits_in_memory(lines, limits):
    _, dead, tally = in_a_new_directory(lines)
    _, dead_in_buckets, tally_in_buckets = in_a_new_directory(lines, limits=limits)
    assert [json.loads(one)["line"] for one in dead] == [json.loads(one)["line"] for one in dead_in_buckets]
    assert tally == tally_in_buckets


@given(some_lines, st.randoms(use_true_random=False))
def test_how_sessions_are_interleaved_changes_no_byte_of_any(lines, random):
    by_key = {}
    for line in lines:
        decoded = decode_interaction(line, 1 << 62)
        if not isinstance(decoded, Fault) and isinstance(decoded, Interaction):
            by_key.setdefault(session_key(decoded), []).append(line)
    turns = [key for key, said in by_key.items() for _ in said]
    random.shuffle(turns)
    waiting = {key: iter(said) for key, said in by_key.items()}
    shuffled = [next(waiting[key]) for key in turns]
    straight, _, _ = in_a_new_directory([line for said in by_key.values() for line in said], order="arrival")
    mixed, _, _ = in_a_new_directory(shuffled, order="arrival", limits=IN_BUCKETS)
    assert sorted(mixed, key=session_of) == sorted(straight, key=session_of)  # stable: of a session in their order


def session_of(event):
    said = json.loads(event)
    return said["account_id"], said["session_id"]


@pytest.mark.parametrize("order", ["time", "arrival"])
@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(ONE_BUCKET, id="in one bucket"),
        pytest.param(IN_BUCKETS, id="in buckets"),
        pytest.param(ON_DISK, id="sorted on disk"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 3])
def test_neither_processes_nor_buckets_change_a_byte(tmp_path, order, limits, jobs):
    events, dead, tally = replayed(tmp_path, LINES, order=order, limits=limits, jobs=jobs)
    assert events == reference(LINES, order)
    assert [json.loads(one)["line"] for one in dead] == sorted(json.loads(one)["line"] for one in dead)
    assert len(dead) == tally.dead_letters.total() == 100
    assert tally.events.total() == len(events)
    assert tally.records == len(LINES)
    assert tally.interactions + tally.unknown.total() + tally.dead_letters.total() == len(LINES)


def test_several_inputs_are_one_after_the_other(tmp_path):
    halves = [LINES[:3_000], LINES[3_000:]]
    names = []
    for number, half in enumerate(halves):
        path = tmp_path / f"half-{number}.jsonl"
        path.write_bytes(b"\n".join(half))  # no line feed at the end of the first: no line may run into the next
        names.append(str(path))
    events, dead, _ = replayed(tmp_path, [], inputs=tuple(names))
    assert events == reference(LINES)
    places = Counter(json.loads(one)["file"] for one in dead)
    assert list(places) == names
    assert next(json.loads(one)["line"] for one in dead if json.loads(one)["file"] == names[1]) <= len(halves[1])


def test_an_input_of_nothing_gives_an_empty_file(tmp_path):
    events, dead, tally = replayed(tmp_path, [])
    assert (events, dead, tally.records) == ([], [], 0)


def test_unknown_types_are_counted_and_by_option_are_dead_letters(tmp_path):
    lines = [b'{"type":"video_call","account_id":"a"}'] * 2
    _, dead, tally = replayed(tmp_path, lines)
    assert (dead, tally.unknown) == ([], {"video_call": 2})
    _, dead, tally = replayed(tmp_path, lines, book=RuleBook(Options(unknown_types="dead_letter")))
    assert [(json.loads(one)["field"], json.loads(one)["line"]) for one in dead] == [("type", 1), ("type", 2)]
    assert (tally.unknown, tally.dead_letters) == ({}, {"type": 2})


def test_a_sender_with_many_names_for_its_types_does_not_swell_the_tally(tmp_path):
    lines = [b'{"type":"t%d"}' % number for number in range(250)]
    _, _, tally = replayed(tmp_path, lines, limits=Limits(chunk_bytes=400, bucket_bytes=400))
    assert tally.unknown.total() == 250
    assert len(tally.unknown) == 101
    assert tally.unknown["others"] == 150


def test_as_of_is_the_arrival_of_all_records(tmp_path):
    line = b'{"type":"contact_form_sent","account_id":"a","session_id":"s","timestamp":1700000000000}'
    just_ahead, too_early = 1_700_000_000_000 - 3_600_000, 1_700_000_000_000 - 3_600_001
    assert len(replayed(tmp_path, [line], as_of_ms=just_ahead)[0]) == 1
    _, dead, _ = replayed(tmp_path, [line], as_of_ms=too_early)
    assert json.loads(dead[0])["code"] == "ahead"


@pytest.mark.parametrize(
    ("wanted", "error", "says"),
    [
        pytest.param({"out": "x.csv"}, NotSupported, ".jsonl", id="an output of another form"),
        pytest.param({"out": "/no/such/x.jsonl"}, BadOutput, "mkdir -p /no/such", id="no directory"),
        pytest.param({"inputs": ("/no/such.jsonl",)}, BadInput, "no such file", id="no input"),
        pytest.param({"inputs": ("-", "-")}, BadInput, "once", id="standard input twice"),
    ],
)
def test_what_can_be_known_to_be_wrong_is_told_before_anything_is_read(tmp_path, wanted, error, says):
    with pytest.raises(error, match=says):
        replayed(tmp_path, LINES, **wanted)
    assert not (tmp_path / "out.jsonl").exists()


def test_an_output_never_replaces_an_input_or_another_output(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_bytes(LINES[0])
    wanted = Replay(inputs=(str(source),), out=str(source), book=RuleBook(), as_of_ms=AS_OF_MS)
    with pytest.raises(BadOutput, match="would replace the input"):
        replay(wanted)
    with pytest.raises(BadOutput, match="would replace what --to writes"):
        replayed(tmp_path, LINES[:1], dead_letters=str(tmp_path / "out.jsonl"))
    assert source.read_bytes()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fault_far_into_the_input_leaves_everything_as_it_was(tmp_path, jobs, monkeypatch):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    (tmp_path / "out.jsonl").write_bytes(b"yesterday's\n")
    good, cut = tmp_path / "good.jsonl", tmp_path / "cut.gz"
    good.write_bytes(b"\n".join(LINES))
    cut.write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(BadInput, match="cut off"):
        replayed(tmp_path, [], inputs=(str(good), str(cut)), limits=IN_BUCKETS, jobs=jobs)
    assert (tmp_path / "out.jsonl").read_bytes() == b"yesterday's\n"
    assert not (tmp_path / "dead.jsonl").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert list(temporary.iterdir()) == []


def test_no_room_for_temporary_files_is_told_with_where_and_what_to_do(tmp_path, monkeypatch):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(LINES))
    wanted = Replay(inputs=(str(source),), out=str(tmp_path / "out.jsonl"), book=RuleBook(), as_of_ms=AS_OF_MS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # Python ignores SIGXFSZ: the write fails instead
    try:
        with pytest.raises(NoRoom, match=f"{tmp_path}.*TMPDIR"):
            replay(wanted)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "out.jsonl").exists()


@settings(max_examples=3)
@given(st.lists(st.sampled_from(LINES), min_size=100, max_size=400))
def test_one_session_larger_than_memory_comes_out_whole(lines):
    visitor = [line for line in lines if b'"timestamp"' in line]
    one_key = [line.replace(b'"session_id"', b'"other"').replace(b'"visitor_id"', b'"another"') for line in visitor]
    crowded = [line.replace(b"{", b'{"session_id": "undefined", ', 1) for line in one_key]
    same_account = [line.replace(b'"beta"', b'"acme"').replace(b'"gamma"', b'"acme"') for line in crowded]
    events, _, _ = in_a_new_directory(same_account, limits=ON_DISK)
    assert events == reference(same_account)


class Interrupted:
    """Progress that is told of so much, and no more."""

    def __init__(self, calls):
        self.left = calls

    def __call__(self, *_):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@settings(max_examples=20)
@given(some_limits, orders, st.lists(st.integers(0, 80), min_size=1, max_size=3))
def test_a_replay_that_was_interrupted_goes_on_to_the_same_bytes(limits, order, stops):
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        straight = replayed(here, LINES[:1_500], limits=limits, order=order)
        for name in ("out.jsonl", "dead.jsonl"):
            (here / name).unlink()
        wanted = {"limits": limits, "order": order, "work": str(here / "work")}
        for calls in stops:
            try:
                replayed(here, None, progress=Interrupted(calls), **wanted)
            except KeyboardInterrupt:
                assert not (here / "out.jsonl").exists()
            else:
                break
        assert replayed(here, None, **wanted) == straight
        assert not (here / "work").exists()


KILLED = """
import os, signal, sys, threading, time
from pathlib import Path
from streams.replay.plan import Limits
from tests.streams.replay.replays import replayed

here = Path(sys.argv[1])

def kill():
    while not list((here / "work").glob("*.handed")):
        time.sleep(0.0005)
    os.killpg(0, signal.SIGKILL)

if __name__ == "__main__":
    threading.Thread(target=kill, daemon=True).start()
    replayed(here, None, jobs=2, work=str(here / "work"), limits=Limits(chunk_bytes=20_000, bucket_bytes=60_000))
"""


def test_a_replay_that_was_killed_while_its_processes_were_given_pieces_goes_on_to_the_same_bytes(tmp_path):
    limits = Limits(chunk_bytes=20_000, bucket_bytes=60_000)
    straight = replayed(tmp_path, LINES * 3, limits=limits)
    for name in ("out.jsonl", "dead.jsonl"):
        (tmp_path / name).unlink()
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    killed = subprocess.run([sys.executable, str(script), str(tmp_path)], env=environment, check=False, process_group=0)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out.jsonl").exists()
    with (tmp_path / "work" / "replay.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the last of those killed is gone a moment after the first
    assert replayed(tmp_path, None, jobs=2, limits=limits, work=str(tmp_path / "work")) == straight
    assert not (tmp_path / "work").exists()


def test_when_it_began_is_when_all_records_arrived(tmp_path, monkeypatch):
    now_ms = time.time_ns() // 1_000_000
    ahead = now_ms + 3_600_000 + 60_000  # in a minute it will not be
    line = b'{"type":"contact_form_sent","account_id":"a","session_id":"s","timestamp":%d}' % ahead
    wanted = {"as_of_ms": None, "work": str(tmp_path / "work")}
    with pytest.raises(KeyboardInterrupt):
        replayed(tmp_path, [line], progress=Interrupted(0), **wanted)
    monkeypatch.setattr(run, "time_ns", lambda: (now_ms + 120_000) * 1_000_000)
    events, dead, _ = replayed(tmp_path, None, **wanted)
    assert (events, len(dead)) == ([], 1)


def test_the_work_of_another_replay_is_left_alone(tmp_path):
    wanted = {"work": str(tmp_path / "work"), "limits": IN_BUCKETS}
    with pytest.raises(KeyboardInterrupt):
        replayed(tmp_path, LINES, progress=Interrupted(30), **wanted)
    with pytest.raises(OtherReplay, match="its orders are not the same"):
        replayed(tmp_path, None, order="arrival", **wanted)
    (tmp_path / "in.jsonl").write_bytes(LINES[0])
    with pytest.raises(OtherReplay, match="its inputs are not the same"):
        replayed(tmp_path, None, **wanted)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [({"out": "-"}, "name a file"), ({"inputs": ("-",)}, "read once only")],
)
def test_what_could_not_go_on_is_told_before_it_begins(tmp_path, wanted, says):
    with pytest.raises(BadOutput, match=says):
        replayed(tmp_path, LINES, work=str(tmp_path / "work"), **wanted)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("limits", [ONE_BUCKET, ON_DISK])
def test_events_in_parquet_are_the_events(tmp_path, limits):
    out = tmp_path / "out.parquet"
    replayed(tmp_path, LINES, out=str(out), limits=limits)
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT to_json(t) FROM read_parquet(?) t", [str(out)]).fetchall()
    assert [encode_event(decode_event(row)) for (row,) in rows] == reference(LINES)


def test_a_replay_that_was_killed_while_it_cleaned_up_has_nothing_left_to_do(tmp_path, monkeypatch):
    straight = replayed(tmp_path, LINES, limits=IN_BUCKETS)
    unlink, left = Path.unlink, [5]

    def until_then(path, **how):
        if path.parent.name == "work" and not path.name.startswith("."):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        unlink(path, **how)

    work = {"work": str(tmp_path / "work"), "limits": IN_BUCKETS}
    monkeypatch.setattr(Path, "unlink", until_then)
    with pytest.raises(KeyboardInterrupt):
        replayed(tmp_path, None, **work)
    monkeypatch.setattr(Path, "unlink", unlink)
    assert (tmp_path / "work").exists()
    written = (tmp_path / "out.jsonl").stat().st_ino
    assert replayed(tmp_path, None, **work) == straight
    assert (tmp_path / "out.jsonl").stat().st_ino == written, "it was written once"
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("wanted", [{"out": "work/out.jsonl"}, {"dead_letters": "work/dead.jsonl"}])
def test_no_output_goes_with_the_work(tmp_path, wanted):
    (tmp_path / "work").mkdir()
    with pytest.raises(BadOutput, match="would be removed with --work"):
        replayed(
            tmp_path,
            LINES,
            work=str(tmp_path / "work"),
            **{name: str(tmp_path / each) for name, each in wanted.items()},
        )


def test_pieces_that_are_not_those_that_were_dealt_are_found_out(tmp_path):
    wanted = {"work": str(tmp_path / "work"), "limits": IN_BUCKETS}
    with pytest.raises(KeyboardInterrupt):
        replayed(tmp_path, LINES, progress=Interrupted(30), **wanted)
    source = tmp_path / "in.jsonl"
    changed = source.stat().st_mtime_ns
    text = source.read_bytes()
    source.write_bytes(text[1_000:] + b" " * 1_000)  # as a topic whose first records are gone, and nobody knows
    os.utime(source, ns=(changed, changed))
    with pytest.raises(OtherReplay, match="inputs"):
        replayed(tmp_path, None, **wanted)


def test_dead_letters_are_in_order_also_beside_a_line_that_fits_in_no_chunk(tmp_path):
    lines = [b"{", b"0" * 9_000_000, b"["]
    webhook = Translation("smartsupp-webhook", Mapping())
    _, dead, _ = replayed(tmp_path, lines, translation=webhook)
    assert [json.loads(one)["line"] for one in dead] == [1, 2, 3]


def test_work_that_was_damaged_is_told_with_what_to_do(tmp_path):
    wanted = {"work": str(tmp_path / "work"), "limits": IN_BUCKETS}
    with pytest.raises(KeyboardInterrupt):
        replayed(tmp_path, LINES, progress=Interrupted(30), **wanted)
    # Of a bucket that is done: what one was writing when it was interrupted is not read again.
    done = [Done.read(each).lines for each in (tmp_path / "work").glob("*.done")]
    some = next(lines for lines in (tmp_path / "work" / name for name in done) if lines.stat().st_size)
    some.write_bytes(some.read_bytes()[:-1])
    with pytest.raises(DamagedWork, match="begin anew"):
        replayed(tmp_path, None, **wanted)
    assert not (tmp_path / "out.jsonl").exists()


def test_events_and_dead_letters_never_go_into_one_stream(tmp_path):
    with pytest.raises(BadOutput, match="would be mixed"):
        replayed(tmp_path, LINES, out="-", dead_letters="-")


def test_dead_letters_are_written_to_a_device_as_it_is(tmp_path):
    ours, theirs = os.openpty()
    try:
        source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        source.write_bytes(b"{")
        wanted = {"inputs": (str(source),), "out": str(out), "dead_letters": os.ttyname(theirs)}
        assert replay(Replay(**wanted, book=RuleBook(), as_of_ms=AS_OF_MS)).dead_letters.total() == 1
        assert json.loads(os.read(ours, 10_000))["line"] == 1
    finally:
        os.close(ours)
        os.close(theirs)


def test_dead_letters_may_go_to_the_device_that_forgets_them(tmp_path):
    assert writing._is_stream(Path(os.devnull)), "or the test would replace the machine's"
    (tmp_path / "in.jsonl").write_bytes(b"{")
    wanted = {"inputs": (str(tmp_path / "in.jsonl"),), "out": str(tmp_path / "out.jsonl"), "dead_letters": os.devnull}
    assert replay(Replay(**wanted, book=RuleBook(), as_of_ms=AS_OF_MS)).dead_letters.total() == 1
    assert Path(os.devnull).is_char_device()
