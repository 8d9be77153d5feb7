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

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from hashlib import blake2b
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from time import time_ns
from typing import Any, Final, Literal

import msgspec

from schemas.options import RULES_VERSION
from streams.attribution import RuleBook
from streams.replay.bucket import Done, decide, process
from streams.replay.crew import Crew
from streams.replay.dead_letters import dead_line, oversized_fault
from streams.replay.engine import Engine, Tally
from streams.replay.errors import BadOutput
from streams.replay.inputs import STDIN, Input, inputs_of, pieces, total_bytes, unpacked_bytes
from streams.replay.places import Chunk, LongLine, Records
from streams.replay.plan import Limits, Plan
from streams.replay.products import Events, Product
from streams.replay.segments import SegmentWriter, merged
from streams.replay.spill import buckets_in, deal
from streams.replay.work import begun, kept, temporary
from streams.replay.writing import Output, check_file, output_of, room_in, whole_file

__all__ = ["Phase", "Progress", "Replay", "replay"]

Phase = Literal["reading", "deciding", "writing"]
Progress = Callable[[Phase, int, int | None], None]
"""Told of the phase, how far it is, and of how much, where that is known."""

_ONE_BUCKET: Final = "all"
_AS_OF: Final = "time of arrival"
_TELL_BYTES: Final = 1_048_576


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be replayed, and where to."""

    inputs: tuple[str | Input, ...]
    out: str | Output
    book: RuleBook
    product: Product | None = None  # by default the events that `book` gives
    as_of_ms: int | None = None  # by default now, or when the replay began that goes on
    dead_letters: str | None = None  # a file
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
    with temporary() if wanted.work is None else kept(wanted.work) as directory:
        return _Run(wanted, inputs, out, directory, progress).run()


def _check(wanted: Replay, inputs: Iterable[Input], out: Output) -> None:
    """Whatever can be known to be wrong before the first record is read."""
    out.check()
    if wanted.dead_letters is not None:
        check_file(wanted.dead_letters)
    taken = {Path(each.name).resolve(): f"the input {each.name}" for each in inputs if each.name != STDIN}
    dead = Path(wanted.dead_letters) if wanted.dead_letters is not None else None
    for what, path in (("--to", out.file), ("--dead-letters", dead)):
        if path is None:
            continue
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
        self._inputs: Final = inputs
        self._out: Final = out
        self._directory: Final = directory
        self._progress: Final = progress
        self._bytes: Final = total_bytes(inputs)
        self._read_bytes = 0
        self._oversized: Final = Engine(wanted.book)
        product = wanted.product or Events(wanted.book)
        as_of_ms = time_ns() // 1_000_000 if wanted.as_of_ms is None else wanted.as_of_ms
        if wanted.work is not None:
            as_of_ms = begun(directory, _manifest(wanted, inputs, out, product), {_AS_OF: as_of_ms})[_AS_OF]
        self._plan: Final = Plan(
            book=wanted.book,
            product=product,
            as_of_ms=as_of_ms,
            by_time=wanted.order == "time",
            names=tuple(each.name for each in inputs),
            directory=directory,
            buckets=wanted.limits.buckets(unpacked_bytes(inputs)),
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
            whole = self._whole_pieces(letters)
            first: list[Chunk | Records] = []
            size = 0
            for piece in whole:
                first.append(piece)
                size += piece.size
                if size > self._wanted.limits.bucket_bytes:
                    return self._in_buckets(chain(first, whole))
        return [decide(self._plan, _ONE_BUCKET, first)]

    @property
    def _oversized_letters(self) -> Path:
        return self._directory / "oversized.dead"

    def _whole_pieces(self, letters: SegmentWriter) -> Iterator[Chunk | Records]:
        """The pieces of the input; a line that is too long becomes a dead letter here."""
        for piece in pieces(self._inputs, self._wanted.limits.chunk_bytes, self._read):
            if not isinstance(piece, LongLine):
                yield piece
                continue
            fault = oversized_fault(piece.line.size)
            self._oversized.refuse(fault)
            letters.write(piece.seq, dead_line(*self._plan.place(piece.seq), fault, piece.line))

    def _read(self, size: int) -> None:
        self._read_bytes += size
        self._progress("reading", self._read_bytes, self._bytes)

    def _in_buckets(self, whole: Iterable[Chunk | Records]) -> list[Done]:
        with Crew(self._plan, self._wanted.jobs) as crew:
            # Read anew where the replay was interrupted: cutting costs little, and who has dealt a piece is known.
            to_deal = ((n, piece) for n, piece in enumerate(whole) if not self._plan.dealt_file(n).exists())
            for _ in crew.each(_deal, to_deal):
                pass
            # In the order of their numbers: which names a tally counts is that of the first.
            numbers = buckets_in(self._plan.dealt(), self._plan.buckets)
            done = []
            for each in crew.each(process, numbers):
                done.append(each)
                self._progress("deciding", len(done), len(numbers))
            return done

    def _write(self, done: list[Done]) -> None:
        made = [self._directory / each.lines for each in done]
        size = sum(path.stat().st_size for path in made)
        with ExitStack() as stack:
            if self._wanted.dead_letters is not None:
                letters = stack.enter_context(whole_file(self._wanted.dead_letters))
                kept_ = [self._directory / each.dead_letters for each in done if each.dead_letters]
                for _, data in merged([self._oversized_letters, *kept_]):
                    letters.write(data)
            write = stack.enter_context(self._out.opened(self._directory))
            written = told = 0
            for _, data in merged(made):
                write(data)
                written += len(data)
                if written - told >= _TELL_BYTES:
                    told = written
                    self._progress("writing", written, size)


def _deal(plan: Plan, given: tuple[int, Chunk | Records]) -> None:
    number, piece = given
    deal(piece.records(plan.as_of_ms), plan.buckets, plan.dealt_file(number))


def _manifest(wanted: Replay, inputs: Iterable[Input], out: Output, product: Product) -> dict[str, Any]:
    """All that decides what comes out, or where what is done lies."""
    return {
        "version": version("chat2ga"),
        "rules version": RULES_VERSION,
        "inputs": [each.identity for each in inputs],
        "output": out.name,
        "rules and accounts": _digest(wanted.book),
        "product": f"{type(product).__name__} {_digest(product)}",
        **({} if wanted.as_of_ms is None else {_AS_OF: wanted.as_of_ms}),
        "order": wanted.order,
        "dead letters": wanted.dead_letters,
        "limits": msgspec.to_builtins(wanted.limits),
    }


def _digest(made_of: object) -> str:
    data = msgspec.json.encode(msgspec.to_builtins(made_of, enc_hook=_rules), order="deterministic")
    return blake2b(data, digest_size=16).hexdigest()


def _rules(book: object) -> object:
    assert isinstance(book, RuleBook)
    return book.__reduce__()[1]
