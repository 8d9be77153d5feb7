"""Options of the rules: a `rules.toml` (CONTRACT §3). Validated as a whole, all faults at once."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from schemas.keys import KeyFault, checked

__all__ = ["RULES_VERSION", "Options", "options_from"]

RULES_VERSION: Final = "1"
"""Of the rule set: goes up with every change that gives another event for the same history."""

Seconds = Annotated[float, msgspec.Meta(ge=0, le=315_360_000)]


class Options(msgspec.Struct, frozen=True):
    """What a site may choose in the rules; the defaults are the contract's."""

    session_gap_s: Seconds = 86_400
    visitor_gap_s: Seconds = 1_800
    tab_window_s: Seconds = 5
    max_ahead_s: Seconds = 3_600
    unknown_types: Literal["ignore", "dead_letter"] = "ignore"
    viewed_when_already_open: bool = False
    widget_open_counts: bool = False
    chatbot_interaction_scope: Literal["session", "chatbot"] = "session"

    def version(self) -> str:
        """What every event carries: the rule set's version and a mark of the options, if they are not the defaults.

        So a consumer can tell apart what different options made. Equal options have one
        version, however they were written: 86400 is 86400.0.
        """
        if self == Options():
            return RULES_VERSION
        plain = msgspec.json.encode(msgspec.convert(msgspec.to_builtins(self), Options))
        return f"{RULES_VERSION}+{hashlib.blake2b(plain, digest_size=4).hexdigest()}"


def options_from(table: Mapping[str, Any]) -> Options | tuple[KeyFault, ...]:
    """The options of a parsed rules.toml, or every fault in it."""
    good, faults = checked(Options, table, "", Options.__struct_fields__)
    return tuple(faults) if faults else msgspec.convert(good, Options)
