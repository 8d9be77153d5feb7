"""A start brings the state back: the tail of the changelog behind the local store, or the whole of it without one."""

from tests.kafka import read_topic


async def test_a_restart_reads_only_the_tail_of_the_changelog_behind_the_local_store(chat2ga):
    await chat2ga.feed(sessions=2_000, seed=4)
    chat2ga.start("a")
    await chat2ga.caught_up()
    assert await chat2ga.stop_all() == {"a": 0}
    await chat2ga.feed(sessions=500, seed=5)
    chat2ga.start("a")
    await chat2ga.caught_up()
    recovered = await chat2ga.metric("a", "chat2ga_recovered_records_total")
    await chat2ga.stop_all()
    assert recovered <= 4  # one a partition at most: the record that the store stands at
    verdict = await chat2ga.verdict()
    assert verdict.faults == {}, verdict


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
