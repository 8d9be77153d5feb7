"""Answers: what a sender is told, each with its status and what it is counted as. Pure.

None quotes a secret, a body, or why a sender is not believed.
"""

import math
from typing import Any, Final, NamedTuple

from schemas.interaction import Fault
from streams.ingest.interactions import Refused
from streams.observe.metrics import IngestOutcome

__all__ = [
    "BUSY",
    "CUT_SHORT",
    "ENCODED",
    "FAILED",
    "NOT_FOUND",
    "NOT_THERE",
    "SLOW",
    "STATUS",
    "TOO_LARGE",
    "Answer",
    "accepted",
    "refused",
    "throttled",
    "unauthorised",
]

STATUS: Final[dict[IngestOutcome, int]] = {
    "accepted": 200,
    "nothing": 204,
    "invalid": 400,
    "cut_short": 400,
    "unauthorised": 401,
    "not_found": 404,
    "slow": 408,
    "too_large": 413,
    "encoded": 415,
    "throttled": 429,
    "failed": 500,
    "busy": 503,
    "unavailable": 503,
}
"""The status of each outcome."""


class Answer(NamedTuple):
    """What is said, beside its status."""

    outcome: IngestOutcome
    body: dict[str, Any] | None = None
    retry_after_s: int | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 - a tuple's default, changed by nobody

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return STATUS[self.outcome]


NOT_FOUND: Final = Answer("not_found", {"error": "no such endpoint"})
SLOW: Final = Answer("slow", {"error": "the body did not arrive in time"})
CUT_SHORT: Final = Answer("cut_short", {"error": "the body did not arrive whole"})
TOO_LARGE: Final = Answer("too_large", {"error": "the body is too large"})
ENCODED: Final = Answer(
    "encoded", {"error": "the body is encoded: send it as it is"}, headers={"Accept-Encoding": "identity"}
)
FAILED: Final = Answer("failed", {"error": "this is a fault of chat2ga"})
BUSY: Final = Answer("busy", {"error": "too many requests at once"}, retry_after_s=1)
NOT_THERE: Final = Answer("unavailable", {"error": "not written: send it again"}, retry_after_s=5)
"""Kafka does not acknowledge, or the endpoint's secret cannot be read, or we are about to stop."""


def accepted(written: int, unknown: int) -> Answer:
    """So many interactions are on the topic."""
    if not written:
        return Answer("nothing")
    return Answer("accepted", {"accepted": written, **({"ignored": unknown} if unknown else {})})


def unauthorised(scheme: str) -> Answer:
    """Whoever sent this does not know the secret, or it was sent too long ago."""
    return Answer("unauthorised", {"error": "unauthorised"}, headers={"WWW-Authenticate": scheme})


def throttled(wait_s: float) -> Answer:
    """More requests than the endpoint takes."""
    return Answer("throttled", {"error": "too many requests"}, retry_after_s=max(1, math.ceil(wait_s)))


def refused(refusal: Refused) -> Answer:
    """What is wrong with the body, in the field's own name."""
    fault, line = refusal
    told = {"error": "invalid", "code": fault.code, "field": fault.field, "reason": _reason(fault)}
    outcome: IngestOutcome = "too_large" if fault.code == "too_large" else "invalid"
    return Answer(outcome, told if line is None else {**told, "line": line})


def _reason(fault: Fault) -> str:
    """As a dead letter has it, but for what it quotes: that is the sender's visitor's, and answers are logged."""
    if fault.code == "unknown_type":
        return "Expected a known type"
    if fault.reason.startswith("Invalid enum value"):
        return "Not one of the values that this field takes"
    return fault.reason
