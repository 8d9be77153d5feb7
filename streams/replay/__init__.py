"""Replay: files of interactions in, files of GA events out, by the same `step` as the worker's; and its explanation."""

from streams.replay.agreement import Agreement, agreement
from streams.replay.engine import Tally
from streams.replay.explain import Question, explain
from streams.replay.explanation import Explanation, FilePlace, KafkaPlace, Left, Step, Stored, chain
from streams.replay.inputs import Input, inputs_of, passed_over, total_bytes
from streams.replay.naming import Asked, Holding, Named, Sent
from streams.replay.places import Records, line_at
from streams.replay.plan import Translation
from streams.replay.products import Events, Product, keyed
from streams.replay.run import Phase, Progress, Replay, replay
from streams.replay.state import changes, instant_text, state_of
from streams.replay.writing import Output

__all__ = [
    "Agreement",
    "Asked",
    "Events",
    "Explanation",
    "FilePlace",
    "Holding",
    "Input",
    "KafkaPlace",
    "Left",
    "Named",
    "Output",
    "Phase",
    "Product",
    "Progress",
    "Question",
    "Records",
    "Replay",
    "Sent",
    "Step",
    "Stored",
    "Tally",
    "Translation",
    "agreement",
    "chain",
    "changes",
    "explain",
    "inputs_of",
    "instant_text",
    "keyed",
    "line_at",
    "passed_over",
    "replay",
    "state_of",
    "total_bytes",
]
