"""An instant is the number that it is, and the decoder's to make."""

import msgspec
import pytest

from schemas.instant import Instant


def test_an_instant_is_its_microseconds():
    assert Instant(5) == 5
    assert Instant(5) < Instant(6)
    assert msgspec.json.encode({"at": int(Instant(5))}) == b'{"at":5}'


def test_no_decoder_takes_a_number_for_one_by_itself():
    """Or a time would be read as it stands, in whatever unit."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b"5", type=Instant)
