"""One bucket: its lines in, its events and dead letters out, in files of segments."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree

import msgspec

from streams.replay.engine import Engine, Tally
from streams.replay.plan import Plan
from streams.replay.segments import SegmentWriter, merged, sort_segments
from streams.replay.sessions import Reader, Session, in_memory, sorted_on_disk
from streams.replay.spill import LEVELS, Block, Lines, blocks, bucket_bytes, deal

__all__ = ["Done", "decide", "process"]


class Done(msgspec.Struct, frozen=True):
    """What came of a bucket."""

    tally: Tally
    events: Path  # segments
    dead_letters: Path | None  # segments


def process(plan: Plan, name: str, level: int = 1) -> Done:
    """Process the bucket of that name, which was dealt `level` times, and remove it."""
    bucket = plan.directory / name
    found = blocks(bucket)
    if bucket_bytes(found) <= plan.limits.bucket_bytes:
        done = decide(plan, name, found)
    elif level < LEVELS:
        done = _dealt_anew(plan, name, found, level)
    else:
        done = _decided(plan, name, lambda reader: sorted_on_disk(found, reader, plan, bucket))
        sort_segments(done.events)
    rmtree(bucket, ignore_errors=True)
    return done


def decide(plan: Plan, name: str, found: Sequence[Lines]) -> Done:
    """Process what fits in memory, wherever it lies, as the bucket of that name."""
    return _decided(plan, name, lambda reader: in_memory(found, reader, by_time=plan.by_time))


def _decided(plan: Plan, name: str, sessions_of: Callable[[Reader], Iterable[Session]]) -> Done:
    engine = Engine(plan.book, plan.as_of_ms)
    events, letters = _outputs(plan, name)
    with ExitStack() as stack:
        writer = stack.enter_context(SegmentWriter(events))
        reader = Reader(plan, engine, stack.enter_context(SegmentWriter(letters)) if letters else None)
        stack.enter_context(_no_cycles())
        for seq, interactions in sessions_of(reader):
            writer.write_all(seq, plan.product.lines(interactions, engine.tally))
    return Done(engine.tally, events, letters)


def _dealt_anew(plan: Plan, name: str, found: list[Block], level: int) -> Done:
    """The same in smaller buckets, one after the other."""
    parts = sorted({part for block in found for part in deal(block.lines(), plan.directory, f"{name}-", level)})
    rmtree(plan.directory / name, ignore_errors=True)
    tally = Tally()
    done = [process(plan, part, level + 1) for part in parts]
    for each in done:
        tally.add(each.tally)
    events, letters = _outputs(plan, name)
    _join(events, [each.events for each in done])
    if letters:
        _join(letters, [each.dead_letters for each in done if each.dead_letters])
    return Done(tally, events, letters)


def _join(path: Path, parts: list[Path]) -> None:
    with SegmentWriter(path) as writer:
        for seq, data in merged(parts):
            writer.write(seq, data)
    for part in parts:
        part.unlink()


def _outputs(plan: Plan, name: str) -> tuple[Path, Path | None]:
    letters = plan.directory / f"{name}.dead" if plan.keep_dead_letters else None
    return plan.directory / f"{name}.events", letters


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Without the search for reference cycles: a bucket makes none, and the search takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
