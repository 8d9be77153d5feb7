"""Who is who: identities of interactions and events, all of them hashes of content.

Nothing here knows an offset, a partition, an arrival or a random number, so a
replay of the same history makes the same ids (CONTRACT §2, `event_id`).
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

import msgspec

from schemas import interaction as raw
from schemas.session import DIGEST_BYTES

__all__ = ["content_digest", "derived_client_id", "event_id", "given_digest", "hashed_digest"]

# MessagePack frames every part with its length: no two lists of parts share their bytes.
_pack: Final = msgspec.msgpack.Encoder().encode


# A hash is copied in half the time in which one is made.
_begin: Final = blake2b(digest_size=DIGEST_BYTES).copy


def _digest(parts: object) -> bytes:
    digest = _begin()
    digest.update(_pack(parts))
    return digest.digest()


# What the session remembers of an interaction it has applied. Keyed, so that an id and a hash never meet, whatever text
# a sender puts in its id.
_begin_given: Final = blake2b(digest_size=DIGEST_BYTES, key=b"given").copy
_begin_hashed: Final = blake2b(digest_size=DIGEST_BYTES, key=b"hashed").copy


def given_digest(interaction_id: str) -> bytes:
    """Of one with an `interaction_id`."""
    digest = _begin_given()
    digest.update(interaction_id.encode())
    return digest.digest()


def hashed_digest(identity: str) -> bytes:
    """Of one without: its content and its instant are its identity."""
    digest = _begin_hashed()
    digest.update(identity.encode())
    return digest.digest()


def content_digest(interaction: raw.Interaction) -> bytes:
    """A hash of what an interaction says, its instant apart (CONTRACT §3, Duplicates 2)."""
    kind = type(interaction)
    own = _OWN_CONTENT.get(kind)
    return _digest(
        (kind.__name__, interaction.account_id, interaction.conversation_id, own(interaction) if own else None)
    )


def _automation(given: raw.GivenAutomation | None) -> tuple[str, str, str | None] | None:
    return None if given is None else (given.kind, given.id, given.run_id)


def _goal(given: raw.GivenGoal) -> tuple[str, float | None, str | None]:
    # One value must be one content: 10 and 10.0 are decoded alike, 0 and -0.0 are not.
    return given.name, None if given.value is None else given.value + 0.0, given.currency


_OWN_CONTENT: Final[dict[type, Callable[[Any], object]]] = {
    raw.AutomationSent: lambda said: _automation(said.automation),
    raw.BoxOpened: lambda said: said.via or "launcher",
    raw.VisitorMessage: lambda said: (said.said, said.online is not False, said.in_reply_to),
    raw.ButtonClicked: lambda said: (_automation(said.automation), said.button, bool(said.is_back)),
    raw.AgentJoined: lambda said: said.agent.id,
    raw.AgentLeft: lambda said: said.agent.id,
    raw.AgentMessage: lambda said: said.agent and said.agent.id,
    raw.FeedbackGiven: lambda said: (said.rating and int(said.rating), said.said),
    raw.GoalCompleted: lambda said: _goal(said.goal),
}


def event_id(account_id: str, session_id: str, name: str, subject: object, identity: str) -> str:
    """The id of an event: 32 hexadecimal digits."""
    return _digest((account_id, session_id, name, subject, identity)).hex()


def derived_client_id(account_id: str, visitor_or_session_id: str) -> str:
    """A client id in GA's form, two numbers below 2**31, for a visitor whom GA has not met."""
    both = int.from_bytes(_digest((account_id, visitor_or_session_id))[:8], "big")
    return f"{both >> 33}.{both >> 1 & 0x7FFF_FFFF}"
