"""Whether the worker's table holds of a session what its records explain. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from schemas.session import encode_session
from streams.replay.explanation import KafkaPlace, Step, Stored
from streams.replay.state import changes, state_of

__all__ = ["Agreement", "agreement"]

_UNSEEN: Final = ("what duplicates are known by", "as explained", "other")
"""Digests are what nobody reads: of them it can only be told that they differ."""


class Agreement(msgspec.Struct, frozen=True):
    """How far the worker has come, and what it holds then that is not what was explained."""

    applied: int  # of the interactions explained
    pending: int
    differences: tuple[tuple[str, Any, Any], ...] = ()  # what, as explained, as stored
    other_session: bool = False
    """The table holds another session of this key: a visitor's later one, or one whose first records are gone."""
    further: bool = False
    """The worker has applied records of this session that came after those explained."""


def agreement(steps: Sequence[Step], stored: Stored) -> Agreement:
    """Compare what is stored with the state that the interactions give up to where the worker has come."""
    applied = [step for step in steps if _offset(step) <= stored.last_offset]
    pending = len(steps) - len(applied)
    if not applied:
        return Agreement(0, pending)
    explained = applied[-1].decision.session
    if explained.session_id != stored.session.session_id:
        return Agreement(len(applied), pending, other_session=True)
    if not pending and _offset(applied[-1]) < stored.last_offset:
        return Agreement(len(applied), pending, further=True)
    differences = changes(state_of(explained), state_of(stored.session))
    if not differences and encode_session(explained) != encode_session(stored.session):
        differences = [_UNSEEN]
    return Agreement(len(applied), pending, tuple(differences))


def _offset(step: Step) -> int:
    assert isinstance(step.at, KafkaPlace)  # a table is of a topic's records
    return step.at.offset
