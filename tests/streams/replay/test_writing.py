"""A file appears whole or not at all."""

import errno
import io
import sys

import pytest

from streams.replay.errors import BadOutput, NoRoom, NotSupported
from streams.replay.writing import check_output, room_in, whole_file


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


@pytest.mark.parametrize("out", ["ga", "kafka", "x.parquet", "x.csv", "x.jsonl.gz", ""])
def test_outputs_of_other_forms_are_refused_and_those_that_there_are_named(out):
    with pytest.raises(NotSupported, match=r"a \.jsonl file and - for standard output"):
        check_output(out)


def test_a_directory_that_is_not_there_or_is_in_the_way_is_told(tmp_path):
    with pytest.raises(BadOutput, match="mkdir -p"):
        check_output(str(tmp_path / "none" / "x.jsonl"))
    (tmp_path / "x.jsonl").mkdir()
    with pytest.raises(BadOutput, match="this is a directory"):
        check_output(str(tmp_path / "x.jsonl"))
    check_output("-")
