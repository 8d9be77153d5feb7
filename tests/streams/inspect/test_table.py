"""What the table of sessions holds, of a changelog on a real broker."""

import pytest

from schemas.session import encode_session
from streams.inspect.table import stored_sessions
from streams.replay import KafkaPlace, Stored
from streams.runs import ROOT_KEY, pack
from streams.runs.errors import ChangelogDamaged
from streams.runs.tombstone import tombstone
from streams.settings import Settings
from streams.worker.topics import TopicNames, ensure_topics
from tests.kafka import Written, produce
from tests.streams.attribution.builders import opened, session_after

SESSION = session_after([opened()])


def stored(last_offset, session=SESSION):
    return pack(last_offset, 0, 0, encode_session(session))


@pytest.fixture
async def table(kafka, prefix):
    """Writes records of (key, value, partition, headers) to a changelog; its settings and its name."""
    settings = Settings(broker=kafka.url, topic_prefix=prefix, partitions=2)
    changelog = TopicNames(settings).sessions_changelog
    await ensure_topics(settings)

    async def write(*records):
        written = [
            Written(key, value, partition, headers=tuple(headers)) for key, value, partition, *headers in records
        ]
        await produce(kafka.bootstrap, changelog, written)

    return settings, changelog, write


async def test_the_last_record_of_a_key_in_its_partition_is_what_is_held(table):
    settings, changelog, write = table
    await write(
        (ROOT_KEY, b"\x01" + bytes(16), 0),
        (b"a", stored(1), 0),
        (b"a", stored(3), 0),
        (b"a", stored(9), 1),
        (b"b", stored(2), 0),
    )
    assert await stored_sessions(settings, {(0, b"a"), (0, b"none"), (1, b"b")}) == {
        (0, b"a"): Stored(KafkaPlace(changelog, 0, 2), 3, SESSION)
    }


async def test_what_was_removed_is_not_held_and_what_came_after_is(table):
    settings, _, write = table
    gone = tombstone(b"a", stored(3))
    await write(
        (b"a", stored(3), 0),
        (b"a", None, 0, *gone.headers),
        (b"b", stored(3), 0),
        (b"b", None, 0),
        (b"b", stored(4), 0),
    )
    found = await stored_sessions(settings, {(0, b"a"), (0, b"b")})
    assert {place: each.last_offset for place, each in found.items()} == {(0, b"b"): 4}


async def test_what_one_taken_for_dead_has_written_behind_its_successor_is_passed_over(table):
    settings, _, write = table
    stale = tombstone(b"b", stored(3))
    await write((b"a", stored(5), 0), (b"a", stored(4), 0), (b"b", stored(5), 0), (b"b", None, 0, *stale.headers))
    found = await stored_sessions(settings, {(0, b"a"), (0, b"b")})
    assert [each.last_offset for each in found.values()] == [5, 5]


@pytest.mark.parametrize("value", [b"nonsense", pack(3, 0, 0, b"no session")])
async def test_a_record_that_is_no_session_is_told_with_its_place(table, value):
    settings, changelog, write = table
    await write((b"a", stored(1), 0), (b"a", value, 0))
    with pytest.raises(ChangelogDamaged, match=rf"{changelog}\[0\] offset 1: "):
        await stored_sessions(settings, {(0, b"a")})


async def test_where_no_worker_has_begun_nothing_is_held(kafka, prefix):
    settings = Settings(broker=kafka.url, topic_prefix=prefix)
    assert await stored_sessions(settings, {(0, b"a")}) == {}
