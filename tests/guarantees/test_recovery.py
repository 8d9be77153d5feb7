"""A start brings the state back: the tail of the changelog behind the local store, or the whole of it without one."""

import pytest

from tests.guarantees.broken import program
from tests.guarantees.feeding import records_of
from tests.kafka import read_topic


async def recovered_at_a_restart(chat2ga, guard=""):
    """Records read of the changelog by a worker that is started again, behind two feeds of the same sessions."""
    records = list(records_of(4, 2_000))
    await chat2ga.feed(records[: len(records) // 2])
    chat2ga.start("a")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    await chat2ga.feed(records[len(records) // 2 :])
    chat2ga.start("a", program=program(guard=guard))
    await chat2ga.caught_up()
    recovered = await chat2ga.metric("a", "chat2ga_recovered_records_total")
    await chat2ga.stop_all()
    return recovered


@pytest.mark.parametrize("guard", ["", "store_unused"])
async def test_a_restart_reads_only_the_tail_of_the_changelog_behind_the_local_store(chat2ga, guard):
    recovered = await recovered_at_a_restart(chat2ga, guard)
    assert (recovered <= 4) == (not guard)  # one a partition at most: the record that the store stands at
    verdict = await chat2ga.verdict()
    assert verdict.faults == {}, verdict


async def test_the_judge_sees_that_the_changelog_was_not_read(chat2ga):
    chat2ga.settings["store"] = "memory"
    await recovered_at_a_restart(chat2ga, "not_recovered")
    verdict = await chat2ga.verdict()
    assert {"not_expected", "wrong_session"} <= verdict.faults.keys(), verdict


async def test_without_a_local_store_the_whole_changelog_is_read_before_it_is_ready(chat2ga):
    chat2ga.settings["store"] = "memory"
    await chat2ga.feed(sessions=2_000, seed=6)
    chat2ga.start("a")
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    changelog = len(await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}g-sessions-changelog"))
    await chat2ga.feed(sessions=500, seed=7)
    chat2ga.start("a")
    await chat2ga.at_work()
    assert await chat2ga.metric("a", "chat2ga_recovered_records_total") >= changelog
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict()
    assert verdict.faults == {}, verdict
