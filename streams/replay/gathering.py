"""Gathering: of many records those of the sessions to be explained, and the explanations of what was gathered. Pure."""

from typing import Any, Final, Protocol

import msgspec

from schemas.decoding import session_key
from schemas.interaction import Fault, Interaction, Unknown
from streams.attribution import RuleBook
from streams.replay.errors import ManySessions, NoSession
from streams.replay.explanation import Explanation, Left, Place, Placed, Step, left, steps
from streams.replay.naming import Asked, Holding, Named, Sent, visitor_of

__all__ = ["MAX_SESSIONS", "AnyOf", "Gathering", "Wanted", "no_session", "not_too_many"]

MAX_SESSIONS: Final = 20
"""That are explained at once. Of more, as many are listed."""


class Wanted(Protocol):
    """Which records are gathered."""

    def may_be(self, account_id: object, session_id: object, visitor_id: object) -> bool:
        """Whether a record of these ids may be of a session that is to be explained."""


class AnyOf(msgspec.Struct, frozen=True):
    """The sessions of these keys."""

    keys: frozenset[str]

    def may_be(self, account_id: object, session_id: object, visitor_id: object) -> bool:
        """Whether a record of these ids is of one of them."""
        return _key(account_id, session_id, visitor_id) in self.keys


class Gathering:
    """Records are added in the order in which they lie. What is held are those of the sessions wanted."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted: Final = wanted
        self._found: Final[dict[str, list[Placed]]] = {}
        self._left: Final[list[tuple[str, Left]]] = []
        self.records = 0

    def add(
        self, at: Place, raw: bytes, decoded: Interaction | Unknown | Fault, record_key: bytes | None = None
    ) -> None:
        """One more record. A record key tells whose it is where it holds no ids itself."""
        self.records += 1
        if isinstance(decoded, (Fault, Unknown)):
            ids = _ids_of(raw) or _ids_of_key(record_key)
            if ids is not None and self._wanted.may_be(*ids):
                self._left.append((_key(*ids), left(at, decoded)))
        elif self._wanted.may_be(decoded.account_id, decoded.session_id, decoded.visitor_id):
            self._found.setdefault(session_key(decoded), []).append((at, raw, decoded))

    def explained(self, asked: Asked, book: RuleBook, *, by_time: bool) -> tuple[Explanation, ...]:
        """The sessions asked for; of one that was named, that one. Raises NoSession and ManySessions."""
        made = {key: tuple(steps(placed, book, by_time=by_time)) for key, placed in self._found.items()}
        if isinstance(asked, Named):
            made = {key: chosen for key, each in made.items() if (chosen := _chosen(asked.session, each))}
        keys = tuple(made) or tuple(dict.fromkeys(key for key, _ in self._left))
        if not keys:
            raise no_session(asked, self.records)
        not_too_many(asked, keys, len(keys))
        return tuple(
            Explanation(key, made.get(key, ()), tuple(each for of, each in self._left if of == key)) for key in keys
        )


def _chosen(session: str, made: tuple[Step, ...]) -> tuple[Step, ...]:
    """Of a visitor's sessions the one that was named, if one was."""
    if made and made[0].interaction.session_id is None and visitor_of(session) == made[0].interaction.visitor_id:
        return tuple(step for step in made if step.decision.session.session_id == session)
    return made


def no_session(asked: Asked, records: int) -> NoSession:
    """The error where no session is what was asked for."""
    match asked:
        case Named():
            return NoSession(
                f"none of the {records} records belongs to {asked}",
                "A session goes by its session_id, <visitor_id>@<ms> or its record key, as events and topics show "
                "them.",
            )
        case Holding():
            return NoSession(f"no interaction of the {records} records names {asked}", "Is it in another input?")
        case Sent():
            return NoSession(
                f"no interaction of the {records} records sent {asked}",
                "Are --accounts, --rules and --order those that the event was made with, and its earlier records in "
                "the input?",
            )


def not_too_many(asked: Asked, keys: tuple[str, ...], count: int) -> None:
    """Raises ManySessions where there are more than can be explained at once: of a name, more than one."""
    if count > (1 if isinstance(asked, Named) else MAX_SESSIONS):
        raise ManySessions(str(asked), keys[:MAX_SESSIONS], count)


# -- whose a record is that is no interaction ---------------------------------------------------

_Ids = tuple[object, object, object]


def _key(account_id: object, session_id: object, visitor_id: object) -> str:
    return f"{account_id}/s/{session_id}" if session_id is not None else f"{account_id}/v/{visitor_id}"


def _ids_of(raw: bytes) -> _Ids | None:
    """Of its account, session and visitor, as far as one can tell; None where it names no session."""
    try:
        record: Any = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if type(record) is not dict:
        return None
    ids = (record.get("account_id"), record.get("session_id"), record.get("visitor_id"))
    return None if ids[1:] == (None, None) else ids


def _ids_of_key(record_key: bytes | None) -> _Ids | None:
    account_id, _, rest = (record_key or b"").decode(errors="replace").partition("/")
    kind, _, name = rest.partition("/")
    return {"s": (account_id, name, None), "v": (account_id, None, name)}.get(kind)
