"""An instant is the decoder's to make."""

import msgspec
import pytest

from schemas.instant import Instant


def test_no_decoder_takes_a_number_for_one_by_itself():
    """Or a time would be read as it stands, in whatever unit."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b"5", type=Instant)
