"""The re-keying agent: gives each record its session's key, where the input is not keyed so (`REKEY`).

The records go on byte for byte to a topic of their own, in which each session has one partition.
"""

from collections.abc import Sequence
from typing import Final

from schemas.dead_letter import Stage
from schemas.decoding import session_key
from schemas.interaction import Fault, Unknown
from streams.attribution import RuleBook
from streams.worker.keying import Keyed

__all__ = ["STAGE", "rekeyed"]

STAGE: Final[Stage] = "rekey"


def rekeyed(raw: bytes | None, rules: RuleBook, arrived_ms: int) -> Sequence[Keyed] | Unknown | Fault:
    """The record as it came, under its session's key. An unknown type has no key that could be trusted."""
    decoded = rules.decode(raw, arrived_ms)
    if isinstance(decoded, (Fault, Unknown)):
        return decoded
    assert raw is not None  # no value is a Fault
    return (Keyed(session_key(decoded).encode(), raw),)
