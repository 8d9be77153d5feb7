"""Reading a body: to its end, up to the limit, within the time."""

import asyncio

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from streams.ingest.body import CutShort, TooLarge, TooSlow, read_body


class Arriving:
    """A body that arrives in parts; what is an error is raised in its turn."""

    def __init__(self, *parts):
        self.parts = list(parts)
        self.read = 0

    async def readany(self):
        if not self.parts:
            return b""
        part = self.parts.pop(0)
        if isinstance(part, Exception):
            raise part
        if part is None:
            await asyncio.sleep(60)
        self.read += len(part)
        return part


async def body_of(stream, declared=None, most=10, within_s=5.0):
    return await read_body(stream, declared, most=most, within_s=within_s)


@given(st.lists(st.binary(min_size=1, max_size=8), max_size=8), st.integers(1, 40))
async def test_it_is_read_whole_or_not_at_all(parts, most):
    whole = b"".join(parts)
    stream = Arriving(*parts)
    if len(whole) <= most:
        assert await body_of(stream, most=most) == whole
    else:
        with pytest.raises(TooLarge):
            await body_of(stream, most=most)
        assert stream.read - len(parts[len(parts) - len(stream.parts) - 1]) <= most, "it went on beyond the limit"


async def test_one_that_says_it_is_too_large_is_not_read():
    stream = Arriving(b"x")
    with pytest.raises(TooLarge):
        await body_of(stream, declared=11)
    assert stream.read == 0
    assert await body_of(stream, declared=10) == b"x"


async def test_one_that_does_not_end_in_time_is_too_slow():
    with pytest.raises(TooSlow):
        await body_of(Arriving(b"x", None), within_s=0.05)


@pytest.mark.parametrize("error", [ConnectionResetError(), web.RequestPayloadError("x")])
async def test_one_that_breaks_off_is_cut_short(error):
    with pytest.raises(CutShort):
        await body_of(Arriving(b"x", error))
