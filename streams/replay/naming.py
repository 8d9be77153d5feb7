"""What a person calls a session: by a name of its own, or by what it holds. Pure.

A session goes by its `session_id`, a visitor's by `<visitor_id>@<ms>`, all of a
visitor's by `<visitor_id>`, and each by its record key: which of these a record is of,
it says itself. By a conversation, a visitor or an event a session is found once its
interactions are read: so a replay gives the keys, as its product.
"""

from collections.abc import Iterable, Iterator
from itertools import tee
from typing import Final

import msgspec

from schemas.decoding import session_key
from schemas.interaction import Interaction
from streams.attribution import RuleBook
from streams.replay.engine import Tally, decisions

__all__ = ["Asked", "Holding", "Keys", "Named", "Sent", "decode_key", "visitor_of"]


class Named(msgspec.Struct, frozen=True):
    """The session of a name; several accounts may have one."""

    session: str
    account: str | None = None

    def may_be(self, account_id: object, session_id: object, visitor_id: object) -> bool:
        """Whether a record of these ids may be of it."""
        if self.account not in (None, account_id):
            return False
        if session_id is not None:
            return self.session in (session_id, f"{account_id}/s/{session_id}")
        if visitor_id is None:
            return False
        return self.session == f"{account_id}/v/{visitor_id}" or visitor_id in (self.session, visitor_of(self.session))

    def __str__(self) -> str:
        return f"session {self.session!r}{_of(self.account)}"


def visitor_of(session: str) -> str | None:
    """The visitor of a session that is named `<visitor_id>@<ms>`."""
    visitor_id, at, began = session.rpartition("@")
    return visitor_id if at and began.isdigit() else None


class Holding(msgspec.Struct, frozen=True):
    """The sessions of which an interaction names this conversation, or this visitor."""

    conversation: str | None = None
    visitor: str | None = None
    account: str | None = None

    def held_by(self, said: Interaction) -> bool:
        """Whether this interaction names it."""
        if self.account not in (None, said.account_id):
            return False
        if self.conversation is not None:
            return said.conversation_id == self.conversation
        return self.visitor is not None and said.visitor_id == self.visitor

    def __str__(self) -> str:
        what = f"visitor {self.visitor!r}" if self.conversation is None else f"conversation {self.conversation!r}"
        return f"{what}{_of(self.account)}"


class Sent(msgspec.Struct, frozen=True):
    """The session that sent an event."""

    event_id: str
    account: str | None = None

    def __str__(self) -> str:
        return f"event {self.event_id!r}{_of(self.account)}"


Asked = Named | Holding | Sent


def _of(account: str | None) -> str:
    return "" if account is None else f" of account {account!r}"


class Keys(msgspec.Struct, frozen=True):
    """A product: the keys of the sessions that are asked for, each as a JSON string, which has no line feed."""

    asked: Holding | Sent
    book: RuleBook

    def lines(self, interactions: Iterable[Interaction], tally: Tally) -> Iterator[bytes]:
        """The session key, if it is one of them."""
        del tally
        asked = self.asked
        found = self._sending(interactions, asked) if isinstance(asked, Sent) else filter(asked.held_by, interactions)
        for said in found:
            yield msgspec.json.encode(session_key(said))
            return

    def _sending(self, interactions: Iterable[Interaction], asked: Sent) -> Iterator[Interaction]:
        said, applied = tee(interactions)  # one is never far ahead of the other: nothing is kept
        for one, (_, decision) in zip(said, decisions(applied, self.book), strict=True):
            if asked.account in (None, one.account_id) and any(
                event.event_id == asked.event_id for event in decision.events
            ):
                yield one


decode_key: Final = msgspec.json.Decoder(str).decode
