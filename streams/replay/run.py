"""A replay from beginning to end: records in, lines out, in bounded memory, on all cores.

    1. Deal:   pieces of the input go to processes, which deal them into buckets by session key.
    2. Decide: each bucket is read, sorted and applied, session key by session key.
    3. Write:  what the buckets gave is merged, in the order of the sessions' first interactions.

What comes out depends on the input and the rules alone: not on how many processes
there are, how large a bucket may be, when which of them was done, or how often the
replay was interrupted. What is done of the first two steps is there whole or not at
all, and is not done again. An input that fits in one bucket is not dealt at all: its
records go to no disk.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from time import time_ns
from typing import Final, Literal

import msgspec
import zstandard

from streams.attribution import RuleBook
from streams.replay.bucket import decide, process
from streams.replay.crew import Crew
from streams.replay.dead_letters import dead_line, oversized_fault
from streams.replay.dealing import deal_piece
from streams.replay.done import Done
from streams.replay.engine import Engine, Tally
from streams.replay.errors import BadOutput, DamagedWork, OtherReplay
from streams.replay.handing import Handed, handed
from streams.replay.inputs import STDIN, Input, inputs_of, pieces, total_bytes, unpacked_bytes
from streams.replay.manifest import AS_OF, manifest
from streams.replay.places import Chunk, LongLine, Records
from streams.replay.plan import Limits, Plan, Translation
from streams.replay.products import Events, KeyedEvents, Product
from streams.replay.segments import SegmentWriter, joined, merged
from streams.replay.spill import buckets_in
from streams.replay.translating import Translator
from streams.replay.work import begun, finish, finished, kept, temporary
from streams.replay.writing import STDOUT, Output, check_file, output_of, room_in, whole_file

__all__ = ["Phase", "Progress", "Replay", "replay"]

Phase = Literal["reading", "deciding", "writing"]
Progress = Callable[[Phase, int, int | None], None]
"""Told of the phase, how far it is, and of how much, where that is known."""

_ONE_BUCKET: Final = "all"
_RAW_LETTERS: Final = "raw.dead"
_PIECES_LETTERS: Final = "pieces.dead"
_TELL_BYTES: Final = 1_048_576


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be replayed, and where to."""

    inputs: tuple[str | Input, ...]
    out: str | Output
    book: RuleBook
    product: Product | None = None  # by default the events that `book` gives
    as_of_ms: int | None = None  # by default now, or when the replay began that goes on
    dead_letters: str | None = None  # a file
    translation: Translation | None = None  # of another format
    order: Literal["time", "arrival"] = "time"
    jobs: int = 1
    limits: Limits = Limits()
    work: str | None = None
    """A directory that keeps what is done, so that the same replay goes on there after an interruption."""


def _unheard(phase: Phase, done: int, of: int | None) -> None:
    del phase, done, of


def replay(wanted: Replay, progress: Progress = _unheard) -> Tally:
    """Replay; what was met and made. Raises Chat2gaError, and then nothing was written to a file."""
    inputs = inputs_of(wanted.inputs)
    out = output_of(wanted.out) if isinstance(wanted.out, str) else wanted.out
    _check(wanted, inputs, out)
    if wanted.work is None:
        with temporary() as directory:
            return _Run(wanted, inputs, out, directory, progress).run()
    with kept(wanted.work) as directory, _damage_told(wanted.work):
        run = _Run(wanted, inputs, out, directory, progress)
        if (tally := run.finished) is None:
            tally = run.run()
            finish(directory, tally)
        return tally


@contextmanager
def _damage_told(work: str) -> Iterator[None]:
    """Whatever was half there when the machine lost its power, and nobody could have made so."""
    try:
        yield
    except (EOFError, struct.error, msgspec.MsgspecError, zstandard.ZstdError) as error:
        raise DamagedWork(work, f"{type(error).__name__}: {error}") from None


def _check(wanted: Replay, inputs: Iterable[Input], out: Output) -> None:
    """Whatever can be known to be wrong before the first record is read."""
    out.check()
    if wanted.dead_letters == out.name == STDOUT:
        raise BadOutput(STDOUT, "events and dead letters would be mixed there. Name a file for one of them.")
    if wanted.dead_letters is not None and wanted.dead_letters != STDOUT:
        check_file(wanted.dead_letters)
    taken = {Path(each.name).resolve(): f"the input {each.name}" for each in inputs if each.name != STDIN}
    dead = Path(wanted.dead_letters) if wanted.dead_letters not in (None, STDOUT) else None
    work = Path(wanted.work).resolve() if wanted.work is not None else None
    for what, path in (("--to", out.file), ("--dead-letters", dead)):
        if path is None:
            continue
        if work is not None and path.resolve().is_relative_to(work):
            raise BadOutput(str(path), f"{what} would be removed with --work {wanted.work}. Name a file elsewhere.")
        if path.resolve() in taken:
            raise BadOutput(str(path), f"{what} would replace {taken[path.resolve()]}. Name another file.")
        taken[path.resolve()] = f"what {what} writes"
    if wanted.work is not None and not out.once:
        raise BadOutput(out.name, "what was written there before an interruption would be written again: name a file.")
    if wanted.work is not None and any(each.identity is None for each in inputs):
        raise BadOutput(wanted.work, "standard input can be read once only: save it as a file, or leave --work away.")


