"""A job on plain Faust, written the way Faust's guide writes it.

One record at a time: look the key's state up in a table, apply, put it back, send
what goes out. Faust is as it comes, at its log level `warn`; with `quiet`, all
logging below a warning is off in the process, which spares Faust the making of debug
records that nobody reads. Nothing of `streams.runs` is used.

    python -m benchmarks.peers.vanilla_faust BOOTSTRAP PREFIX PARTITIONS full|counting plain|quiet
"""

import logging
import sys

import faust

from benchmarks.peers.jobs import JOBS, Job


def application(bootstrap: str, prefix: str, partitions: int, job: Job) -> faust.App:
    """The app, from one topic to the other."""
    app = faust.App(
        f"{prefix}vanilla",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        topic_partitions=partitions,
        processing_guarantee="at_least_once",
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        producer_acks=-1,
        stream_wait_empty=False,
    )
    records = app.topic(f"{prefix}{job.reads}", key_type=bytes, value_type=bytes, value_serializer="raw")
    out = app.topic(f"{prefix}{job.writes}", key_type=bytes, value_type=bytes, value_serializer="raw")
    states = app.Table("states", partitions=partitions, key_type=bytes, value_type=bytes)

    @app.agent(records)
    async def work(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            message = event.message
            stored = states.get(message.key)
            state, given = job.apply(
                job.decode(stored) if stored is not None else None, event.value, int(message.timestamp * 1000)
            )
            for each in given:
                _ = await out.send(key=message.key, value=each, partition=message.partition)
            states[message.key] = job.encode(state)

    return app


if __name__ == "__main__":
    given_bootstrap, given_prefix, given_partitions, given_job, how = sys.argv[1:]
    if how == "quiet":
        logging.disable(logging.INFO)
    vanilla = application(given_bootstrap, given_prefix, int(given_partitions), JOBS[given_job])
    sys.argv = ["vanilla_faust", "worker", "--loglevel", "warn", "--without-web"]
    vanilla.main()
