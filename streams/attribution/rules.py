"""What decides: the options of the rules, joined with the settings of one account.

Seconds become microseconds once, here: all times in the core are integers of
microseconds of event time.
"""

from typing import Final

import msgspec

from schemas.account import Account, Accounts
from schemas.decoding import decode_interaction
from schemas.interaction import Fault, Interaction, Unknown
from schemas.options import Options

__all__ = ["RuleBook", "Rules", "unknown_type"]

_MICROS: Final = 1_000_000
_ANY_TIME_MICROS: Final = 1 << 62


class Rules(msgspec.Struct, frozen=True, gc=False):
    """All that `step` needs to know beside the session and the interaction."""

    options: Options
    account: Account
    version: str
    session_gap_micros: int
    visitor_gap_micros: int
    tab_window_micros: int

    @classmethod
    def of(cls, options: Options | None = None, account: Account | None = None) -> "Rules":
        """The rules of one account."""
        options = options or Options()
        return cls(
            options=options,
            account=account or Account(),
            version=options.version(),
            session_gap_micros=round(options.session_gap_s * _MICROS),
            visitor_gap_micros=round(options.visitor_gap_s * _MICROS),
            tab_window_micros=round(options.tab_window_s * _MICROS),
        )

    def gap_micros(self, *, of_visitor: bool) -> int:
        """How long a silence the session outlives: exactly this is no gap."""
        return self.visitor_gap_micros if of_visitor else self.session_gap_micros


def unknown_type(unknown: Unknown) -> Fault:
    """Why a record of an unknown type is a dead letter, where the options make it one."""
    return Fault("type", f"Expected a known type, not {unknown.type[:100]!r}", "unknown_type")


class RuleBook:
    """The rules of every account: looked up once for each of them."""

    def __init__(self, options: Options | None = None, accounts: Accounts | None = None) -> None:
        self.options: Final = options or Options()
        self.max_ahead_micros: Final = round(self.options.max_ahead_s * _MICROS)
        self._accounts: Final = accounts or Accounts()
        self._listed: Final = {name: Rules.of(self.options, account) for name, account in self._accounts.by_id.items()}
        self.default: Final = Rules.of(self.options, self._accounts.default)

    def __reduce__(self) -> "tuple[type[RuleBook], tuple[Options, Accounts]]":
        """To another process as what it was made of: compiled, nobody but itself can set its attributes."""
        return RuleBook, (self.options, self._accounts)

    def decode(self, value: bytes | None, arrived_ms: int) -> Interaction | Unknown | Fault:
        """What a record is that arrived then (epoch milliseconds; negative: it is not known when).

        An unknown type is a fault where the options make it a dead letter.
        """
        latest_micros = arrived_ms * 1000 + self.max_ahead_micros if arrived_ms >= 0 else _ANY_TIME_MICROS
        decoded = decode_interaction(value, latest_micros)
        if type(decoded) is Unknown and self.options.unknown_types == "dead_letter":
            return unknown_type(decoded)
        return decoded

    def of(self, account_id: str) -> Rules:
        """The rules for an account, listed or not."""
        return self._listed.get(account_id, self.default)
