import os

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
    for source in ("env:ACME_GA_SECRET", f"file:{tmp_path}/none", f"file:{tmp_path}", f"file:{tmp_path}/bytes"):
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


def test_a_file_is_read_again_only_once_it_has_changed(tmp_path):
    path = tmp_path / "secret"
    path.write_text("one")
    before = path.stat()
    assert secret(f"file:{path}") == "one"
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert secret(f"file:{path}") == "one"
