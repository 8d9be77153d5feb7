"""The two jobs, as every engine in Python does them: what a record makes of a key's state, and what goes out.

Pure, and with no more of chat2ga than its core: peers run it in an environment of
their own. An engine adds reading, keeping state and writing, and that is measured.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from schemas.ga_event import encode_event
from schemas.interaction import Fault, Unknown
from schemas.session import Session, decode_session, encode_session
from streams.attribution import RuleBook, step

__all__ = ["JOBS", "Job"]

State = Any
"""Whatever a job holds of a key; None: nothing yet."""


class Job(NamedTuple):
    """A job: its topics, without their prefix, and what is done with each record."""

    name: str
    reads: str
    writes: str
    apply: Callable[[State, bytes, int], tuple[State, list[bytes]]]
    """State, value and record time in milliseconds give the new state and what goes out, under the same key."""
    encode: Callable[[State], bytes]
    decode: Callable[[bytes], State]


_rules: Final = RuleBook()


def _attribute(session: Session | None, value: bytes, arrival_ms: int) -> tuple[Session | None, list[bytes]]:
    """chat2ga's own: decode, `step`, events. Benchmarks have no bad records: engines differ in what they do with one.

    Raises ValueError for one all the same.
    """
    decoded = _rules.decode(value, arrival_ms)
    if isinstance(decoded, (Fault, Unknown)):
        raise ValueError(f"{value!r}: {decoded}")  # noqa: TRY004 - of the value, not of its type
    decision = step(session, decoded, _rules.of(decoded.account_id))
    return decision.session, [encode_event(event) for event in decision.events]


def _count(state: dict[str, int] | None, value: bytes, _arrival_ms: int) -> tuple[dict[str, int], list[bytes]]:
    """Count and add up by key; every second record's count goes out."""
    click = orjson.loads(value)
    n = click["n"]
    if state is None:
        state = {"count": 1, "sum": click["v"], "last": n}
    else:
        state = {"count": state["count"] + 1, "sum": state["sum"] + click["v"], "last": n}
    if n % 2:
        return state, []
    return state, [orjson.dumps({"sid": click["sid"], "n": n, "count": state["count"], "sum": state["sum"]})]


JOBS: Final = {
    job.name: job
    for job in (
        Job("full", "chat-interactions", "ga-events", _attribute, encode_session, decode_session),
        Job("counting", "clicks", "counts", _count, orjson.dumps, orjson.loads),
    )
}
