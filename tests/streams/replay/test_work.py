"""Where a replay keeps what it has done: of one replay, at work once, and gone when it is done."""

import multiprocessing
from collections import Counter
from pathlib import Path

import pytest

from streams.replay import Tally
from streams.replay.errors import BadOutput, OtherReplay
from streams.replay.work import begun, finish, finished, kept, temporary


def interrupt(working):
    fault = KeyboardInterrupt()
    assert not working.__exit__(KeyboardInterrupt, fault, None)


def test_a_temporary_directory_is_gone_afterwards():
    working = temporary()
    directory = working.__enter__()
    (directory / "file").touch()
    interrupt(working)
    assert not directory.exists()


def test_a_kept_directory_stays_when_interrupted_and_is_gone_when_done(tmp_path):
    name = str(tmp_path / "work")
    working = kept(name)
    directory = working.__enter__()
    begun(directory, {"inputs": 1}, {})
    (directory / "1.lines").touch()
    interrupt(working)
    with kept(name) as directory:
        assert (directory / "1.lines").exists()
        (directory / "1.sorting").mkdir()
    assert not (tmp_path / "work").exists()


def test_what_only_the_beginning_decides_is_what_it_was_then(tmp_path):
    assert begun(tmp_path, {"order": "time"}, {"as of": 5})["as of"] == 5
    assert begun(tmp_path, {"order": "time"}, {"as of": 6})["as of"] == 5
    assert begun(tmp_path, {"order": "time", "as of": 5}, {})["as of"] == 5


def test_the_work_of_another_replay_is_not_gone_on_with(tmp_path):
    begun(tmp_path, {"order": "time", "inputs": [("a", 1)]}, {})
    begun(tmp_path, {"order": "time", "inputs": [("a", 1)]}, {})
    with pytest.raises(OtherReplay, match="its inputs are not the same"):
        begun(tmp_path, {"order": "time", "inputs": [("a", 2)]}, {})


def test_a_directory_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "letters").touch()
    with pytest.raises(BadOutput, match="Name an empty or a new one"), kept(str(tmp_path)):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_a_directory_that_cannot_be_had_is_told(tmp_path):
    (tmp_path / "file").touch()
    for name in ("file", "none/work"):
        with pytest.raises(BadOutput, match="cannot be a directory"), kept(str(tmp_path / name)):
            pass


def _hold(name, held, enough):
    with kept(name) as directory:
        begun(directory, {}, {})
        held.set()
        enough.wait(300)


def test_two_replays_are_never_at_work_in_one_directory(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, enough = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path / "work"), held, enough))
    other.start()
    try:
        assert held.wait(120)
        with pytest.raises(BadOutput, match="another replay is at work"), kept(str(tmp_path / "work")):
            pass
    finally:
        enough.set()
        other.join()


TALLY = Tally(records=3, events=Counter(Chatbot_sent=2))


def test_what_is_finished_is_known_as_long_as_anything_is_left(tmp_path):
    manifest = begun(tmp_path, {"inputs": 1}, {})
    assert finished(manifest) is None
    finish(tmp_path, TALLY)
    assert finished(begun(tmp_path, {"inputs": 1}, {})) == TALLY


def test_of_what_is_finished_the_manifest_goes_last(tmp_path, monkeypatch):
    removed, unlink = [], Path.unlink

    def told(path, **how):
        removed.append(path.name)
        unlink(path, **how)

    with kept(str(tmp_path / "work")) as directory:
        begun(directory, {}, {})
        for number in range(20):
            (directory / f"{number}.lines").touch()
        monkeypatch.setattr(Path, "unlink", told)
    assert removed[-2:] == ["replay.json", "replay.lock"]
    assert len(removed) == 22


def test_a_directory_that_is_not_ours_to_remove_is_left_empty(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "work").symlink_to(tmp_path / "there")
    with kept(str(tmp_path / "work")) as directory:
        begun(directory, {}, {})
        (directory / "1.lines").touch()
    assert list((tmp_path / "there").iterdir()) == []


def test_what_somebody_else_has_put_there_meanwhile_stays(tmp_path):
    with kept(str(tmp_path / "work")) as directory:
        begun(directory, {}, {})
        (directory / "notes.txt").write_text("mine")
        (directory / "1.lines").touch()
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["notes.txt"]