class _Run:
    """One replay under way."""

    def __init__(
        self, wanted: Replay, inputs: tuple[Input, ...], out: Output, directory: Path, progress: Progress
    ) -> None:
        self._wanted: Final = wanted
        self._out: Final = out
        self._directory: Final = directory
        self._progress: Final = progress
        self._bytes: Final = total_bytes(inputs)
        self._read_bytes = 0
        self._raw: Final = Engine(wanted.book)
        product = wanted.product or (KeyedEvents if out.keyed else Events)(wanted.book)
        self.finished: Tally | None = None  # what was counted, where it was interrupted when all was written
        as_of_ms = time_ns() // 1_000_000 if wanted.as_of_ms is None else wanted.as_of_ms
        if wanted.work is not None:
            ours = manifest(wanted, inputs, out, product)
            theirs = begun(directory, ours, {AS_OF: as_of_ms, "positions": [each.position for each in inputs]})
            self.finished = finished(theirs)
            as_of_ms = theirs[AS_OF]
            inputs = tuple(each.at(position) for each, position in zip(inputs, theirs["positions"], strict=True))
        self._inputs: Final = inputs
        self._plan: Final = Plan(
            book=wanted.book,
            product=product,
            as_of_ms=as_of_ms,
            translation=wanted.translation,
            by_time=wanted.order == "time",
            names=tuple(each.name for each in inputs),
            directory=directory,
            buckets=wanted.limits.buckets(unpacked_bytes(inputs)),
            durable=wanted.work is not None,
            keep_dead_letters=wanted.dead_letters is not None,
            limits=wanted.limits,
        )

    def run(self) -> Tally:
        """The three steps of the module's head."""
        with room_in(self._directory):
            done = self._done()
        self._write(done)
        tally = Tally()
        for each in done:
            tally.add(each.tally)
        return tally

    def _done(self) -> list[Done]:
        """What each bucket gave, after what never came into one."""
        with SegmentWriter(self._directory / _RAW_LETTERS, durable=False) as letters:
            whole = self._whole_pieces(letters)
            first: list[Chunk | Records] = []
            size = 0
            for piece in whole:
                first.append(piece)
                size += piece.size
                if size > self._wanted.limits.bucket_bytes:
                    decided = self._in_buckets(chain(first, whole))
                    break
            else:
                with SegmentWriter(self._directory / _PIECES_LETTERS, durable=False) as left:
                    translator = Translator(self._plan, self._raw, left)
                    whole_records = [translator.translated(piece) for piece in first]
                decided = [Done(Tally(), None, _PIECES_LETTERS), decide(self._plan, _ONE_BUCKET, whole_records)]
        return [Done(self._raw.tally, None, _RAW_LETTERS), *decided]

    def _whole_pieces(self, letters: SegmentWriter) -> Iterator[Chunk | Records]:
        """The pieces of the input; a line that is too long becomes a dead letter here."""
        for piece in pieces(self._inputs, self._wanted.limits.chunk_bytes, self._read):
            if not isinstance(piece, LongLine):
                yield piece
                continue
            fault = oversized_fault(piece.line.size)
            self._raw.leave(fault)
            letters.write(piece.seq, dead_line(*self._plan.place(piece.seq), fault, piece.line))

    def _read(self, size: int) -> None:
        self._read_bytes += size
        self._progress("reading", self._read_bytes, self._bytes)

    def _in_buckets(self, whole: Iterable[Chunk | Records]) -> list[Done]:
        with Crew(self._plan, self._wanted.jobs) as crew:
            dealt = self._dealt(crew, whole)
            # In the order of their numbers: which names a tally counts is that of the first.
            numbers = buckets_in(self._plan.dealt(), self._plan.buckets)
            done = []
            for each in crew.each(process, numbers):
                done.append(each)
                self._progress("deciding", len(done), len(numbers))
            return [*dealt, *done]

    def _dealt(self, crew: Crew, whole: Iterable[Chunk | Records]) -> list[Done]:
        """What was met in each piece. Those that were dealt before are read and cut anew, which costs little."""
        count = 0

        def to_deal() -> Iterator[tuple[int, Chunk | Records | Handed]]:
            nonlocal count
            for number, piece in enumerate(whole):
                count += 1
                kept_ = self._plan.piece_file(number)
                if not kept_.exists():
                    yield number, handed(piece, self._plan.handed_file(number)) if crew.has_processes else piece
                elif Done.read(kept_).piece != (piece.first_seq, piece.size):
                    raise OtherReplay(str(self._directory), "inputs")  # of a topic, records are gone meanwhile

        for _ in crew.each(deal_piece, to_deal()):
            pass
        return self._as_one([Done.read(self._plan.piece_file(number)) for number in range(count)])

    def _as_one(self, dealt: list[Done]) -> list[Done]:
        """All pieces together: their dead letters are in order as they stand, and too many files to merge."""
        tally = Tally()
        for each in dealt:
            tally.add(each.tally)
        letters = [self._directory / each.dead_letters for each in dealt if each.dead_letters]
        whole = joined(letters, self._directory / _PIECES_LETTERS).name if letters else None
        return [Done(tally, None, whole)]

    def _write(self, done: list[Done]) -> None:
        made = [self._directory / each.lines for each in done if each.lines]
        size = sum(path.stat().st_size for path in made)
        with ExitStack() as stack:
            if self._wanted.dead_letters is not None:
                letters = stack.enter_context(whole_file(self._wanted.dead_letters))
                for _, data in merged(self._directory / each.dead_letters for each in done if each.dead_letters):
                    letters.write(data)
                letters.flush()  # a full disk is met before anything is sent
                if S_ISREG(os.fstat(letters.fileno()).st_mode):  # a pipe or a device is on no disk
                    os.fsync(letters.fileno())
            write = stack.enter_context(self._out.opened(self._directory))
            written = told = 0
            for _, data in merged(made):
                write(data)
                written += len(data)
                if written - told >= _TELL_BYTES:
                    told = written
                    self._progress("writing", written, size)
