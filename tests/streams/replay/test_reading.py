"""Text of every form gives the same lines, in chunks that no line is longer than."""

import gzip
import hashlib
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import HEAD_BYTES
from streams.replay.errors import BadInput
from streams.replay.places import Chunk, LongLine, place
from streams.replay.reading import CHUNK_BYTES, text_chunks

TEXT = b"".join(b'{"n":%d}\n' % number for number in range(50_000))


def zstd(data):
    return zstandard.ZstdCompressor().compress(data)


def chunks(path, chunk_bytes=CHUNK_BYTES, read=lambda _: None):
    with path.open("rb") as file:
        yield from text_chunks(0, str(path), file, read, chunk_bytes)


def read(path):
    return [(place(seq)[1], line) for chunk in chunks(path) for seq, line in chunk.lines()]


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(TEXT, id="plain"),
        pytest.param(gzip.compress(TEXT), id="gzip"),
        pytest.param(gzip.compress(TEXT[:9_000]) + gzip.compress(TEXT[9_000:]), id="gzip of two members"),
        pytest.param(zstd(TEXT), id="zstd"),
        pytest.param(zstd(TEXT[:9_000]) + zstd(TEXT[9_000:]), id="zstd of two frames"),
        pytest.param(b"\x50\x2a\x4d\x18\x02\x00\x00\x00hi" + zstd(TEXT), id="zstd after a frame to skip"),
        pytest.param(b"\xef\xbb\xbf" + TEXT, id="a byte order mark first"),
        pytest.param(TEXT[:-1], id="no line feed at the end"),
    ],
)
def test_every_form_gives_the_same_lines_whatever_the_file_is_called(tmp_path, packed):
    path = tmp_path / "any.name"
    path.write_bytes(packed)
    assert read(path) == list(enumerate(TEXT.splitlines(), 1))


def test_blank_lines_are_passed_over_and_counted_as_lines(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n{}\n  \r\n\n[]\r\n")
    assert read(path) == [(2, b"{}"), (5, b"[]\r")]


@given(st.lists(st.binary(max_size=60).filter(lambda line: b"\n" not in line)), st.integers(1, 100))
def test_chunks_of_any_size_hold_every_line_once_in_its_place(given_lines, chunk_bytes):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "in"
        path.write_bytes(b"{}\n" + b"\n".join(given_lines))  # begins like no packed file
        found = {}
        for chunk in chunks(path, chunk_bytes):
            if isinstance(chunk, Chunk):
                found.update(chunk.lines())
            else:
                found[chunk.seq] = chunk.line.head
    whole = [b"{}", *given_lines]
    assert {place(seq)[1]: line for seq, line in found.items()} == {
        number: line for number, line in enumerate(whole, 1) if line and not line.isspace()
    }


def test_a_line_that_fits_in_no_chunk_is_told_by_head_size_and_hash(tmp_path):
    path = tmp_path / "in.jsonl"
    long = bytes(range(32, 127)) * 60_000  # 5.7 MB
    path.write_bytes(b'{"a":1}\n' + long + b'\n{"b":2}\n' + long)
    first, oversized, second, last = chunks(path, 4_194_304)
    assert isinstance(oversized, LongLine)
    assert (place(oversized.seq)[1], place(last.seq)[1]) == (2, 4)
    assert next(iter(first.lines()))[1] == b'{"a":1}'
    assert [(place(seq)[1], line) for seq, line in second.lines()] == [(3, b'{"b":2}')]
    for told in (oversized.line, last.line):
        assert (told.head, told.size) == (long[:HEAD_BYTES], len(long))
        assert told.sha256 == hashlib.sha256(long).hexdigest()


@pytest.mark.parametrize("cut", [20, 1_000, -1, -9])
@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_packed_data_that_was_cut_off_is_never_taken_for_whole(tmp_path, pack, cut):
    path = tmp_path / "in"
    path.write_bytes(pack(TEXT)[:cut])
    with pytest.raises(BadInput, match="ends too early"):
        list(chunks(path))


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_packed_data_that_is_damaged_is_a_bad_input(tmp_path, pack):
    path = tmp_path / "in"
    damaged = bytearray(pack(TEXT))
    damaged[len(damaged) // 2] ^= 0xFF
    damaged[len(damaged) // 2 + 1] ^= 0xFF
    path.write_bytes(damaged + b"what does not belong there")
    with pytest.raises(BadInput, match="Fetch it again"):
        list(chunks(path))


def test_parquet_in_a_pipe_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "in").write_bytes(b"PAR1....")
    with pytest.raises(BadInput, match="Name the file"):
        list(chunks(tmp_path / "in"))


def test_where_chunks_end_depends_on_the_bytes_alone(tmp_path):
    for name, packed in (("plain", TEXT), ("again", TEXT)):
        (tmp_path / name).write_bytes(packed)
    assert list(chunks(tmp_path / "plain", 10_000)) == list(chunks(tmp_path / "again", 10_000))


def test_progress_counts_bytes_as_they_lie_on_disk(tmp_path):
    path = tmp_path / "in.gz"
    path.write_bytes(gzip.compress(TEXT))
    told = []
    list(chunks(path, read=told.append))
    assert sum(told) == path.stat().st_size


def test_a_byte_order_mark_is_none_of_the_first_record_however_its_bytes_come(tmp_path):
    path = tmp_path / "in"
    noise = bytes(range(256)) * 400
    path.write_bytes(zstd(b"\xef\xbb\xbf" + hashlib.sha256(noise).hexdigest().encode() * 3_000 + b"\n{}"))
    first, *_ = [line for chunk in chunks(path) for _, line in chunk.lines()]
    assert not first.startswith(b"\xef\xbb\xbf")


def test_what_is_packed_very_small_is_unpacked_little_by_little(tmp_path):
    path = tmp_path / "in"
    path.write_bytes(zstd((b"x" * 1_000_000 + b"\n") * 100))
    sizes = [chunk.size for chunk in chunks(path, 4_000_000)]
    assert sum(sizes) == 100_000_100
    assert max(sizes) < 64_000_000
