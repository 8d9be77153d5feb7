"""The same job as chat2ga's `attribute`, written the way Faust's guide writes it.

One record at a time: decode, look the session up in a table, `step`, put it
back, send each event. Faust is as it comes, at its log level `warn`; with
`quiet`, all logging below a warning is off in the process, which spares Faust
the making of debug records that nobody reads. Nothing of `streams.runs` is used.

    python -m benchmarks.peers.vanilla_faust BROKER PREFIX PARTITIONS plain|quiet
"""

import logging
import sys

import faust

from schemas.ga_event import encode_event
from schemas.interaction import Fault, Unknown
from schemas.session import decode_session, encode_session
from streams.attribution import RuleBook, step


def application(broker: str, prefix: str, partitions: int) -> faust.App:
    """The app: topics `<prefix>chat-interactions` in, `<prefix>ga-events` out."""
    app = faust.App(
        f"{prefix}vanilla",
        broker=broker,
        store="memory://",
        topic_partitions=partitions,
        processing_guarantee="at_least_once",
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        producer_acks=-1,
        stream_wait_empty=False,
    )
    interactions = app.topic(f"{prefix}chat-interactions", key_type=bytes, value_type=bytes, value_serializer="raw")
    events = app.topic(f"{prefix}ga-events", key_type=bytes, value_type=bytes, value_serializer="raw")
    letters = app.topic(f"{prefix}dead-letters", key_type=bytes, value_type=bytes, value_serializer="raw")
    sessions = app.Table("sessions", partitions=partitions, key_type=bytes, value_type=bytes)
    rules = RuleBook()

    @app.agent(interactions)
    async def attribute(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            message = event.message
            decoded = rules.decode(event.value, int(message.timestamp * 1000))
            if isinstance(decoded, Unknown):
                continue
            if isinstance(decoded, Fault):
                _ = await letters.send(key=message.key, value=event.value)
                continue
            stored = sessions.get(message.key)
            decision = step(
                decode_session(stored) if stored is not None else None, decoded, rules.of(decoded.account_id)
            )
            for sent in decision.events:
                _ = await events.send(key=message.key, value=encode_event(sent), partition=message.partition)
            sessions[message.key] = encode_session(decision.session)

    return app


if __name__ == "__main__":
    broker, prefix, partitions, how = sys.argv[1:]
    if how == "quiet":
        logging.disable(logging.INFO)
    app = application(broker, prefix, int(partitions))
    sys.argv = ["vanilla_faust", "worker", "--loglevel", "warn", "--without-web"]
    app.main()
