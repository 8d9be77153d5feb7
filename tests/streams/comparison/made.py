"""Comparisons of one session key's history, as a replay makes them."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from schemas.account import Account, Accounts
from schemas.interaction import Interaction
from schemas.options import Options, options_from
from streams.attribution import RuleBook
from streams.comparison import Difference
from streams.comparison.product import Comparison
from streams.replay import Tally
from tests.streams.attribution.builders import START_MICROS, Record, interactions

START_MS: Final = START_MICROS // 1_000


def book(options: Record | None = None, account: Record | None = None) -> RuleBook:
    """The rule book of accounts that all have these settings."""
    made = options_from(options or {})
    assert isinstance(made, Options), made
    return RuleBook(made, Accounts(default=msgspec.convert(account or {}, Account)))


def differences(said: Iterable[Interaction], a: RuleBook, b: RuleBook, tally: Tally | None = None) -> list[Difference]:
    lines = Comparison(a, b).lines(said, Tally() if tally is None else tally)
    return [msgspec.json.decode(line, type=Difference) for line in lines]


def compared(history: Iterable[Record], a: Record, b: Record, **wanted: Any) -> list[Difference]:
    """The differences under these options."""
    return differences(interactions(history), book(a), book(b), **wanted)


def told(found: Iterable[Difference]) -> list[tuple[str, str]]:
    """Kind and name of each."""
    return [(each.kind, each.name) for each in found]
