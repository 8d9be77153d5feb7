"""A session while a run changes it: read from the table's bytes, and what the table knows of it beside."""

import msgspec

from schemas.session import Session, decode_session
from streams.errors import Chat2gaError
from streams.errors import Fault as WhoseFault
from streams.runs import TablePartition, unpack

__all__ = ["LiveSession", "SessionUnreadable", "take"]


class SessionUnreadable(Chat2gaError):
    """A stored session that no version of chat2ga has written, or only a newer one."""

    fault = WhoseFault.OPERATOR
    retriable = False

    def __init__(self, changelog: str, partition: int, key: bytes, reason: str) -> None:
        super().__init__(changelog, partition, key, reason)
        self.changelog, self.partition, self.key, self.reason = changelog, partition, key, reason

    def __str__(self) -> str:
        return (
            f"{self.changelog}[{self.partition}] key {self.key!r}: the session stored there cannot be read: "
            f"{self.reason}. "
            "Start the version of chat2ga that wrote it, or give the session up by writing a tombstone under its key."
        )


class LiveSession:
    """One session; None: nothing is known of it yet."""

    __slots__ = ("last_offset", "session", "touched_ms")

    def __init__(self, session: Session | None, last_offset: int, touched_ms: int) -> None:
        self.session = session
        self.last_offset = last_offset
        self.touched_ms = touched_ms


def take(changelog: str, held: TablePartition, key: bytes) -> LiveSession:
    """The session of a key, an empty one where there is none. Raises SessionUnreadable."""
    stored = held.get(key)
    if stored is None:
        return LiveSession(None, -1, 0)
    entry = unpack(stored)
    try:
        session = decode_session(entry.payload)
    except msgspec.MsgspecError as error:
        raise SessionUnreadable(changelog, held.number, key, str(error)) from None
    return LiveSession(session, entry.last_offset, entry.touched_ms)
