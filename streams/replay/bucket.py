"""One bucket: its records in, what is made of them and dead letters out, in files of segments."""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from shutil import rmtree

from streams.replay.done import Done
from streams.replay.engine import Engine
from streams.replay.places import Lines
from streams.replay.plan import Plan
from streams.replay.segments import SegmentWriter
from streams.replay.sessions import Reader, Session, in_memory, sorted_on_disk
from streams.replay.spill import blocks, bucket_bytes

__all__ = ["decide", "process"]


def process(plan: Plan, number: int) -> Done:
    """Process the bucket of that number, unless that was done before."""
    kept = plan.directory / f"{number}.done"
    if kept.exists():
        return Done.read(kept)
    found = blocks(plan.dealt(), number)
    if bucket_bytes(found) <= plan.limits.bucket_bytes:
        done = decide(plan, str(number), found)
    else:
        sorting = plan.directory / f"{number}.sorting"
        rmtree(sorting, ignore_errors=True)
        done = _decided(plan, str(number), lambda reader: sorted_on_disk(found, reader, plan, sorting))
        rmtree(sorting, ignore_errors=True)
    done.write(kept, durable=plan.durable)
    return done


def decide(plan: Plan, name: str, found: Sequence[Lines]) -> Done:
    """Process what fits in memory, wherever it lies, as the bucket of that name."""
    return _decided(plan, name, lambda reader: in_memory(found, reader, plan))


def _decided(plan: Plan, name: str, sessions_of: Callable[[Reader], Iterable[Session]]) -> Done:
    engine = Engine(plan.book)
    # Named after this process too: one that was left behind by a killed replay may still be writing its own.
    ours = f"{name}.{os.getpid()}"
    lines, letters = f"{ours}.lines", f"{ours}.dead" if plan.keep_dead_letters else None
    with ExitStack() as stack:
        writer = stack.enter_context(SegmentWriter(plan.directory / lines, durable=plan.durable))
        reader = Reader(
            plan,
            engine,
            stack.enter_context(SegmentWriter(plan.directory / letters, durable=plan.durable)) if letters else None,
        )
        stack.enter_context(_no_cycles())
        for seq, interactions in sessions_of(reader):
            writer.write_all(seq, plan.product.lines(interactions, engine.tally))
    return Done(engine.tally, lines, letters)


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
