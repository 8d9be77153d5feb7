"""Live sessions: those of the table as objects, while a run changes them and for as long as they are busy.

The table holds bytes. A visitor is heard of every few seconds, so most sessions of
a run were decoded for one before it: those heard of last are kept as they are.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from schemas.session import Session, decode_session
from streams.errors import Chat2gaError
from streams.errors import Fault as WhoseFault
from streams.runs import TablePartition, unpack

__all__ = ["LiveSession", "LiveSessions", "SessionUnreadable"]

KEPT_BYTES: Final = 2 * 1_048_576
"""Of a partition's sessions, as stored; as objects they take several times as much."""


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
    """One session, and what of it is stored."""

    __slots__ = ("changed", "last_offset", "session", "stored", "touched_ms")

    def __init__(self, stored: bytes | None, session: Session | None, last_offset: int, touched_ms: int) -> None:
        self.stored = stored
        self.session = session
        self.last_offset = last_offset
        self.touched_ms = touched_ms
        self.changed = False


class LiveSessions:
    """The sessions of one partition. A run takes what it needs, and gives back what it has stored.

    What is taken is not kept meanwhile: of a run that fails nothing is left here.
    """

    def __init__(self, changelog: str, held: TablePartition, kept_bytes: int = KEPT_BYTES) -> None:
        self.held: Final = held
        self._changelog: Final = changelog
        self._kept: Final[OrderedDict[bytes, LiveSession]] = OrderedDict()
        self._room: int = kept_bytes

    def take(self, key: bytes) -> LiveSession:
        """The session of a key, an empty one where there is none. Raises SessionUnreadable."""
        stored = self.held.get(key)
        kept = self._kept.pop(key, None)
        if kept is not None and kept.stored is not None:
            self._room += len(kept.stored)
            # The very same bytes: nobody has put others there since.
            if kept.stored is stored:
                return kept
        if stored is None:
            return LiveSession(None, None, -1, 0)
        entry = unpack(stored)
        try:
            session = decode_session(entry.payload)
        except msgspec.MsgspecError as error:
            raise SessionUnreadable(self._changelog, self.held.number, key, str(error)) from None
        return LiveSession(stored, session, entry.last_offset, entry.touched_ms)

    def give_back(self, key: bytes, live: LiveSession) -> None:
        """It stands in the table as `live.stored` says: keep it, and let go of those heard of longest ago."""
        assert live.stored is not None
        live.changed = False
        self._kept[key] = live
        self._room -= len(live.stored)
        while self._room < 0:
            _, oldest = self._kept.popitem(last=False)
            assert oldest.stored is not None
            self._room += len(oldest.stored)

    def __len__(self) -> int:
        return len(self._kept)
