"""A job on Quix Streams: a dataframe with state in RocksDB and its changelog topic.

State is kept as bytes (`get_bytes`), which spares Quix a second encoding. As it
comes otherwise: at least once, commits every 5 s, at log level `WARNING`.

    python -m benchmarks.peers.quix_streams BOOTSTRAP PREFIX PARTITIONS full|counting STATE_DIR
"""

import sys
from typing import Any

from quixstreams import Application, State

from benchmarks.peers.jobs import JOBS, Job


def application(bootstrap: str, prefix: str, job: Job, state_dir: str) -> Application:
    """The app, from one topic to the other. Its changelog has as many partitions as its input."""
    app = Application(
        broker_address=bootstrap,
        consumer_group=f"{prefix}quix",
        auto_offset_reset="earliest",
        state_dir=state_dir,
        loglevel="WARNING",
    )
    records = app.topic(f"{prefix}{job.reads}", key_deserializer="bytes", value_deserializer="bytes")
    out = app.topic(f"{prefix}{job.writes}", key_serializer="bytes", value_serializer="bytes")

    def work(value: bytes, _key: bytes, timestamp: int, _headers: Any, state: State) -> list[bytes]:  # noqa: ANN401
        stored = state.get_bytes("state")
        now, given = job.apply(job.decode(stored) if stored is not None else None, value, timestamp)
        state.set_bytes("state", job.encode(now))
        return given

    app.dataframe(records).apply(work, stateful=True, expand=True, metadata=True).to_topic(out)
    return app


if __name__ == "__main__":
    given_bootstrap, given_prefix, _, given_job, given_state_dir = sys.argv[1:]
    application(given_bootstrap, given_prefix, JOBS[given_job], given_state_dir).run()
