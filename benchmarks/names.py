"""Names that stand in tables and that the aims look for. Pure."""

from typing import Final

__all__ = [
    "BYTEWAX",
    "DECODING",
    "EXACTLY_ONCE",
    "FAUST",
    "OURS",
    "QUICK_STREAMS",
    "QUIX",
    "REPLAY",
    "REPLAY_2",
    "RUNS",
    "STREAMS",
]

OURS: Final = "chat2ga, at least once"
EXACTLY_ONCE: Final = "chat2ga, exactly once"
RUNS: Final = "chat2ga's runs, at least once"
FAUST: Final = "plain Faust"
QUIX: Final = "Quix Streams"
BYTEWAX: Final = "Bytewax, nothing durable"
STREAMS: Final = "Kafka Streams, 1 thread"
QUICK_STREAMS: Final = "Kafka Streams, 1 thread, linger 5 ms"
DECODING: Final = "decoding alone"
REPLAY: Final = "replay, 1 process"
REPLAY_2: Final = "replay, 2 processes"
