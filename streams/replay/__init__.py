"""Replay: files of interactions in, files of GA events out, by the same `step` as the worker's; and its explanation."""

from streams.replay.engine import Tally
from streams.replay.explain import Question, explain
from streams.replay.explanation import Explanation, FilePlace, KafkaPlace, Left, Step, chain
from streams.replay.naming import Asked, Holding, Named, Sent
from streams.replay.products import Events, Product
from streams.replay.reading import total_bytes
from streams.replay.run import Phase, Progress, Replay, replay
from streams.replay.state import changes, instant_text, state_of

__all__ = [
    "Asked",
    "Events",
    "Explanation",
    "FilePlace",
    "Holding",
    "KafkaPlace",
    "Left",
    "Named",
    "Phase",
    "Product",
    "Progress",
    "Question",
    "Replay",
    "Sent",
    "Step",
    "Tally",
    "chain",
    "changes",
    "explain",
    "instant_text",
    "replay",
    "state_of",
    "total_bytes",
]
