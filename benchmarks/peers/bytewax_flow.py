"""A job on Bytewax: a dataflow with one worker, state in its memory as objects, recovery off.

So nothing of the state is written down: a crash loses it. Batches of 1,000 records,
which is Bytewax's default and what its documentation names for throughput.

    python -m benchmarks.peers.bytewax_flow BOOTSTRAP PREFIX PARTITIONS full|counting
"""

import sys
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage, KafkaSourceMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main

from benchmarks.peers.jobs import JOBS, Job


def dataflow(bootstrap: str, prefix: str, job: Job) -> Dataflow:
    """The flow, from one topic to the other."""
    flow = Dataflow("job")
    read = kop.input("read", flow, brokers=[bootstrap], topics=[f"{prefix}{job.reads}"])
    keyed = op.key_on("by_key", read.oks, lambda record: record.key.decode())

    def work(state: Any, record: KafkaSourceMessage) -> tuple[Any, list[KafkaSinkMessage]]:  # noqa: ANN401 - the job's
        now, given = job.apply(state, record.value, record.timestamp[1])
        return now, [KafkaSinkMessage(record.key, each) for each in given]

    worked = op.stateful_flat_map("work", keyed, work)
    kop.output("write", op.key_rm("without_key", worked), brokers=[bootstrap], topic=f"{prefix}{job.writes}")
    return flow


if __name__ == "__main__":
    given_bootstrap, given_prefix, _, given_job = sys.argv[1:]
    cli_main(dataflow(given_bootstrap, given_prefix, JOBS[given_job]))
