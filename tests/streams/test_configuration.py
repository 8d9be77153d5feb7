"""Files that people write: read whole, every fault at once, with file and key."""

import errno
import pickle
from pathlib import Path

import pytest

from schemas.account import Account, Accounts
from schemas.keys import KeyFault
from schemas.options import Options
from streams.configuration import BadFile, read_accounts, read_mapping, read_options, read_toml
from streams.errors import Chat2gaError, Fault
from streams.sources import Mapping

READERS = pytest.mark.parametrize("read", [read_toml, read_accounts, read_options, read_mapping])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "given.toml"

    def write(content):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def told(read, path):
    with pytest.raises(BadFile) as bad:
        read(path)
    assert "\n" not in str(bad.value)
    assert str(path) in str(bad.value)
    return bad.value


def test_without_a_file_everything_has_the_contracts_defaults():
    assert read_accounts(None) == Accounts()
    assert read_options(None) == Options()
    assert read_mapping(None) == Mapping()


def test_accounts_options_and_mapping_of_a_file(file):
    assert read_accounts(file('[accounts.acme]\nplan = "free"')).of("acme") == Account(plan="free")
    assert read_options(file("tab_window_s = 2")) == Options(tab_window_s=2)
    assert read_mapping(file('account_id = "acme"')) == Mapping(account_id="acme")
    assert read_toml(file("a = 1\n[b]\nc = 'é'")) == {"a": 1, "b": {"c": "é"}}


@READERS
@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"a = ", "not TOML"), (b"a = 1\na = 2", "not TOML"), (b"\xff", "not UTF-8"), (b"\xef\xbb\xbfa = 1", "not TOML")],
    ids=["cut short", "twice", "bytes", "byte order mark"],
)
def test_a_file_that_is_no_toml_is_told_in_a_line(read, content, reason, file):
    assert reason in str(told(read, file(content)))


@READERS
def test_a_file_that_is_not_there_or_is_no_file(read, tmp_path):
    assert "no such file" in str(told(read, tmp_path / "none.toml"))
    assert "directory" in str(told(read, tmp_path))


def test_a_file_that_may_not_be_read(file, monkeypatch):
    path = file("")

    def refuse(*_, **__):  # what the system answers to anybody but root
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert "may not be read" in str(told(read_toml, path))


def test_every_fault_is_told_with_file_and_key(file):
    path = file('x = 1\n[defaults]\nplan = "gold"\n[accounts.acme]\nregion = "mars"\n')
    bad = told(read_accounts, path)
    assert [fault.key for fault in bad.faults] == ["x", "defaults.plan", "accounts.acme.region"]
    assert all(f"{path}: {fault.key}: " in str(bad) for fault in bad.faults)
    assert [fault.key for fault in told(read_options, file("tab_window_s = -1\nx = 1")).faults] == ["tab_window_s", "x"]
    assert [fault.key for fault in told(read_mapping, file("[accounts]\n1 = 'a/b'\n[x]")).faults] == ["accounts.1", "x"]


def test_it_is_the_operators_fault_and_trying_again_does_not_help(file):
    bad = told(read_options, file("x = 1"))
    assert isinstance(bad, Chat2gaError)
    assert (bad.fault, bad.retriable) == (Fault.OPERATOR, False)


def test_it_survives_being_handed_to_another_process(tmp_path):
    bad = BadFile(tmp_path, (KeyFault("a", "b"),))
    again = pickle.loads(pickle.dumps(bad))
    assert (again.path, again.faults, str(again)) == (bad.path, bad.faults, str(bad))
