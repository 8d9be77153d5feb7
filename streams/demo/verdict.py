"""The verdict: what arrived, held against what the same records give in this process. Pure."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import msgspec

from schemas.receipt import Outcome
from streams.demo.expected import Expected, Protocol

__all__ = ["Arrived", "Check", "Seen", "checks"]

K = TypeVar("K", bound=Hashable)


class Arrived(msgspec.Struct, frozen=True):
    """What the collector, in Google's place, has got."""

    names: Mapping[tuple[Protocol, str], int]
    """By protocol and name; an event for two trackers counts twice, one that came twice once."""
    duplicates: int
    violations: Sequence[str]


class Seen(msgspec.Struct, frozen=True):
    """What was read from the topics and from the worker's metrics."""

    attributed: int
    events: Mapping[bytes, list[bytes]]
    dead_letters: Mapping[tuple[str, str], int]
    receipts: Mapping[Outcome, int]
    duplicates: int


class Check(msgspec.Struct, frozen=True):
    """One thing that must be so, and how it is shown."""

    what: str
    holds: bool
    told: str


def checks(expected: Expected, seen: Seen, arrived: Arrived) -> tuple[Check, ...]:
    """All that must be so for the demo to have shown what it says."""
    return (
        _same("records taken, of those sent", expected.records, seen.attributed),
        _same_events(expected.events, seen.events),
        _same("duplicates removed", expected.duplicates.total(), seen.duplicates),
        _same_counts("dead letters, by field and code", expected.dead_letters, seen.dead_letters),
        _same_counts("receipts, by outcome", expected.receipts, seen.receipts),
        _same_counts("events at the collector, by name", expected.delivered, arrived.names),
        _same("events that the collector got twice", 0, arrived.duplicates),
        _same("violations of Google's rules", 0, len(arrived.violations)),
    )


def _same(what: str, wanted: int, got: int) -> Check:
    return Check(what, wanted == got, f"{got:,}" if wanted == got else f"{got:,} instead of {wanted:,}")


def _same_counts(what: str, wanted: Mapping[K, int], got: Mapping[K, int]) -> Check:
    keys = sorted({*wanted, *got}, key=str)
    wrong = [key for key in keys if wanted.get(key, 0) != got.get(key, 0)]
    told = "; ".join(f"{key}: {got.get(key, 0):,} instead of {wanted.get(key, 0):,}" for key in wrong)
    return Check(what, not wrong, told or f"{sum(got.values()):,}")


def _same_events(wanted: Mapping[bytes, list[bytes]], got: Mapping[bytes, list[bytes]]) -> Check:
    """Session by session: the same events in the same order, to the byte."""
    keys = {*wanted, *got}
    differing = sum(wanted.get(key, []) != got.get(key, []) for key in keys)
    events = sum(map(len, got.values()))
    told = f"{events:,} in {len(keys):,} sessions"
    return Check(
        "events to the byte those of a replay",
        not differing,
        f"{told}, {differing:,} of them differ" if differing else told,
    )
