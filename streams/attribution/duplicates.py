"""Duplicates: interactions that say nothing new. Pure: time is event time, in the data.

Three checks and not one hash, because the sender may know the identity, or repeat
itself to the letter, or speak from two tabs at once: three different certainties.
"""

from typing import Final

from msgspec.structs import replace

from schemas.session import DIGEST_BYTES, MAX_CONTENTS, MAX_IDENTITIES, LastOfContent
from streams.attribution.identity import content_digest, given_digest, hashed_digest
from streams.attribution.reasons import Reason, fired, stopped
from streams.attribution.turn import Turn

__all__ = ["duplicates"]

_MAX_BYTES: Final = MAX_IDENTITIES * DIGEST_BYTES
_NEW: Final = fired("duplicates", "nothing remembered says the same: it is applied")
_SAME_ID: Final = stopped("same_id", "an interaction of the same interaction_id was applied")
_SAME_COPY: Final = stopped("exact_copy", "the same content at the same instant was applied")


def duplicates(turn: Turn) -> Reason:
    """The first check that holds: same id, exact copy, copy from another tab. A duplicate changes nothing."""
    said, content = turn.interaction, None
    seen = turn.session.identities
    if said.interaction_id is not None:
        turn.identity = said.interaction_id
        digest = given_digest(turn.identity)
        if _applied(seen, digest):
            return _SAME_ID
    else:
        content = content_digest(said)
        turn.identity = f"{content.hex()}@{turn.at_micros:d}"
        digest = hashed_digest(turn.identity)
        if _applied(seen, digest):
            return _SAME_COPY
        if reason := _tab_copy(turn, content):
            return reason
    session = turn.session
    if session is turn.met:
        session = turn.session = replace(session)  # from here on it is this turn's
    if content is not None:
        session.contents = _with_content(turn, content)
    if len(seen) >= _MAX_BYTES:
        seen = seen[DIGEST_BYTES - _MAX_BYTES :]
    session.identities = seen + digest
    if turn.at_micros > session.last_micros:
        session.last_micros = turn.at_micros
    return _NEW


def _applied(seen: bytes, digest: bytes) -> bool:
    """Whether the digest is one of those remembered, which lie one behind the other; one across two of them is none."""
    at = seen.find(digest)  # not `in`, which first takes it for a number and makes an exception of that
    while at % DIGEST_BYTES and at > 0:
        at = seen.find(digest, at + 1)
    return at >= 0


def _tab_copy(turn: Turn, content: bytes) -> Reason | None:
    """Another tab's copy of the last one of its content: both name a tab, and differ.

    A tab that repeats itself reports something new. Both ends of the window are in it.
    """
    tab_id = turn.interaction.tab_id
    if tab_id is None:
        return None
    for last in turn.session.contents:
        if last.content == content:
            apart = abs(turn.at_micros - last.micros)
            if last.tab_id is None or last.tab_id == tab_id or apart > turn.rules.tab_window_micros:
                return None
            return stopped("tab_copy", f"tab {tab_id} repeats tab {last.tab_id}, {apart / 1000:g} ms apart")
    return None


def _with_content(turn: Turn, content: bytes) -> tuple[LastOfContent, ...]:
    others = [last for last in turn.session.contents if last.content != content]
    others.append(LastOfContent(content, turn.interaction.tab_id, turn.at_micros))
    return tuple(others[-MAX_CONTENTS:])
