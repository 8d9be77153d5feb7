"""What a sender's rating is worth in GA: 5 good, 3 normal, 1 bad. Pure."""

from typing import Final, Literal

from schemas.interaction import Fault, Rating
from streams.sources.mapping import Mapping
from streams.sources.record import At

__all__ = ["worth"]

Worth = Literal[5, 3, 1]

_OUT_OF_FIVE: Final[dict[str, Worth]] = {"5": 5, "4": 5, "3": 3, "2": 1, "1": 1}


def worth(mapping: Mapping, rating: At) -> int | Fault | None:
    """5, 3 or 1; None where nothing was rated.

    By the mapping first, then of one to five, then by the words of the raw
    interaction itself.
    """
    given = rating.value
    if given is None or given == "":
        return None
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    word = At(given, rating.path).id
    if word is not None:
        told = {name.casefold(): value for name, value in mapping.ratings.items()}
        if found := told.get(word.casefold()) or _OUT_OF_FIVE.get(word) or Rating.spellings.get(word.casefold()):
            return found
    return rating.expected("a rating of 1 to 5, or one that [ratings] of the mapping lists")
