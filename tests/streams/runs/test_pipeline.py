"""Pipelines: what a run still holds once it is computed. How they are written and committed, the guarantees show."""

from types import SimpleNamespace

from faust.types.tuples import TP

from streams.runs import Run, Writes
from streams.runs.pipeline import Stateful
from streams.runs.run import RunMessage

INPUT = TP("in", 0)


async def test_a_computed_run_waits_for_the_broker_without_its_records():
    """They are the most of a worker's memory, and what is left to do needs offsets alone."""
    records = [SimpleNamespace(offset=offset, timestamp=0, timestamp_type=0) for offset in (4, 5)]
    message = RunMessage(Run(*INPUT, records, 7), 1)
    computed, finished = [], []

    def compute(run):
        computed.append([record.offset for record in run.records])
        return Writes()

    async def finish(work, turn):
        assert await turn()
        finished.append((len(work.message.run), work.message.next_offset))

    app = SimpleNamespace(writing=SimpleNamespace(finish=finish))
    await Stateful(app, compute).begin(SimpleNamespace(message=message, value=message.run))
    assert (computed, finished) == ([[4, 5]], [(0, 7)])
