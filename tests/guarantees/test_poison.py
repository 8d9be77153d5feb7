"""Poison: bad records of every kind among good ones become dead letters, exactly; and alone they stop the worker."""

import time
from itertools import islice

from schemas.dead_letter import decode_dead_letter
from streams.demo.spoilt import KINDS
from streams.demo.traffic import Mix, sessions
from tests.guarantees.broken import program
from tests.guarantees.harness import said
from tests.kafka import Written, read_topic

AGE_MS = 6 * 3_600_000
DEPLOY = 3_000


def traffic(seed, n, *, bad):
    """Sample traffic whole: the records without a key too, which any partition may hold."""
    start_ms = int(time.time() * 1000) - AGE_MS
    for record in sessions(seed, n, mix=Mix(bad=bad, starts_per_s=50.0), start_ms=start_ms):
        partition = record.arrival_ms % 4 if record.key is None else None
        yield record, Written(record.key, record.value, partition=partition, timestamp_ms=record.arrival_ms)


def nothing_but_poison(n):
    """As a deploy of a sender makes it: each record is bad, and of every kind but the largest."""
    bad = (
        written._replace(partition=0)
        for record, written in traffic(31, 10 * n, bad=1.0)
        if record.note == "bad" and KINDS[record.kind].code != "too_large"
    )
    return islice(bad, n)


async def letters(chat2ga):
    records = await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}dead-letters")
    return [decode_dead_letter(record.value) for record in records]


async def mixed_in(chat2ga, guard=""):
    """One in a hundred is bad, and of every kind there is at least one."""
    records = list(traffic(30, 400, bad=0.01))
    assert {record.kind for record, _ in records if record.note == "bad"} == set(range(len(KINDS)))
    await chat2ga.feed(written for _, written in records)
    chat2ga.start("a", program=program(guard=guard))
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    return await chat2ga.verdict()


async def test_one_in_a_hundred_of_every_kind_is_a_dead_letter_and_nothing_else_changes(chat2ga):
    verdict = await mixed_in(chat2ga)
    assert verdict.faults == {}, verdict
    found = await letters(chat2ga)
    assert {(letter.field, letter.code) for letter in found} == {(kind.field, kind.code) for kind in KINDS}
    lie_at = {(record.partition, record.offset): record for record in await chat2ga.fed()}
    for letter in found:
        record = lie_at[letter.partition, letter.offset]
        assert letter.key == record.key
        if not letter.truncated:
            assert letter.value == record.value


async def test_the_judge_sees_dead_letters_that_are_dropped(chat2ga):
    verdict = await mixed_in(chat2ga, "no_dead_letters")
    assert verdict.faults.keys() == {"wrong_dead_letters"}, verdict


async def test_a_topic_of_nothing_else_stops_the_worker_and_none_of_it_is_drained(chat2ga):
    await chat2ga.feed(nothing_but_poison(DEPLOY))
    for _ in range(2):  # a restart meets the same records
        worker = chat2ga.start("a")
        assert await chat2ga.ended("a", 60) == 1
        (line,) = said(worker)[-1:]
        assert f"{chat2ga.input}[0]" in line
        assert "are dead letters (limit 50%)" in line
        assert "chat2ga dead-letters list" in line
        assert "roll back the deploy" in line
        assert await chat2ga.committed() == {}
        assert await letters(chat2ga) == []


async def test_with_the_guard_broken_the_topic_is_drained(chat2ga):
    await chat2ga.feed(nothing_but_poison(DEPLOY))
    chat2ga.start("a", dead_letter_share=1.0)
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    assert len(await letters(chat2ga)) == DEPLOY


async def test_behind_good_records_at_most_one_window_becomes_dead_letters(chat2ga):
    chat2ga.settings |= {"max_run": 50, "dead_letter_window": 200}
    good = [written._replace(partition=0) for record, written in traffic(32, 50, bad=0.0) if record.key]
    await chat2ga.feed(good)
    chat2ga.start("a")
    await chat2ga.caught_up()  # so that there is something committed, however fast it goes
    await chat2ga.feed(nothing_but_poison(DEPLOY))
    assert await chat2ga.ended("a", 60) == 1
    dead = [letter for letter in await letters(chat2ga) if letter.offset >= len(good)]
    assert len(dead) <= 200
    committed = (await chat2ga.committed())[0]
    assert len(good) <= committed <= len(good) + 200
    assert all(letter.value is not None or letter.code == "empty" for letter in dead)
