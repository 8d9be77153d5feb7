"""A topic is read to the end that it has, on a real broker."""

import time

import pytest

from streams.inspect.reading import NoTopic, to_the_end
from streams.settings import Settings
from tests.kafka import Written, create_topics, produce

NOW_MS = time.time_ns() // 1_000_000


@pytest.fixture
async def filled(kafka, prefix):
    """Ten records in two partitions, one a second, the newest of a second ago."""
    await create_topics(kafka.bootstrap, f"{prefix}t", f"{prefix}empty", partitions=2)
    records = [Written(b"k", b"%d" % number, number % 2, NOW_MS - (10 - number) * 1_000) for number in range(10)]
    await produce(kafka.bootstrap, f"{prefix}t", records)
    return Settings(broker=kafka.url, topic_prefix=prefix)


async def values(settings, topic="t", **wanted):
    return [int(record.value) async for record in to_the_end(settings, settings.topic(topic), **wanted)]


async def test_each_partition_is_read_in_its_order_and_progress_ends_at_the_end(filled):
    told = []
    found = await values(filled, progress=lambda done, of: told.append((done, of)))
    assert sorted(found) == list(range(10))
    assert [each for each in found if each % 2] == [1, 3, 5, 7, 9]
    assert told[-1] == (10, 10)
    assert told == sorted(told)


async def test_reading_begins_where_it_is_told_to(filled):
    assert sorted(await values(filled, since_ms=NOW_MS - 3_000)) == [7, 8, 9]
    assert await values(filled, since_ms=NOW_MS + 3_000) == []
    assert await values(filled, at=(1, 2)) == [5]
    assert await values(filled, at=(1, 5)) == await values(filled, at=(7, 0)) == []
    assert await values(filled, "empty") == []


async def test_a_topic_that_is_not_there_is_told_with_what_to_check(filled):
    with pytest.raises(NoTopic, match="CHAT2GA_TOPIC_PREFIX"):
        await values(filled, "none")
