"""Live sessions explained: the records that `attribute` reads, while their topic keeps them, and what came of them.

With each session stands what the worker's table holds of it: so it is seen how far the worker has come, and whether
it came to what is explained.

Each is looked at as the worker does: in the order of its partition, by its own
arrival, and only under its session's key. The sessions of one key in two partitions
have two states, so they are explained one after the other. Moves no offset.
"""

import re
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import msgspec

from schemas.decoding import session_key
from schemas.interaction import Fault, Interaction, Unknown
from streams.attribution import RuleBook
from streams.inspect.reading import Progress, partition_numbers, to_the_end, untold
from streams.inspect.table import stored_sessions
from streams.replay import Asked, Explanation, Holding, KafkaPlace, Named, Sent
from streams.replay.errors import NoSession
from streams.replay.gathering import AnyOf, Gathering, Wanted, no_session, not_too_many
from streams.settings import Settings
from streams.worker.attribute import key_fault
from streams.worker.keying import partition_of
from streams.worker.topics import TopicNames

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

__all__ = ["explain_live"]

_is_key: Final = re.compile(r"[^/]+/[sv]/.+", re.DOTALL).fullmatch
_MAX_KEYS: Final = 10_000
"""Of sessions that hold what is asked for: more are not told apart, nor explained."""


async def explain_live(
    settings: Settings, asked: Asked, book: RuleBook, progress: Progress = untold
) -> tuple[Explanation, ...]:
    """The sessions asked for. Raises NoSession, ManySessions, BrokerUnreachable, BrokerRefuses and NoTopic."""
    reader = _Reader(settings, book, progress)
    match asked:
        case Named():
            return await reader.explained(asked, asked, asked.session if _is_key(asked.session) else None)
        case Sent():
            key = await _key_of_event(settings, asked, progress)
            return await reader.explained(asked, AnyOf(frozenset({key})), key)
        case Holding():
            keys = await reader.keys(asked)
            not_too_many(asked, tuple(keys), len(keys))
            return await reader.explained(asked, AnyOf(frozenset(keys)))


class _Event(msgspec.Struct, frozen=True):
    """What is read of an event."""

    event_id: str
    account_id: str


_decode_event: Final = msgspec.json.Decoder(_Event).decode


async def _key_of_event(settings: Settings, asked: Sent, progress: Progress) -> str:
    """The session key of an event, which is its record's."""
    topic = TopicNames(settings).events
    async with aclosing(to_the_end(settings, topic, progress=progress)) as records:
        async for record in records:
            try:
                event = _decode_event(record.value or b"")
            except (msgspec.MsgspecError, UnicodeError):
                continue  # no event: somebody else writes there
            if (event.event_id, event.account_id) == (asked.event_id, asked.account or event.account_id) and record.key:
                return record.key.decode(errors="replace")
    raise NoSession(
        f"no record of {topic} is {asked}", "Was it sent longer ago than the topic keeps? Then look for it in files."
    )


class _Reader:
    """Reads what `attribute` reads."""

    def __init__(self, settings: Settings, book: RuleBook, progress: Progress) -> None:
        self._settings, self._book, self._progress = settings, book, progress
        self._topic: Final = TopicNames(settings).input
        self.records = 0

    async def keys(self, asked: Holding) -> list[str]:
        """Those of the sessions that hold what is asked for. Raises NoSession."""
        found: dict[str, None] = {}
        async with aclosing(self._records()) as records:
            async for _, decoded in records:
                if not isinstance(decoded, (Fault, Unknown)) and asked.held_by(decoded) and len(found) < _MAX_KEYS:
                    found[session_key(decoded)] = None
        if not found:
            raise no_session(asked, self.records)
        return list(found)

    async def explained(self, asked: Asked, wanted: Wanted, key: str | None = None) -> tuple[Explanation, ...]:
        """The sessions wanted. A key's own partition is looked into first, and where it holds nothing the others."""
        numbers = set(await partition_numbers(self._settings, self._topic))
        home = set() if key is None else {partition_of(key.encode(), len(numbers))}
        found = await self._gathered(asked, wanted, home)
        if not any(each.steps for each in found):
            found += await self._gathered(asked, wanted, numbers - home)
        if not found:
            raise no_session(asked, self.records)
        keys = tuple(dict.fromkeys(each.key for each in found))
        not_too_many(asked, keys, len(keys))
        return await self._beside_the_table(found)

    async def _beside_the_table(self, found: Sequence[Explanation]) -> tuple[Explanation, ...]:
        places = [(_partition(each), each.key.encode()) for each in found]
        stored = await stored_sessions(self._settings, set(places), self._progress)
        return tuple(
            msgspec.structs.replace(each, is_live=True, stored=stored.get(place))
            for each, place in zip(found, places, strict=True)
        )

    async def _gathered(self, asked: Asked, wanted: Wanted, only: Collection[int]) -> list[Explanation]:
        gatherings: dict[int, Gathering] = {}
        first_kept: dict[int, KafkaPlace] = {}
        async with aclosing(self._records(only)) as records:
            async for record, decoded in records:
                at = KafkaPlace(self._topic, record.partition, record.offset)
                if record.partition not in gatherings:
                    gatherings[record.partition] = Gathering(wanted)
                    if record.offset:
                        first_kept[record.partition] = at
                gatherings[record.partition].add(at, record.value or b"", decoded, record.key)
        found: list[Explanation] = []
        for number in sorted(gatherings):
            try:
                explained = gatherings[number].explained(asked, self._book, by_time=False)
            except NoSession:
                continue
            found += [msgspec.structs.replace(each, first_kept=first_kept.get(number)) for each in explained]
        return found

    async def _records(
        self, only: Collection[int] | None = None
    ) -> AsyncGenerator[tuple["ConsumerRecord[bytes, bytes]", Interaction | Unknown | Fault]]:
        """Each record, and what the worker takes it for."""
        found = to_the_end(self._settings, self._topic, only=only, progress=self._progress)
        async with aclosing(found) as records:
            async for record in records:
                self.records += 1
                decoded = self._book.decode(record.value, record.timestamp)
                if not isinstance(decoded, (Fault, Unknown)) and record.key != session_key(decoded).encode():
                    decoded = key_fault(decoded, record.key)
                yield record, decoded


def _partition(explanation: Explanation) -> int:
    """Where the records of a session lie."""
    at = explanation.steps[0].at if explanation.steps else explanation.left[0].at
    assert isinstance(at, KafkaPlace)
    return at.partition
