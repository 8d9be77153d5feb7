"""Replay: files of interactions in, files of GA events out, by the same `step` as the worker's; and its explanation."""

from streams.replay.engine import Tally
from streams.replay.explain import Explanation, Left, Question, Step, chain, explain
from streams.replay.inputs import inputs_of, total_bytes
from streams.replay.products import Events, Product
from streams.replay.run import Phase, Progress, Replay, replay
from streams.replay.state import changes, instant_text, state_of

__all__ = [
    "Events",
    "Explanation",
    "Left",
    "Phase",
    "Product",
    "Progress",
    "Question",
    "Replay",
    "Step",
    "Tally",
    "chain",
    "changes",
    "explain",
    "inputs_of",
    "instant_text",
    "replay",
    "state_of",
    "total_bytes",
]
