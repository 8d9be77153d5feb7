"""The session: all that is remembered of one visit (CONTRACT §3).

Every part of it is bounded by the contract, so a session cannot grow with its
length. Stored as MessagePack arrays: compact, and a new field is added at the
end of its struct with a default, so that an older record still decodes.
Values are never changed in place: `step` puts new ones into a copy. So no session
can hold itself, and Python's search for reference cycles passes all of them over.
"""

from typing import Final

import msgspec

from schemas.interaction import AutomationKind

__all__ = [
    "DIGEST_BYTES",
    "MAX_AGENTS",
    "MAX_CHATBOTS",
    "MAX_CONTENTS",
    "MAX_CONVERSATIONS",
    "MAX_COOKIES",
    "MAX_IDENTITIES",
    "MAX_MEASUREMENT_IDS",
    "MAX_READ",
    "MAX_RUNS",
    "MAX_TEXT",
    "NONE",
    "Context",
    "Conversation",
    "LastOfContent",
    "Run",
    "SeenPage",
    "Session",
    "decode_session",
    "encode_session",
]

DIGEST_BYTES: Final = 16
"""Of an identity or a content: 128 bits, so that in a session no two are ever taken for one."""
MAX_IDENTITIES: Final = 1_000
MAX_CONTENTS: Final = 64
MAX_RUNS: Final = 256
MAX_CONVERSATIONS: Final = 16
MAX_COOKIES: Final = 16
MAX_AGENTS: Final = 64
"""Agents in one conversation at once. The contract sets no bound; state needs one."""
MAX_CHATBOTS: Final = 256
"""Chatbots answered, under `chatbot_interaction_scope = "chatbot"`: as many as runs are remembered."""
MAX_MEASUREMENT_IDS: Final = 256
"""Of one page. The contract sets no bound; an event with more would not fit its topic."""
MAX_TEXT: Final = 8_192
"""Code points of a text that is remembered (a page's, the user agent, an automation's name): what is longer is
cut. Many times what Google takes; without it a few large records would make a session that no changelog takes."""
MAX_READ: Final = 256
"""Characters of what is read from a cookie, and of a cookie's name, as of every other id."""
NONE: Final = -1
"""In a `serial` field: no conversation, no run."""


class SeenPage(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The last page said."""

    url: str | None
    title: str | None
    referrer: str | None


class Context(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What the session's interactions last said of the visitor (CONTRACT §2, Context)."""

    page: SeenPage | None = None
    measurement_ids: tuple[str, ...] = ()  # those GA knows, as listed and without repeats
    user_id: str | None = None
    user_agent: str | None = None
    language: str | None = None
    analytics: bool | None = None
    marketing: bool | None = None
    client_id: str | None = None
    ga_session_id: str | None = None
    cookies: dict[str, str] = {}  # by name, what was read from it: a client id or a session id


class Run(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One triggering of an automation."""

    serial: int  # by first receipt, from 0
    kind: AutomationKind
    id: str
    name: str
    run_id: str | None
    conversation: int  # serial of the one it came in
    receipt: str  # identity of its first receipt
    viewed: bool = False
    reacted: bool = False


class Conversation(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One conversation of the session. Its serial outlives its id: closed and reopened is another."""

    serial: int
    id: str | None  # None: nameless, so far
    has_messages: bool = False
    last_run: int = NONE  # serial of the run whose message stands last, the visitor's looked through
    agents: tuple[str, ...] = ()  # joined and not left


class LastOfContent(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The last interaction without an id that was applied with some content."""

    content: bytes
    tab_id: str | None
    micros: int


class Session(msgspec.Struct, array_like=True, gc=False):
    """One visit. Made by `step`; never changed once made."""

    session_id: str
    of_visitor: bool  # keyed by the visitor: a shorter gap ends it
    first_micros: int  # event time of the first interaction applied
    last_micros: int  # latest event time applied
    derived_client_id: str  # where GA's own is not known
    context: Context = Context()
    identities: bytes = b""  # digests of those applied last, oldest first
    contents: tuple[LastOfContent, ...] = ()  # applied last, oldest first
    runs: tuple[Run, ...] = ()  # by last receipt, oldest first
    conversations: tuple[Conversation, ...] = ()  # by last touch, oldest first
    current: int = NONE  # serial of the current conversation
    next_run: int = 0
    next_conversation: int = 0
    box_open: bool = False
    answered: tuple[str, ...] = ()  # chatbots that had their Chatbot_interaction


_decoder: Final = msgspec.msgpack.Decoder(Session)

encode_session: Final = msgspec.msgpack.Encoder().encode


def decode_session(raw: bytes | memoryview) -> Session:
    """The session in a table's value. Raises msgspec.DecodeError where it is damaged."""
    return _decoder.decode(raw)
