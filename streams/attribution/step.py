"""`step`: the whole of attribution, one interaction at a time. Pure.

    step(session, interaction, rules) -> Decision(session, events, reasons)

No clock, no I/O, no randomness: the same arguments give the same bytes, so the
worker, a replay and `explain` cannot disagree.
"""

import msgspec

from schemas.ga_event import GaEvent
from schemas.interaction import Interaction
from schemas.session import Session
from streams.attribution.reasons import Reason
from streams.attribution.rulebook import PIPELINES
from streams.attribution.rules import Rules
from streams.attribution.turn import Turn

__all__ = ["Decision", "step"]


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What came of an interaction."""

    session: Session
    events: tuple[GaEvent, ...]
    reasons: tuple[Reason, ...]

    @property
    def duplicate(self) -> str | None:
        """The check that found the interaction to be a duplicate."""
        last = self.reasons[-1]
        return last.rule if last.outcome == "stopped" else None

    @property
    def dropped_for_consent(self) -> bool:
        """Whether there were events, which were dropped for want of consent."""
        return self.reasons[-1].outcome == "fired"  # the consent rule stands last


def step(session: Session | None, interaction: Interaction, rules: Rules) -> Decision:
    """Apply one interaction to its session; None where nothing is known of it.

    The arguments stay as they were. A duplicate gives back the same session and
    no event. Raises nothing: an invalid record became a dead letter at decoding.
    """
    turn = Turn(session, interaction, rules)
    gates, others = PIPELINES[type(interaction)]
    reasons = []
    for gate in gates:
        reason = gate(turn)
        reasons.append(reason)
        if reason.outcome == "stopped":
            assert session is not None  # an empty state holds nothing to repeat
            return Decision(session, (), tuple(reasons))
    reasons += [apply(turn) for apply in others]
    return Decision(turn.session, tuple(turn.events), tuple(reasons))
