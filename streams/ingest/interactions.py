"""The interactions in a request's body. Pure: the time of its arrival comes in as data.

Each is looked at as the worker will look at it. Of a body of which anything is
wrong nothing is taken: the sender is there to be told, mends it and sends it whole.
"""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.decoding import MAX_RECORD_BYTES
from schemas.interaction import Fault, Unknown
from streams.attribution import RuleBook
from streams.ingest.endpoints import Served
from streams.worker.keying import Keyed
from streams.worker.rekey import rekeyed
from streams.worker.translate import interactions_of

__all__ = ["Refused", "Taken", "interactions_in"]


class Taken(NamedTuple):
    """What is to be written, in order."""

    keyed: Sequence[Keyed]
    unknown: int
    """Records that say nothing of interest: of a type that is not known, or that gives no interaction."""


class Refused(NamedTuple):
    """What is wrong, and with several interactions in which line, from 1."""

    fault: Fault
    line: int | None = None


def interactions_in(body: bytes, served: Served, rules: RuleBook, arrived_ms: int) -> Taken | Refused:
    """What the body of a request to this endpoint holds."""
    if served.source is None:
        return _raw(body, rules, arrived_ms)
    found = interactions_of(body, served.source, served.mapping, rules, arrived_ms)
    if isinstance(found, Fault):
        return Refused(found)
    if isinstance(found, Unknown):
        return Taken([], 1)
    return Taken(found, 0 if found else 1)


def _raw(body: bytes, rules: RuleBook, arrived_ms: int) -> Taken | Refused:
    """One JSON object, over as many lines as it likes, or one in each line."""
    lines = [(number, line.strip()) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if len(lines) <= 1 or _is_one(body, rules):
        taken = _lines([(1, body.strip())], rules, arrived_ms)
        return Refused(taken.fault) if isinstance(taken, Refused) else taken
    return _lines(lines, rules, arrived_ms)


def _is_one(body: bytes, rules: RuleBook) -> bool:
    """Whether it is JSON as a whole, right or wrong."""
    if len(body) > MAX_RECORD_BYTES:
        return False
    decoded = rules.decode(body, -1)
    return not (isinstance(decoded, Fault) and decoded.code == "not_json")


def _lines(lines: list[tuple[int, bytes]], rules: RuleBook, arrived_ms: int) -> Taken | Refused:
    keyed: list[Keyed] = []
    unknown = 0
    for number, line in lines:
        found = rekeyed(line, rules, arrived_ms)
        if isinstance(found, Fault):
            return Refused(found, number)
        if isinstance(found, Unknown):
            unknown += 1
        else:
            keyed += found
    return Taken(keyed, unknown)
