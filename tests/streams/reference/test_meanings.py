"""What each field means: said once, of every field, and of no field that is not there."""

import pytest

from schemas.dead_letter import DeadLetter
from schemas.ga_event import GaEvent
from schemas.interaction import TYPES, VisitStarted
from schemas.receipt import Receipt
from streams.reference.meanings import MEANINGS, meaning_of

STRUCTS = list(dict.fromkeys([*TYPES.values(), GaEvent, Receipt, DeadLetter, *MEANINGS]))


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_has_a_meaning(struct):
    assert all(meaning_of(struct, field).endswith(".") for field in struct.__struct_fields__)


@pytest.mark.parametrize("struct", MEANINGS, ids=lambda struct: struct.__name__)
def test_a_meaning_is_of_a_field_that_is_there(struct):
    own = set(struct.__struct_fields__)
    envelope = set(VisitStarted.__struct_fields__) if struct in TYPES.values() else set()
    assert set(MEANINGS[struct]) == own - envelope


def test_a_field_nobody_has_described_is_an_error():
    with pytest.raises(KeyError):
        meaning_of(GaEvent, "colour")
