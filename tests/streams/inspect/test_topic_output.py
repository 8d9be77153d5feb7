"""`ga-events` as the output of a replay, on a real broker: each event once, however often it was interrupted."""

import asyncio

import pytest

from schemas.decoding import decode_interaction, session_key
from schemas.interaction import Interaction
from streams.attribution import RuleBook
from streams.inspect import topic_output
from streams.inspect.topic_output import Forgotten, SendingFailed, TopicOutput
from streams.replay import Replay, replay
from streams.replay.errors import OtherReplay
from streams.settings import Settings
from tests.kafka import read_topic
from tests.streams.replay.replays import AS_OF_MS, LINES, reference


@pytest.fixture
def settings(kafka, prefix):
    return Settings(broker=kafka.url, topic_prefix=prefix, group=f"{prefix}g")


@pytest.fixture
def source(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(LINES))
    return str(tmp_path / "in.jsonl")


def run(settings, source, **wanted):
    given = {"inputs": (source,), "out": TopicOutput(settings), "book": RuleBook(), "as_of_ms": AS_OF_MS, **wanted}
    return replay(Replay(**given))


async def events(kafka, settings):
    """(key, value) of every committed record, those of a key in their order."""
    found = await read_topic(kafka.bootstrap, settings.topic("ga-events"), isolation="read_committed")
    return [(record.key, record.value) for record in found]


def keys_of(found):
    by_key = {}
    for key, value in found:
        by_key.setdefault(key, []).append(value)
    return by_key


async def test_events_stand_under_their_session_s_key_in_their_order(kafka, settings, source):
    await asyncio.to_thread(run, settings, source)
    lines_of = {}
    for line in LINES:
        decoded = decode_interaction(line, AS_OF_MS * 1_000)
        if isinstance(decoded, Interaction):
            lines_of.setdefault(session_key(decoded).encode(), []).append(line)
    expected = {key: sent for key, lines in lines_of.items() if (sent := reference(lines))}
    assert keys_of(await events(kafka, settings)) == expected


@pytest.mark.parametrize("committed", [0, 1, 3])
async def test_a_replay_that_was_interrupted_writes_no_event_twice(
    kafka, settings, source, tmp_path, committed, monkeypatch
):
    monkeypatch.setattr(topic_output, "_LINES", 500)
    work = str(tmp_path / "work")
    commit, left = topic_output._Sending._in_transaction, [committed]

    async def until_then(self):
        if not left[0]:
            await self._producer.begin_transaction()
            await self._publish()  # written, and never committed: as by kill -9
            raise KeyboardInterrupt
        left[0] -= 1
        await commit(self)

    monkeypatch.setattr(topic_output._Sending, "_in_transaction", until_then)
    with pytest.raises(KeyboardInterrupt):
        await asyncio.to_thread(run, settings, source, work=work)
    monkeypatch.setattr(topic_output._Sending, "_in_transaction", commit)
    await asyncio.to_thread(run, settings, source, work=work)
    found = await events(kafka, settings)
    assert sorted(value for _, value in found) == sorted(reference(LINES))


async def test_another_replay_of_the_same_writes_them_again(kafka, settings, source, tmp_path):
    for _ in range(2):
        await asyncio.to_thread(run, settings, source, work=str(tmp_path / "work"))
    assert len(await events(kafka, settings)) == 2 * len(reference(LINES))


def test_a_failure_says_how_much_stands_there_and_what_to_do():
    error = SendingFailed("ga-events", 500, "no answer within 60 s")
    assert "500 events stand there" in str(error)
    assert "--work DIR" in str(error)


async def test_a_replay_that_goes_on_where_its_offsets_are_forgotten_writes_nothing(kafka, settings, source, tmp_path):
    work = tmp_path / "work"
    with pytest.raises(KeyboardInterrupt):
        await asyncio.to_thread(interrupted_after, 1, settings, source, str(work))
    run_, lines = (work / "kafka.txt").read_text().split()
    assert int(lines) == 500
    (work / "kafka.txt").write_text(f"{run_}-forgotten {lines}")
    with pytest.raises(Forgotten, match="500 events of this replay stand there, and Kafka knows of 0"):
        await asyncio.to_thread(run, settings, source, work=str(work))
    assert len(await events(kafka, settings)) == 500


async def test_a_replay_goes_on_in_its_own_topic_alone(kafka, settings, source, tmp_path, prefix):
    work = str(tmp_path / "work")
    with pytest.raises(KeyboardInterrupt):
        await asyncio.to_thread(interrupted_after, 1, settings, source, work)
    other = settings.model_copy(update={"topic_prefix": f"{prefix}other-"})
    with pytest.raises(OtherReplay, match="its outputs are not the same"):
        await asyncio.to_thread(run, other, source, work=work)


def interrupted_after(commits, settings, source, work):
    """A replay that is interrupted when it has committed so often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topic_output, "_LINES", 500)
        commit, left = topic_output._Sending._in_transaction, [commits]

        async def until_then(self):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            await commit(self)

        patch.setattr(topic_output._Sending, "_in_transaction", until_then)
        run(settings, source, work=work)
