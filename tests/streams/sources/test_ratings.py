"""What a sender's rating is worth."""

import pytest

from schemas.interaction import Fault
from streams.sources import Mapping
from streams.sources.ratings import worth
from streams.sources.record import At


@pytest.mark.parametrize(
    ("given", "value"),
    [
        *((5, 5), (4, 5), (3, 3), (2, 1), (1, 1), ("5", 5), (4.0, 5)),
        *(("good", 5), ("Bon", 5), ("normal", 3), ("BAD", 1)),
        *((None, None), ("", None)),
    ],
)
def test_of_five_or_in_the_words_of_a_raw_interaction(given, value):
    assert worth(Mapping(), At(given, "rating")) == value


@pytest.mark.parametrize("given", [0, 6, 4.5, True, False, [], {}, "great", "-1"])
def test_another_is_a_fault_that_names_the_place_and_the_mapping(given):
    fault = worth(Mapping(), At(given, "data.rating"))
    assert isinstance(fault, Fault)
    assert fault.field == "data.rating"
    assert "[ratings]" in fault.reason


def test_the_mapping_comes_first_and_knows_no_letter_case():
    mapping = Mapping(ratings={"Great": 5, "4": 3, "10": 5, "good": 1})
    assert [worth(mapping, At(given, "")) for given in ("great", 4, 10, "Good", 5)] == [5, 3, 5, 1, 5]
