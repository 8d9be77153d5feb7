"""Reasons: what a rule did with an interaction, and why. Returned, never logged.

A rule says the same few things over and over, so its reasons are constants that
cost nothing to give; `explain` shows their words.
"""

from typing import Literal

import msgspec

__all__ = ["Outcome", "Reason", "fired", "held", "stopped"]

Outcome = Literal["fired", "held", "stopped"]


class Reason(msgspec.Struct, frozen=True, gc=False):
    """What one rule did.

    `fired`: it changed or sent something. `held`: it did not. `stopped`: the
    interaction changes nothing, no later rule was asked.
    """

    rule: str
    outcome: Outcome
    why: str


def fired(rule: str, why: str) -> Reason:
    """The rule changed state or sent an event."""
    return Reason(rule, "fired", why)


def held(rule: str, why: str) -> Reason:
    """The rule had nothing to do."""
    return Reason(rule, "held", why)


def stopped(rule: str, why: str) -> Reason:
    """The interaction says nothing new."""
    return Reason(rule, "stopped", why)
