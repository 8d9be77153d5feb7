"""Inputs: what names stand for, and that nothing is read before all of them were looked at."""

import errno
import gzip
import io
import os
import sys
import threading

import pytest

from streams.replay.errors import BadInput, NotSupported
from streams.replay.inputs import inputs_of, lines, passed_over, pieces, total_bytes, unpacked_bytes
from streams.replay.places import place


@pytest.fixture
def logs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("logs/b.jsonl", "logs/a.jsonl.gz", "logs/deep/c.jsonl", "logs/notes.txt", "logs/.hidden/d.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(b"{}\n") if name.endswith("gz") else b"{}\n")
    return tmp_path


def names(*given):
    return [each.name for each in inputs_of(given)]


def test_a_directory_is_all_files_of_chat_logs_below_it_in_order(logs):
    assert names("logs") == ["logs/a.jsonl.gz", "logs/b.jsonl", "logs/deep/c.jsonl"]


def test_what_has_another_ending_beside_chat_logs_is_known_to_be_passed_over(logs):
    (logs / "none").mkdir()
    assert passed_over("logs") == ["logs/notes.txt"]
    assert [passed_over(name) for name in ("none", "logs/b.jsonl", "-", "logs/*", "no such")] == [[]] * 5


def test_a_pattern_is_the_files_that_it_matches_in_order(logs):
    assert names("logs/*.jsonl*") == ["logs/a.jsonl.gz", "logs/b.jsonl"]
    assert names("logs/**/*.jsonl") == ["logs/b.jsonl", "logs/deep/c.jsonl"]
    assert names(str(logs / "logs" / "deep" / "*")) == [str(logs / "logs" / "deep" / "c.jsonl")]


def test_inputs_stand_as_they_were_given_and_each_file_once(logs):
    assert names("logs/deep", "-", "logs/*.jsonl", "logs") == [
        "logs/deep/c.jsonl",
        "-",
        "logs/b.jsonl",
        "logs/a.jsonl.gz",
    ]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(logs):
    (logs / "a[1].jsonl").write_bytes(b"{}")
    assert names("a[1].jsonl") == ["a[1].jsonl"]


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("none.jsonl", BadInput, "Check the path"),
        ("logs/*.csv", BadInput, "no file matches this pattern"),
        ("empty", BadInput, r"no file in this directory ends in \.jsonl"),
        ("kafka:chat-interactions", NotSupported, r"\.jsonl.*\.gz.*\.zst"),
    ],
)
def test_what_nothing_can_be_read_from_is_told_with_what_to_do(logs, name, error, says):
    (logs / "empty").mkdir()
    with pytest.raises(error, match=says):
        inputs_of(["logs", name])


def test_standard_input_is_read_like_a_file(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(gzip.compress(b'{"n":1}\n{"n":2}\n'))

    monkeypatch.setattr(sys, "stdin", Stdin)
    inputs = inputs_of(["-"])
    assert [line for _, line in lines(inputs)] == [b'{"n":1}', b'{"n":2}']
    assert total_bytes(inputs) is None
    assert unpacked_bytes(inputs) is None


def test_standard_input_can_be_named_once(logs):
    with pytest.raises(BadInput, match="Name it once"):
        inputs_of(["-", "logs", "-"])


def test_sizes_are_those_on_disk_and_more_where_it_is_packed(logs):
    inputs = inputs_of(["logs"])
    on_disk = [(logs / each.name).stat().st_size for each in inputs]
    assert total_bytes(inputs) == sum(on_disk)
    assert unpacked_bytes(inputs) == 10 * on_disk[0] + on_disk[1] + on_disk[2]


def test_places_are_those_of_the_inputs_in_turn(logs):
    told = []
    found = [place(seq) for piece in pieces(inputs_of(["logs"]), read=told.append) for seq, _ in piece.lines()]
    assert found == [(0, 1), (1, 1), (2, 1)]
    assert sum(told) == total_bytes(inputs_of(["logs"]))


def test_a_file_that_changed_has_another_identity(logs):
    before = inputs_of(["logs/b.jsonl"])[0].identity
    assert inputs_of(["logs/b.jsonl"])[0].identity == before
    (logs / "logs/b.jsonl").write_bytes(b"{}\n{}\n")
    assert inputs_of(["logs/b.jsonl"])[0].identity != before


def test_a_file_by_several_names_is_read_once(logs):
    (logs / "link.jsonl").symlink_to(logs / "logs/b.jsonl")
    assert names("logs/b.jsonl", "./logs/b.jsonl", "link.jsonl") == ["logs/b.jsonl"]


def test_a_pipe_that_has_a_name_is_read_once_and_whole(logs):
    os.mkfifo(logs / "pipe")
    text = b"".join(b'{"n":%d}\n' % number for number in range(50_000))
    writing = threading.Thread(target=(logs / "pipe").write_bytes, args=(text,))
    (pipe,) = inputs_of(["pipe"])
    assert (pipe.size, pipe.identity) == (None, None)
    writing.start()
    assert [line for _, line in lines([pipe])] == text.splitlines()
    writing.join()


def test_a_directory_that_may_not_be_read_is_not_passed_over(logs, monkeypatch):
    scandir = os.scandir

    def refused(path):  # root, as whom tests may run, may read everything
        if str(path).endswith("deep"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(BadInput, match="logs/deep: this directory may not be read: Permission denied"):
        inputs_of(["logs"])


def test_a_name_that_is_no_text_is_shown_spelled_out(logs):
    name = os.fsdecode(b"\xff.jsonl")
    (logs / name).write_bytes(b"{}\n")
    (odd,) = inputs_of([name])
    assert odd.name == r"\xff.jsonl"
    assert [line for _, line in lines([odd])] == [b"{}"]


def test_an_input_that_others_bring_is_named_once():
    class Topic:
        name = "kafka:t/0"

    with pytest.raises(BadInput, match="named twice"):
        inputs_of([Topic(), Topic()])


def test_a_file_that_becomes_shorter_while_it_is_read_is_told(logs):
    (changing,) = inputs_of(["logs/b.jsonl"])
    (logs / "logs/b.jsonl").write_bytes(b"")
    with pytest.raises(BadInput, match="shorter while it was read"):
        list(lines([changing]))


def test_an_input_without_a_name_is_none(logs):
    with pytest.raises(BadInput, match="variable of the shell"):
        inputs_of([""])
