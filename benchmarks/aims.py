"""The aims: what chat2ga is to reach beside the others, each a figure or the quotient of two of one run. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.names import (
    BYTEWAX,
    DECODING,
    EXACTLY_ONCE,
    FAUST,
    OURS,
    QUICK_STREAMS,
    QUIX,
    REPLAY,
    REPLAY_2,
    RUNS,
    STREAMS,
)
from benchmarks.tables import Table, median_of, number

__all__ = ["AIMS", "Aim", "Reached", "reached", "to_markdown"]


class Where(NamedTuple):
    """A figure: its table, row and column."""

    table: str
    row: str
    column: str


class Aim(NamedTuple):
    """What is to be reached: at least, or at most, so much."""

    what: str
    figure: Where
    beside: Where | None = None
    at_least: float | None = None
    at_most: float | None = None


class Reached(NamedTuple):
    """What came of an aim; without a figure it was not measured."""

    aim: Aim
    figure: float | None

    @property
    def holds(self) -> bool | None:
        """Whether it was reached; None: nobody knows."""
        if self.figure is None:
            return None
        low, high = self.aim.at_least, self.aim.at_most
        return (low is None or self.figure >= low) and (high is None or self.figure <= high)


_FULL: Final = "throughput_full"
_COUNTING: Final = "throughput_counting"
_RATE: Final = "records_per_s"


def _full(row: str) -> Where:
    return Where(_FULL, row, _RATE)


def _counting(row: str, column: str = _RATE) -> Where:
    return Where(_COUNTING, row, column)


def _p99(row: str) -> Where:
    return Where("latency", row, "p99_ms")


AIMS: Final = (
    Aim("full job, against plain Faust", _full(OURS), _full(FAUST), at_least=40),
    Aim("full job, against Quix Streams", _full(OURS), _full(QUIX), at_least=3),
    Aim("full job, against Bytewax", _full(OURS), _full(BYTEWAX), at_least=1.2),
    Aim("full job, exactly once against at least once", _full(EXACTLY_ONCE), _full(OURS), at_least=0.7),
    Aim("counting job, against Kafka Streams with one thread", _counting(RUNS), _counting(STREAMS), at_least=1.0),
    Aim(
        "counting job, processor time against its",
        _counting(RUNS, "cpu_s_per_million"),
        _counting(STREAMS, "cpu_s_per_million"),
        at_most=0.5,
    ),
    Aim("counting job, memory against its", _counting(RUNS, "peak_mib"), _counting(STREAMS, "peak_mib"), at_most=0.25),
    Aim("full job, against its counting job", _full(OURS), _counting(STREAMS), at_least=0.7),
    Aim("latency at 25 % of the top rate, p99 in ms", _p99(f"{OURS} (full), 25%"), at_most=50),
    Aim(
        "the same, against Kafka Streams with a linger of 5 ms",
        _p99(f"{OURS} (full), 25%"),
        _p99(f"{QUICK_STREAMS} (counting), 25%"),
        at_most=1.0,
    ),
    Aim(
        "replay, a core, against decoding alone",
        Where("replay", REPLAY, "per_core_s"),
        Where("replay", DECODING, "per_core_s"),
        at_least=0.35,
    ),
    Aim(
        "replay, two processes against one",
        Where("replay", REPLAY_2, "per_s"),
        Where("replay", REPLAY, "per_s"),
        at_least=1.8,
    ),
    Aim("bytes a live session at ten interactions", Where("growth", "1,000,000", "session_bytes"), at_most=1_000),
    Aim(
        "rate with a million live sessions, against that with ten thousand",
        Where("growth", "1,000,000", _RATE),
        Where("growth", "10,000", _RATE),
        at_least=0.8,
    ),
)


def reached(tables: Sequence[Table]) -> list[Reached]:
    """What came of every aim: medians, and quotients of medians."""
    return [Reached(aim, _figure(tables, aim)) for aim in AIMS]


def _figure(tables: Sequence[Table], aim: Aim) -> float | None:
    figure = median_of(tables, *aim.figure)
    if aim.beside is None or figure is None:
        return figure
    beside = median_of(tables, *aim.beside)
    return figure / beside if beside else None


def to_markdown(of: Sequence[Reached]) -> str:
    """A table of those that were measured; empty where none was."""
    lines = [
        f"| {each.aim.what} | {_bound(each.aim)} | {number(each.figure)} | {'yes' if each.holds else 'no'} |"
        for each in of
        if each.figure is not None
    ]
    if not lines:
        return ""
    return "\n".join(
        ["### Aims", "", "| figure, or quotient of medians | aim | reached | holds |", "|---" * 4 + "|", *lines]
    )


def _bound(aim: Aim) -> str:
    if aim.at_least is not None:
        return f"at least {number(aim.at_least)}"
    return f"at most {number(aim.at_most or 0.0)}"
