"""One piece of the input: its records, translated where they are of another format, dealt into buckets.

It is dealt whole or not at all, and what it says then stands beside it.
"""

from contextlib import ExitStack

from streams.replay.done import Done
from streams.replay.engine import Engine
from streams.replay.handing import Handed
from streams.replay.places import Chunk, Records
from streams.replay.plan import Plan
from streams.replay.segments import SegmentWriter
from streams.replay.spill import deal
from streams.replay.translating import Translator

__all__ = ["deal_piece"]


def deal_piece(plan: Plan, given: tuple[int, Chunk | Records | Handed]) -> Done:
    """Deal the piece of that number."""
    number, piece = given
    engine = Engine(plan.book)
    with ExitStack() as stack:
        letters = None
        if plan.keep_dead_letters and plan.translation is not None:
            letters = plan.dealt_file(number).with_suffix(".left")
            writer = stack.enter_context(SegmentWriter(letters, durable=plan.durable))
        translator = Translator(plan, engine, writer if letters else None)
        deal(translator.records(piece), plan.buckets, plan.dealt_file(number), durable=plan.durable)
    done = Done(engine.tally, None, letters.name if letters else None, (piece.first_seq, piece.size))
    done.write(plan.piece_file(number), durable=plan.durable)
    return done
