"""Bad records become dead letters with all that is needed to mend them; the stream goes on, or stops saying why."""

import asyncio
import hashlib

from schemas.dead_letter import HEAD_BYTES, decode_dead_letter
from tests.guarantees import expected, records_of
from tests.guarantees.harness import ACCOUNTS
from tests.kafka import Written, read_topic


async def test_every_kind_of_bad_record_is_a_dead_letter_and_the_stream_goes_on(chat2ga):
    total = await chat2ga.feed(records_of(8, 400, mean_interactions=12.0, bad=0.2))
    chat2ga.start("a")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    want = await chat2ga.expected()
    assert len(want.dead_letters) > total // 20
    verdict = await chat2ga.verdict(want)
    assert verdict.faults == {}, verdict


async def test_a_record_too_large_to_be_written_again_keeps_its_head_size_hash_and_place(chat2ga):
    large = b'{"type": "page_viewed", "text": "' + b"x" * 5_000_000 + b'"}'
    await chat2ga.feed([Written(b"acme/s/s1", large, partition=2)])
    chat2ga.start("a")
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    (record,) = await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}dead-letters")
    letter = decode_dead_letter(record.value)
    assert (letter.topic, letter.partition, letter.offset) == (chat2ga.input, 2, 0)
    assert (letter.field, letter.code, letter.truncated, letter.size) == ("$", "too_large", True, len(large))
    assert letter.value == large[:HEAD_BYTES]
    assert letter.sha256 == hashlib.sha256(large).hexdigest()


async def test_when_most_records_are_dead_letters_the_worker_stops_and_commits_nothing_of_them(chat2ga):
    poison = [Written(b"k", b"poison %d" % n, partition=0) for n in range(3_000)]
    await chat2ga.feed(poison)
    worker = chat2ga.start("a")
    assert await asyncio.to_thread(worker.process.wait, 60) != 0
    assert "are dead letters (limit 50%)" in worker.process.text()
    assert len(await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}dead-letters")) < len(poison)


async def test_an_input_that_is_not_keyed_by_session_is_re_keyed(chat2ga):
    chat2ga.settings["rekey"] = "true"
    by_nobody = [
        Written(b"any", record.value, partition=hash_of(record.key) % 4, timestamp_ms=record.timestamp_ms)
        for record in records_of(9, 600)
    ]
    await chat2ga.feed(by_nobody)
    chat2ga.start("a")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    want = await chat2ga.expected(check_keys=False)
    keyed = await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}chat-interactions-keyed")
    from_keyed = expected(keyed, accounts=ACCOUNTS)
    assert from_keyed.sessions == want.sessions
    from_keyed.dead_letters = want.dead_letters  # those stand at their places in the input
    verdict = await chat2ga.verdict(from_keyed)
    assert verdict.faults == {}, verdict


def hash_of(key):
    """Any partitioner but Kafka's own; a session's records together, so that their order is known."""
    return sum(key)
