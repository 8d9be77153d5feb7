"""Local stores: one suite for all of them, and what only the one on disk promises."""

import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rocksdict import AccessType, Options, Rdict

from streams.runs.errors import StoreInUse
from streams.runs.store import MemoryStore, RocksStore

CHANGES = st.lists(
    st.lists(st.tuples(st.binary(max_size=3), st.one_of(st.none(), st.binary(max_size=8))), max_size=6), max_size=8
)


@pytest.fixture(params=["memory", "rocksdb"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else RocksStore(tmp_path / "table")


def test_a_new_store_knows_nothing_and_no_offset(store):
    assert store.load(0) == ({}, None)


def test_a_dropped_store_is_a_new_one(store):
    store.write(0, [(b"k", b"v")], 7)
    store.drop(0)
    assert store.load(0) == ({}, None)


def test_a_closed_partition_can_be_opened_again(store):
    store.write(0, [(b"k", b"v")], 7)
    store.close(0)
    store.close(0)
    store.load(0)
    store.close(0)


def test_a_partition_has_a_small_write_buffer(tmp_path):
    """RocksDB's own is 64 MiB: with sixteen partitions a gigabyte of what the table has in memory already."""
    RocksStore(tmp_path).write(0, [(b"k", b"v")], 7)
    (options,) = (tmp_path / "0").glob("OPTIONS-*")
    assert "write_buffer_size=4194304\n" in options.read_text()


KILLED = """
import os, signal, sys
from pathlib import Path
from streams.runs.store import RocksStore
store = RocksStore(Path(sys.argv[1]))
for offset in range(int(sys.argv[2])):
    store.write(0, [(b"%d" % (offset % 50), b"%d" % offset * 2_000), (b"%d" % (offset % 7 + 100), None)], offset)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("writes", [3, 5_000], ids=["nothing but its log was on disk", "buffers have gone to disk"])
def test_who_is_killed_finds_what_was_written_and_where_it_ends(tmp_path, writes):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(writes)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert RocksStore(tmp_path).load(0) == ({b"%d" % (at % 50): b"%d" % at * 2_000 for at in range(writes)}, writes - 1)


def test_a_store_in_levels_is_read_and_written_on(tmp_path):
    """As earlier versions have left it."""
    options = Options(raw_mode=True)
    options.set_write_buffer_size(65_536)
    older = Rdict(str(tmp_path / "0"), options=options, access_type=AccessType.read_write())
    for number in range(5_000):
        older.put(b"e%d" % number, b"%d" % number * 100)
    older.put(b"o", (7).to_bytes(8, "big"))
    older.flush()
    older.compact_range(None, None)
    older.close()
    store = RocksStore(tmp_path)
    entries, offset = store.load(0)
    assert (len(entries), offset) == (5_000, 7)
    store.write(0, [(b"0", b"new"), (b"1", None)], 8)
    store.close(0)
    again, offset = RocksStore(tmp_path).load(0)
    assert offset == 8
    assert again == {**{key: value for key, value in entries.items() if key != b"1"}, b"0": b"new"}


@given(CHANGES)
def test_what_was_written_is_there_after_a_restart_with_its_offset(tmp_path_factory, runs):
    directory = tmp_path_factory.mktemp("table")
    store = RocksStore(directory)
    expected: dict[bytes, bytes] = {}
    for offset, changes in enumerate(runs):
        store.write(3, changes, offset)
        for key, value in changes:
            if value is None:
                expected.pop(key, None)
            else:
                expected[key] = value
    store.close(3)
    again = RocksStore(directory)
    assert again.load(3) == (expected, len(runs) - 1 if runs else None)
    again.close(3)


def test_partitions_are_apart(tmp_path):
    store = RocksStore(tmp_path)
    store.write(0, [(b"k", b"zero")], 1)
    store.write(1, [(b"k", b"one")], 2)
    store.drop(0)
    assert store.load(0) == ({}, None)
    assert store.load(1) == ({b"k": b"one"}, 2)


def test_a_store_that_another_process_has_open_is_told_with_its_path(tmp_path):
    holder = Rdict(str(tmp_path / "0"), options=Options(raw_mode=True), access_type=AccessType.read_write())
    try:
        with pytest.raises(StoreInUse, match="state directory of its own") as told:
            RocksStore(tmp_path).load(0)
        assert told.value.path == str(tmp_path / "0")
    finally:
        holder.close()
