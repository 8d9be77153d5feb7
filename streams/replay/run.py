"""A replay from beginning to end: files in, files out, in bounded memory, on all cores.

    1. Deal:   chunks of lines go to processes, which deal them into buckets by session key.
    2. Decide: each bucket is read, sorted and applied, session key by session key.
    3. Write:  what the buckets gave is merged, in the order of the sessions' first interactions.

What comes out depends on the input and the rules alone: not on how many processes
there are, how large a bucket may be, or when which of them was done. An input that
fits in one bucket is not dealt at all: its lines go to no disk.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import msgspec

from streams.attribution import RuleBook
from streams.replay.bucket import Done, decide, process
from streams.replay.crew import Crew
from streams.replay.dead_letters import dead_line, oversized_fault
from streams.replay.engine import Engine, Tally
from streams.replay.errors import BadOutput
from streams.replay.plan import Limits, Plan
from streams.replay.products import Events, Product
from streams.replay.reading import STDIN, Chunk, check_names, chunks, total_bytes
from streams.replay.segments import SegmentWriter, merged
from streams.replay.spill import deal
from streams.replay.writing import STDOUT, check_file, check_output, room_in, whole_file

__all__ = ["Phase", "Progress", "Replay", "replay"]

Phase = Literal["reading", "deciding", "writing"]
Progress = Callable[[Phase, int, int | None], None]
"""Told of the phase, how far it is, and of how much, where that is known."""

_ONE_BUCKET: Final = "all"
_TELL_BYTES: Final = 1_048_576


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be replayed, and where to."""

    inputs: tuple[str, ...]
    out: str
    book: RuleBook
    as_of_ms: int
    dead_letters: str | None = None  # a file
    order: Literal["time", "arrival"] = "time"
    jobs: int = 1
    limits: Limits = Limits()
    product: Product | None = None  # by default the events that `book` gives


def _unheard(phase: Phase, done: int, of: int | None) -> None:
    del phase, done, of


def replay(wanted: Replay, progress: Progress = _unheard) -> Tally:
    """Replay; what was met and made. Raises Chat2gaError, and then nothing was written to a file."""
    _check(wanted)
    with TemporaryDirectory(prefix="chat2ga-replay-", ignore_cleanup_errors=True) as directory:
        return _Run(wanted, Path(directory), progress).run()


def _check(wanted: Replay) -> None:
    """Whatever can be known to be wrong before the first line is read."""
    check_names(wanted.inputs)
    check_output(wanted.out)
    if wanted.dead_letters is not None:
        check_file(wanted.dead_letters)
    taken = {Path(name).resolve(): f"the input {name}" for name in wanted.inputs if name != STDIN}
    for what, name in (("--to", wanted.out), ("--dead-letters", wanted.dead_letters)):
        if name is None or (what == "--to" and name == STDOUT):
            continue
        path = Path(name).resolve()
        if path in taken:
            raise BadOutput(name, f"{what} would replace {taken[path]}. Name another file.")
        taken[path] = f"what {what} writes"


class _Run:
    """One replay under way."""

    def __init__(self, wanted: Replay, directory: Path, progress: Progress) -> None:
        self._wanted: Final = wanted
        self._directory: Final = directory
        self._progress: Final = progress
        self._bytes: Final = total_bytes(wanted.inputs)
        self._read_bytes = 0
        self._oversized: Final = Engine(wanted.book, wanted.as_of_ms)
        self._plan: Final = Plan(
            book=wanted.book,
            product=wanted.product or Events(wanted.book),
            as_of_ms=wanted.as_of_ms,
            by_time=wanted.order == "time",
            names=wanted.inputs,
            directory=directory,
            keep_dead_letters=wanted.dead_letters is not None,
            limits=wanted.limits,
        )

    def run(self) -> Tally:
        """The three steps of the module's head."""
        with room_in(self._directory):
            done = self._done()
        self._write(done)
        tally = self._oversized.tally
        for each in done:
            tally.add(each.tally)
        return tally

    def _done(self) -> list[Done]:
        """What each bucket gave."""
        with SegmentWriter(self._oversized_letters) as letters:
            whole = self._whole_lines(letters)
            first: list[Chunk] = []
            size = 0
            for chunk in whole:
                first.append(chunk)
                size += len(chunk.data)
                if size > self._wanted.limits.bucket_bytes:
                    return self._in_buckets(chain(first, whole))
        return [self._in_one(first)]

    @property
    def _oversized_letters(self) -> Path:
        return self._directory / "oversized.dead"

    def _whole_lines(self, letters: SegmentWriter) -> Iterator[Chunk]:
        """The chunks of the input; a line that is too long becomes a dead letter here."""
        for chunk in chunks(self._wanted.inputs, self._wanted.limits.chunk_bytes, self._read):
            if isinstance(chunk, Chunk):
                yield chunk
                continue
            fault = oversized_fault(chunk.line.size)
            self._oversized.refuse(fault)
            letters.write(chunk.seq, dead_line(*self._plan.place(chunk.seq), fault, chunk.line))

    def _read(self, size: int) -> None:
        self._read_bytes += size
        self._progress("reading", self._read_bytes, self._bytes)

    def _in_one(self, whole: Sequence[Chunk]) -> Done:
        return decide(self._plan, _ONE_BUCKET, whole)

    def _in_buckets(self, whole: Iterable[Chunk]) -> list[Done]:
        with Crew(self._plan, self._wanted.jobs) as crew:
            # In the order of their names, not in that of a set: which names a tally counts is that of the first.
            names = sorted(set().union(*crew.each(_deal, whole)))
            done = []
            for each in crew.each(process, names):
                done.append(each)
                self._progress("deciding", len(done), len(names))
            return done

    def _write(self, done: list[Done]) -> None:
        events = [each.events for each in done]
        size = sum(path.stat().st_size for path in events)
        with ExitStack() as stack:
            if self._wanted.dead_letters is not None:
                letters = stack.enter_context(whole_file(self._wanted.dead_letters))
                paths = [self._oversized_letters, *(each.dead_letters for each in done if each.dead_letters)]
                for _, data in merged(paths):
                    letters.write(data)
            out = stack.enter_context(whole_file(self._wanted.out))
            written = told = 0
            for _, data in merged(events):
                out.write(data)
                written += len(data)
                if written - told >= _TELL_BYTES:
                    told = written
                    self._progress("writing", written, size)


def _deal(plan: Plan, chunk: Chunk) -> set[str]:
    return deal(chunk.lines(), plan.directory)
