"""A file appears whole or not at all."""

import errno
import io
import os
import subprocess
import sys
import threading

import duckdb
import pytest

from schemas.ga_event import GaEvent, decode_event, encode_event
from streams.replay.errors import BadOutput, NoRoom, NotSupported
from streams.replay.writing import output_of, room_in, whole_file
from tests.streams.replay.replays import LINES, reference


def test_a_file_that_is_written_replaces_the_one_before(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    with whole_file(str(path)) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), BadOutput("x", "y")])
def test_a_file_that_is_not_finished_leaves_nothing_behind(tmp_path, fault):
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    writing = whole_file(str(path))
    writing.__enter__().write(b"half")
    assert not writing.__exit__(type(fault), fault, None)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_no_room_and_says_where(tmp_path):
    with pytest.raises(NoRoom, match=f"^{tmp_path}: no space left"), room_in(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_other_faults_of_a_disk_are_not_taken_for_a_full_one(tmp_path):
    with pytest.raises(BrokenPipeError), room_in(tmp_path):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_standard_output_is_written_and_not_closed(monkeypatch):
    class Stdout:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdout", Stdout)
    with whole_file("-") as file:
        file.write(b"event")
    assert Stdout.buffer.getvalue() == b"event"


def lines_through(out, directory, *lines):
    with out.opened(directory) as write:
        for line in lines:
            write(line + b"\n")


def test_a_parquet_file_has_the_events_with_all_their_fields(tmp_path):
    events = [decode_event(line) for line in reference(LINES[:400])]
    lines_through(output_of(str(tmp_path / "x.parquet")), tmp_path, *map(encode_event, events))
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]
    with duckdb.connect() as connection:
        found = connection.execute("SELECT to_json(t) FROM read_parquet(?) t", [str(tmp_path / "x.parquet")]).fetchall()
    assert [decode_event(row) for (row,) in found] == events


def test_a_parquet_file_of_no_events_has_its_columns(tmp_path):
    lines_through(output_of(str(tmp_path / "x.parquet")), tmp_path)
    with duckdb.connect() as connection:
        described = connection.execute(
            "DESCRIBE SELECT * FROM read_parquet(?)", [str(tmp_path / "x.parquet")]
        ).fetchall()
    assert [name for name, *_ in described] == list(GaEvent.__struct_fields__)


@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet"])
def test_an_output_that_is_not_finished_leaves_what_stood_there(tmp_path, name):
    (tmp_path / name).write_bytes(b"old")
    writing = output_of(str(tmp_path / name)).opened(tmp_path)
    writing.__enter__()(b"half")
    fault = KeyboardInterrupt()
    assert not writing.__exit__(KeyboardInterrupt, fault, None)
    assert (tmp_path / name).read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("out", ["ga", "kafka", "x.csv", "x.jsonl.gz", ""])
def test_outputs_of_other_forms_are_refused_and_those_that_there_are_named(out):
    with pytest.raises(NotSupported, match=r"a \.jsonl or \.parquet file, kafka, ga, and - for standard output"):
        output_of(out)


def test_a_directory_that_is_not_there_or_is_in_the_way_is_told(tmp_path):
    with pytest.raises(BadOutput, match="mkdir -p"):
        output_of(str(tmp_path / "none" / "x.jsonl")).check()
    (tmp_path / "x.jsonl").mkdir()
    with pytest.raises(BadOutput, match="this is a directory"):
        output_of(str(tmp_path / "x.jsonl")).check()
    output_of("-").check()


def test_what_a_killed_process_left_half_written_is_tidied_up(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    ours, theirs = tmp_path / f".x.jsonl.{os.getpid()}.unfinished", tmp_path / f".x.jsonl.{gone.pid}.unfinished"
    for path in (ours, theirs, tmp_path / f".y.jsonl.{gone.pid}.unfinished"):
        path.touch()
    with whole_file(str(tmp_path / "x.jsonl")) as file:
        assert not theirs.exists()
        assert ours.exists(), "of a process that is alive"
        file.write(b"new")
    assert (tmp_path / f".y.jsonl.{gone.pid}.unfinished").exists()


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    heard = []
    reading = threading.Thread(target=lambda: heard.append((tmp_path / "pipe.jsonl").read_bytes()))
    reading.start()
    out = output_of(str(tmp_path / "pipe.jsonl"))
    out.check()
    assert not out.once
    lines_through(out, tmp_path, b"event")
    reading.join()
    assert heard == [b"event\n"]
    assert (tmp_path / "pipe.jsonl").is_fifo()


def test_what_a_link_points_to_is_replaced_and_keeps_its_mode(tmp_path):
    (tmp_path / "real.jsonl").write_bytes(b"old")
    (tmp_path / "real.jsonl").chmod(0o600)
    (tmp_path / "link.jsonl").symlink_to("real.jsonl")
    lines_through(output_of(str(tmp_path / "link.jsonl")), tmp_path, b"new")
    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "real.jsonl").read_bytes() == b"new\n"
    assert (tmp_path / "real.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_file_is_no_directory_to_write_into(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadOutput, match="file is no directory"):
        output_of(str(tmp_path / "file" / "x.jsonl")).check()
