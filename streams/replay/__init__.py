"""Replay: files of interactions in, files of GA events out, by the same `step` as the worker's; and its explanation."""

from streams.replay.engine import Tally
from streams.replay.explain import Explanation, Left, Question, Step, chain, explain
from streams.replay.inputs import Input, inputs_of, total_bytes
from streams.replay.places import Records, line_at
from streams.replay.plan import Translation
from streams.replay.products import Events, Product, keyed
from streams.replay.run import Phase, Progress, Replay, replay
from streams.replay.state import changes, instant_text, state_of
from streams.replay.writing import Output

__all__ = [
    "Events",
    "Explanation",
    "Input",
    "Left",
    "Output",
    "Phase",
    "Product",
    "Progress",
    "Question",
    "Records",
    "Replay",
    "Step",
    "Tally",
    "Translation",
    "chain",
    "changes",
    "explain",
    "inputs_of",
    "instant_text",
    "keyed",
    "line_at",
    "replay",
    "state_of",
    "total_bytes",
]
