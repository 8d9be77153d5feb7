"""What the worker's table of sessions holds, wherever its workers run: as its changelog says. Moves no offset."""

from collections.abc import Collection
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from schemas.session import decode_session
from streams.inspect.reading import NoTopic, Progress, to_the_end, untold
from streams.replay import KafkaPlace, Stored
from streams.runs import unpack
from streams.runs.errors import ChangelogDamaged
from streams.runs.strays import is_stray
from streams.settings import Settings
from streams.worker.topics import TopicNames

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

__all__ = ["stored_sessions"]

Place = tuple[int, bytes]
"""Of a session in the table: a partition, and its key there."""


async def stored_sessions(
    settings: Settings, wanted: Collection[Place], progress: Progress = untold
) -> dict[Place, Stored]:
    """What is held of these; of one that is left out, nothing.

    Reads the changelog of their partitions to its end, and keeps of it what was asked for.
    Raises BrokerUnreachable, BrokerRefuses and ChangelogDamaged.
    """
    topic = TopicNames(settings).sessions_changelog
    latest: dict[Place, ConsumerRecord[bytes, bytes]] = {}
    only = {number for number, _ in wanted}
    try:
        async with aclosing(to_the_end(settings, topic, only=only, progress=progress)) as records:
            async for record in records:
                place = record.partition, record.key or b""
                if place in wanted and not _is_stray(record, latest.get(place)):
                    latest[place] = record
    except NoTopic:
        return {}  # no worker has begun
    return {place: _stored(topic, record) for place, record in latest.items() if record.value is not None}


def _is_stray(record: "ConsumerRecord[bytes, bytes]", known: "ConsumerRecord[bytes, bytes] | None") -> bool:
    """As the worker's recovery sees it."""
    try:
        return is_stray(record.value, record.headers, known and known.value)
    except ValueError as error:
        raise ChangelogDamaged(record.topic, record.partition, record.offset, str(error)) from None


def _stored(topic: str, record: "ConsumerRecord[bytes, bytes]") -> Stored:
    try:
        entry = unpack(record.value or b"")
        session = decode_session(entry.payload)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ChangelogDamaged(topic, record.partition, record.offset, str(error)) from None
    return Stored(KafkaPlace(topic, record.partition, record.offset), entry.last_offset, session)
