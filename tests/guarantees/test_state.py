"""State: it levels off, what has expired stays gone, and a start reads no more than it must."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from streams.runs import ROOT_KEY, RocksStore
from tests.guarantees.broken import program
from tests.guarantees.harness import GROUP
from tests.kafka import Written, read_topic

SHORT = "session_gap_s = 60\nvisitor_gap_s = 60\nmax_ahead_s = 60\n"
LIVE = int(os.environ.get("TEST_LIVE_SESSIONS", "20000"))
"""`make soak-state` has a million of them."""


def short_sessions(chat2ga):
    """Sessions end after a minute of event time, and are removed as soon as that is over."""
    rules = chat2ga.directory / "rules.toml"
    rules.write_text(SHORT, encoding="utf-8")
    chat2ga.settings |= {"rules": rules, "idle_before_removal_s": 0}


def message(session, at_ms, number=0, partition=None):
    value = {
        "type": "visitor_message",
        "account_id": "acme",
        "session_id": session,
        "interaction_id": f"{session}-{number}",
        "timestamp": at_ms,
        "text": "hello",
    }
    return Written(f"acme/s/{session}".encode(), json.dumps(value).encode(), partition, timestamp_ms=at_ms)


def an_hour_ago():
    return int(time.time() * 1000) - 3_600_000


# -- endless new sessions ------------------------------------------------------------------------


def new_sessions(first, n, begin_ms):
    """Ten begin in a second; each says two things."""
    for index in range(first, first + n):
        at_ms = begin_ms + index * 100
        yield message(f"s{index}", at_ms)
        yield message(f"s{index}", at_ms + 50, 1)


async def endless(chat2ga, batches, of, **options):
    """What is held after each batch: sessions in memory, kB of the process."""
    short_sessions(chat2ga)
    begin_ms = an_hour_ago() - batches * of * 100
    chat2ga.start("a", **options)
    held = []
    for batch in range(batches):
        await chat2ga.feed(new_sessions(batch * of, of, begin_ms))
        await chat2ga.caught_up()
        status = f"/proc/{chat2ga.workers['a'].process.pid}/status"
        held.append((await chat2ga.metric("a", "chat2ga_sessions"), resident_kb(status)))
    await chat2ga.stop_all()
    return held


def resident_kb(path):
    with Path(path).open(encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


async def still_stored(chat2ga):
    """Keys in the changelog as compaction leaves it, and in the local store."""
    last = {
        record.key: record.value
        for record in await read_topic(chat2ga.kafka.bootstrap, f"{chat2ga.prefix}{GROUP}-sessions-changelog")
    }
    changelog = {key for key, value in last.items() if value is not None and key != ROOT_KEY}
    store = RocksStore(chat2ga.directory / "a" / "state" / GROUP / "sessions")
    stored = set()
    for partition in range(4):
        entries, _ = store.load(partition)
        stored |= {key for key in entries if not key.startswith(b"\0")}
        store.close(partition)
    return changelog, stored


async def test_endless_new_sessions_level_off_in_memory_changelog_and_store(chat2ga):
    held = await endless(chat2ga, batches=6, of=3_000)
    sessions = [count for count, _ in held]
    assert max(sessions[2:]) <= 1.3 * max(sessions[:2]), held
    assert held[-1][1] < held[2][1] + 40_000, held
    changelog, stored = await still_stored(chat2ga)
    assert len(changelog) == sessions[-1]
    assert changelog == stored
    verdict = await chat2ga.verdict(await chat2ga.expected(rules=rules_of(chat2ga)))
    assert verdict.faults == {}, verdict


async def test_without_removal_they_do_not_level_off(chat2ga):
    held = await endless(chat2ga, batches=6, of=3_000, program=program(guard="no_removal"))
    assert held[-1][0] == 6 * 3_000


def rules_of(chat2ga):
    from streams.attribution import RuleBook
    from streams.configuration import read_options
    from tests.guarantees.harness import ACCOUNTS

    return RuleBook(read_options(chat2ga.settings["rules"]), ACCOUNTS)


# -- what has expired stays gone -------------------------------------------------------------------


@pytest.mark.parametrize("guard", [pytest.param("", id="as it is"), "remove_uncommitted"])
async def test_an_expired_session_does_not_come_back_when_its_last_record_is_read_again(chat2ga, guard):
    """Killed around a sweep: behind the write of a removal, before the commit of what was removed."""
    short_sessions(chat2ga)
    chat2ga.settings |= {"max_run": 1, "commit_interval_s": 3600, "session_timeout_s": 3, "heartbeat_s": 0.5}
    begin_ms = an_hour_ago()
    await chat2ga.feed([message("s1", begin_ms, partition=0)])
    chat2ga.start("a")
    await chat2ga.at_work()
    await chat2ga.published(1)
    assert await chat2ga.stop_all() == {"a": 0}  # the first record is committed
    later = [message(f"later{minute}", begin_ms + minute * 60_000, partition=0) for minute in range(10, 20)]
    await chat2ga.feed([message("s1", begin_ms + 1_000, 1, partition=0), *later])
    chat2ga.start("a", program=program(guard=guard, at="state acknowledged", after=9))
    assert await chat2ga.ended("a") == -signal.SIGKILL
    chat2ga.settings["commit_interval_s"] = 1
    chat2ga.start("a")
    await chat2ga.caught_up()
    await chat2ga.stop_all()
    verdict = await chat2ga.verdict(await chat2ga.expected(rules=rules_of(chat2ga)))
    if not guard:
        assert verdict.faults == {}, verdict
    else:  # the session that came back may stand there still
        assert {"not_expected"} <= verdict.faults.keys() <= {"not_expected", "wrong_session"}, verdict


# -- many live sessions, then a restart -----------------------------------------------------------


def live_sessions(n, begin_ms):
    for index in range(n):
        yield message(f"s{index}", begin_ms + index)


async def recovered(chat2ga, name, seconds=300.0):
    """Start a worker: seconds to ready, records read of the changelog, kB of the process."""
    began = time.monotonic()
    worker = chat2ga.start(name)
    await worker.ready(seconds)
    took_s = time.monotonic() - began
    return (
        took_s,
        await chat2ga.metric(name, "chat2ga_recovered_records_total"),
        resident_kb(f"/proc/{worker.process.pid}/status"),
    )


async def test_many_live_sessions_and_a_restart(chat2ga):
    chat2ga.settings["log_level"] = "info"
    await chat2ga.feed(live_sessions(LIVE, an_hour_ago()))
    chat2ga.start("a")
    await chat2ga.caught_up(timeout_s=600)
    assert await chat2ga.stop_all() == {"a": 0}
    await chat2ga.feed(live_sessions(200, an_hour_ago() + 10_000))

    tail = await recovered(chat2ga, "a")
    await chat2ga.caught_up()
    text = chat2ga.workers["a"].process.text()
    assert await chat2ga.stop_all() == {"a": 0}
    assert tail[1] <= 4, tail  # a partition's last record, which the store stands at
    assert "entries from the local store" in text

    whole = await recovered(chat2ga, "b")
    text = chat2ga.workers["b"].process.text()
    assert whole[1] >= LIVE, whole
    assert f"records read of the changelog, {LIVE} entries held" in text
    if LIVE >= 200_000:
        assert "reading the changelog: " in text
        assert " to go" in text
    await chat2ga.stop_all()
    print(
        f"{LIVE:,} live sessions: ready after {tail[0]:.1f} s with {tail[2] // 1024} MB from the local store, "
        f"after {whole[0]:.1f} s with {whole[2] // 1024} MB from the changelog"
    )
    if LIVE <= 50_000:
        verdict = await chat2ga.verdict()
        assert verdict.faults == {}, verdict
