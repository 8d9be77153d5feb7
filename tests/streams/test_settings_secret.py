import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from streams.settings import secret


@pytest.mark.parametrize(
    ("given", "found"),
    [("abc", "abc"), (" abc\n", "abc"), ("", None), (" \n", None), ("é", "é")],
    ids=["as it is", "without the editor's white space", "empty", "blank", "not ASCII"],
)
def test_from_the_environment_and_from_a_file(given, found, monkeypatch, tmp_path):
    monkeypatch.setenv("ACME_GA_SECRET", given)
    assert secret("env:ACME_GA_SECRET") == found
    (tmp_path / "secret").write_text(given, encoding="utf-8")
    assert secret(f"file:{tmp_path}/secret") == found


def test_what_is_not_there_is_none(tmp_path, monkeypatch):
    monkeypatch.delenv("ACME_GA_SECRET", raising=False)
    (tmp_path / "bytes").write_bytes(b"\xff")
    monkeypatch.setitem(os.environb, b"ACME_GA_BYTES", b"s3cr3t-\xff")
    for source in (
        "env:ACME_GA_SECRET",
        "env:ACME_GA_BYTES",
        f"file:{tmp_path}/none",
        f"file:{tmp_path}",
        f"file:{tmp_path}/bytes",
    ):
        assert secret(source) is None


def test_a_rotation_is_seen_whether_in_place_or_by_replacement(tmp_path, monkeypatch):
    monkeypatch.setenv("ACME_GA_SECRET", "1")
    assert secret("env:ACME_GA_SECRET") == "1"
    monkeypatch.setenv("ACME_GA_SECRET", "2")
    assert secret("env:ACME_GA_SECRET") == "2"
    path, other = tmp_path / "a:b", tmp_path / "other"
    path.write_text("first")
    assert secret(f"file:{path}") == "first"
    path.write_text("second")
    os.utime(path, ns=(1, 1))
    assert secret(f"file:{path}") == "second"
    other.write_text("secone")  # as long, and given the same time: another file all the same
    os.utime(other, ns=(1, 1))
    other.replace(path)
    assert secret(f"file:{path}") == "secone"
    path.unlink()
    assert secret(f"file:{path}") is None


def later(monkeypatch, seconds=3):
    """So much later files that were written a moment ago are young no more."""
    now = time.time_ns()
    monkeypatch.setattr("streams.settings.time.time_ns", lambda: now + seconds * 1_000_000_000)


def test_a_file_is_read_again_only_once_it_has_changed(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_text("one")
    later(monkeypatch)
    reads = []
    read_text = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda self, **given: reads.append(self) or read_text(self, **given))
    assert [secret(f"file:{path}") for _ in range(5)] == ["one"] * 5
    assert len(reads) == 1
    path.write_text("two")
    later(monkeypatch)
    assert [secret(f"file:{path}") for _ in range(5)] == ["two"] * 5
    assert len(reads) == 2


def test_a_change_that_leaves_size_time_of_writing_and_file_as_they_were_is_seen(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_text("one")
    before = path.stat()
    later(monkeypatch)
    assert secret(f"file:{path}") == "one"
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert secret(f"file:{path}") == "two"


def test_two_changes_within_a_tick_of_the_file_systems_clock_are_seen(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_text("one")
    mark = path.stat()
    monkeypatch.setattr("streams.settings.os", SimpleNamespace(stat=lambda _: mark))  # its own: pytest asks too
    assert secret(f"file:{path}") == "one"
    path.write_text("two")
    assert secret(f"file:{path}") == "two"


def test_a_mounted_secret_is_seen_as_soon_as_kubernetes_has_swapped_it(tmp_path, monkeypatch):
    """The kubelet writes a new directory, then moves the link `..data` to it in one step."""
    now = time.time_ns() - 60_000_000_000

    def put(version, text):
        (tmp_path / version).mkdir()
        (tmp_path / version / "ga").write_text(text)
        os.utime(tmp_path / version / "ga", ns=(now, now))
        (tmp_path / "..data_tmp").symlink_to(version)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    put("..2026_1", "first")
    (tmp_path / "ga").symlink_to("..data/ga")
    later(monkeypatch)
    assert secret(f"file:{tmp_path}/ga") == "first"
    put("..2026_2", "secon")  # as long, and of the same time
    assert secret(f"file:{tmp_path}/ga") == "secon"


def test_while_a_file_is_being_written_anew_the_secret_that_it_held_stands_for_a_moment(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_text("one")
    assert secret(f"file:{path}") == "one"
    with path.open("w") as writing:
        assert secret(f"file:{path}") == "one"
        writing.write("two")
    assert secret(f"file:{path}") == "two"
    path.write_text("")
    later(monkeypatch)
    assert secret(f"file:{path}") is None
