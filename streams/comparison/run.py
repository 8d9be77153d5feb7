"""Two rule sets over the same history, from beginning to end: in a replay, whose lines are then added up.

The replay reads, sorts, applies and writes, on all cores and in bounded memory; what
it writes are the differences. They are then read once more, and counted.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, cast

import msgspec

from streams.attribution import RuleBook
from streams.comparison.compared import Compared, Side, Under
from streams.comparison.product import Comparison, EitherBook
from streams.comparison.summary import Summary
from streams.replay import Input, Progress, Replay, Tally, Translation, replay
from streams.replay.errors import NotSupported
from streams.replay.plan import Limits
from streams.replay.writing import STDOUT, whole_file

__all__ = ["History", "added_up", "compare", "differences_file"]

_OUTPUTS: Final = "a .jsonl file and - for standard output"


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compared."""

    inputs: tuple[str | Input, ...]
    a: RuleBook
    b: RuleBook
    as_of_ms: int
    translation: Translation | None = None  # of another format
    out: str | None = None  # where the differences go, one JSON object a line
    order: Literal["time", "arrival"] = "time"
    jobs: int = 1
    limits: Limits = Limits()


def compare(history: History, progress: Progress | None = None) -> Compared:
    """Compare; the differences stand in `history.out`. Raises Chat2gaError, and then nothing was written to a file."""
    with differences_file(history.out) as written:
        wanted = Replay(
            inputs=history.inputs,
            out=str(written),
            # All that a replay asks of it is to decode.
            book=cast("RuleBook", EitherBook(history.a, history.b)),
            as_of_ms=history.as_of_ms,
            translation=history.translation,
            order=history.order,
            jobs=history.jobs,
            limits=history.limits,
            product=Comparison(history.a, history.b),
        )
        tally = replay(wanted, progress) if progress else replay(wanted)
        summary = added_up(written, history.out)
    a, b = _under("a", history.a, history.b, tally), _under("b", history.b, history.a, tally)
    return Compared(a, b, summary, tally.records, tally.dead_letters.total())


def _under(side: Side, ours: RuleBook, theirs: RuleBook, tally: Tally) -> Under:
    refused = tally.counts[f"refused_{side}"]
    unknown_types = ours.options.unknown_types, theirs.options.unknown_types
    return Under(
        events=tally.counts[f"events_{side}"],
        rules_version=ours.options.version(),
        sessions=tally.counts[f"sessions_{side}"],
        interactions=tally.interactions - refused,
        dead_ahead=refused,
        dead_unknown=tally.unknown.total() if unknown_types == ("dead_letter", "ignore") else 0,
    )


@contextmanager
def differences_file(out: str | None) -> Iterator[Path]:
    """Where to write the differences: the file that was asked for, else one that goes. Raises NotSupported."""
    if out not in (None, STDOUT):
        if not str(out).endswith(".jsonl"):
            raise NotSupported("--to", str(out), _OUTPUTS)
        yield Path(str(out))
        return
    with TemporaryDirectory(prefix="chat2ga-compare-", ignore_cleanup_errors=True) as directory:
        yield Path(directory, "differences.jsonl")


def added_up(written: Path, out: str | None) -> Summary:
    """What the differences in a file add up to. Line by line they go to standard output too, if that was asked for."""
    summary = Summary()
    with ExitStack() as stack:
        shown = stack.enter_context(whole_file(STDOUT)) if out == STDOUT else None
        for line in stack.enter_context(written.open("rb")):
            summary.add(line)
            if shown is not None:
                shown.write(line)
    return summary
