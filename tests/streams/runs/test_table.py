"""The table beside its changelog and its store: what each knows after writes of ours, of strays, and a restart.

The changelog is a list here; on a real Kafka: test_app.py and tests/guarantees.
"""

import asyncio
import itertools

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import ConsumerRecord
from faust.types.tuples import TP
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.runs import Record, RocksStore, Run, RunApp, RunTable, pack, table, unpack
from streams.runs.errors import ChangelogDamaged, ChangelogRecreated, StoreUnwritable
from streams.runs.identity import UNKNOWN_ID, TopicIdentity
from streams.runs.run import RunMessage
from streams.runs.tombstone import tombstone

CHANGELOG = TP("changelog", 0)
FOR_EVER = 2**60
NUMBERS = itertools.count()


def entry(last_offset, payload=b""):
    return pack(last_offset, 0, FOR_EVER, payload)


class Changelog(list[Record]):
    """Records as written; whoever appends to it directly is another worker."""

    async def publish_to(self, *where_and_records):
        *_, records = where_and_records
        self.extend(records)
        return len(self) - 1 if records else None

    async def read_between(self, *where_and_offsets):
        *_, first_offset, next_offset = where_and_offsets
        for record in self[first_offset:next_offset]:
            yield record.key, record.value, record.headers

    def run(self, first_offset=0, next_offset=None):
        """A stretch of it, as recovery reads it."""
        next_offset = len(self) if next_offset is None else next_offset
        records = [
            ConsumerRecord("changelog", 0, offset, 0, 0, record.key, record.value, None, 0, 0, record.headers)
            for offset, record in enumerate(self[first_offset:next_offset], first_offset)
        ]
        return Run("changelog", 0, records, next_offset)

    def compacted(self):
        """What compaction leaves: of each key, the last record."""
        return {record.key: record.value for record in self}


@pytest.fixture
def changelog(monkeypatch):
    written = Changelog()
    monkeypatch.setattr(table, "read_between", written.read_between)
    return written


async def started(changelog, store, *, recovered=True):
    """The table of a worker that has just been started."""
    app = RunApp("test", broker="kafka://127.0.0.1:1")
    app.publish_to = changelog.publish_to
    ours = RunTable(app, name=f"t{next(NUMBERS)}", changelog="changelog", partitions=1, source="input", store=store)
    await ours.open(0)
    if recovered and changelog:
        ours._apply(changelog.run(ours.persisted_offset(CHANGELOG) or 0))
        await ours._write_strays_again()
    return ours


@pytest.fixture
def worker(changelog, tmp_path):
    """Starts it; a second call is a restart."""
    stores = []

    async def start(store_of=RocksStore, **options):
        for store in stores:
            store.close(0)
        stores.append(store_of(tmp_path / "store"))
        return await started(changelog, stores[-1], **options)

    yield start
    for store in stores:
        store.close(0)


async def put(ours, key, last_offset):
    """A run that has changed this key alone."""
    stored = entry(last_offset)
    ours.partition(0).put(key, stored)
    await ours.write(0, [Record(key, stored)])


def seen(ours, key):
    return unpack(ours.partition(0).get(key)).last_offset


# -- strays ---------------------------------------------------------------------------------------


async def test_what_a_stray_has_turned_back_is_written_again_at_once(changelog, worker):
    ours = await worker()
    await put(ours, b"k", 60)
    changelog.append(Record(b"k", entry(50)))
    await put(ours, b"other", 61)
    assert changelog.compacted()[b"k"] == entry(60)


async def test_a_stray_that_is_found_in_recovery_is_written_again_before_the_first_record(changelog, worker):
    changelog += [Record(b"k", entry(60)), Record(b"k", entry(50))]
    ours = await worker()
    assert changelog.compacted()[b"k"] == entry(60)
    assert seen(ours, b"k") == 60
    ours = await worker()  # from the store
    assert seen(ours, b"k") == 60


async def test_the_store_never_stands_behind_a_stray_that_is_not_written_again(changelog, worker):
    """Killed between finding it and writing again."""
    ours = await worker()
    await put(ours, b"k", 60)
    changelog.append(Record(b"k", entry(50)))
    publish, writes = changelog.publish_to, itertools.count()

    async def dies_at_the_second(*args):
        if next(writes) == 1:
            raise KafkaConnectionError
        return await publish(*args)

    ours.app.publish_to = dies_at_the_second
    with pytest.raises(KafkaConnectionError):
        await put(ours, b"other", 61)
    await worker()
    assert changelog.compacted()[b"k"] == entry(60)


async def test_who_is_merely_behind_a_stray_goes_on_looking_for_more(changelog, worker):
    ours = await worker()
    ours.partition(0).put(b"k", entry(105))
    changelog.append(Record(b"k", entry(199)))  # of the run before, by one that was taken for dead
    await ours.write(0, [Record(b"k", entry(105))])
    await put(ours, b"k", 400)
    changelog.append(Record(b"k", entry(299)))
    await put(ours, b"other", 401)
    assert changelog.compacted()[b"k"] == entry(400)


async def test_one_whose_own_record_hides_its_successor_s_knows_it_after_the_next_start(changelog, worker):
    ours = await worker()
    await put(ours, b"k", 10)
    changelog.append(Record(b"k", entry(60)))  # its successor's
    await put(ours, b"k", 20)  # woken, with this in its hands
    ours = await worker()
    assert seen(ours, b"k") == 60


async def test_the_table_s_own_older_records_are_no_strays(changelog, worker):
    """Partitions that stay through a rebalance are read again where recovery has read to before."""
    ours = await worker()
    for last_offset in range(5):
        await put(ours, b"k", last_offset)
    written = len(changelog)
    ours._apply(changelog.run())
    await ours._write_strays_again()
    assert len(changelog) == written


async def test_a_tombstone_of_one_taken_for_dead_removes_nothing_that_was_changed_since(changelog, worker):
    ours = await worker()
    await put(ours, b"k", 60)
    changelog.append(tombstone(b"k", entry(50)))
    ours._apply(changelog.run(ours.persisted_offset(CHANGELOG)))
    await ours._write_strays_again()
    assert seen(ours, b"k") == 60
    assert changelog.compacted()[b"k"] == entry(60)


@pytest.mark.parametrize(
    "removal", [Record(b"k", None), tombstone(b"k", entry(60))], ids=["of an older version", "that has seen it all"]
)
async def test_a_tombstone_removes(changelog, worker, removal):
    ours = await worker()
    await put(ours, b"k", 60)
    changelog.append(removal)
    ours = await worker()
    assert ours.partition(0).get(b"k") is None


WHO = st.sampled_from(["ours", "a stray", "a stray's tombstone", "restart", "restart without the store"])


@given(st.lists(st.tuples(WHO, st.sampled_from([b"a", b"b"])), max_size=25))
@settings(max_examples=60, deadline=None)
def test_whatever_strays_write_and_whenever_it_restarts_nothing_is_turned_back(tmp_path_factory, history):
    changelog, directory = Changelog(), tmp_path_factory.mktemp("table")
    before, table.read_between = table.read_between, changelog.read_between
    try:
        asyncio.run(_play(history, changelog, directory))
    finally:
        table.read_between = before


async def _play(history, changelog, directory):
    number, known, ours = 0, {}, None

    for step, (what, key) in enumerate([*history, ("ours", b"c"), ("restart without the store", b"c")]):
        if ours is None or what.startswith("restart"):
            if ours is not None:
                await ours.close()
            if what == "restart without the store":
                directory = directory / str(step)
            ours = await started(changelog, RocksStore(directory))
        number += 10
        if what == "ours":
            await put(ours, key, number)
            known[key] = number
        elif what.startswith("a stray") and key in known:
            older = entry(known[key] - 5)
            changelog.append(Record(key, older) if what == "a stray" else tombstone(key, older))
    assert {key: seen(ours, key) for key in known} == known
    assert {key: unpack(value).last_offset for key, value in changelog.compacted().items() if value} == known
    await ours.close()


# -- recovery ---------------------------------------------------------------------------------------


class Full(RocksStore):
    """A disk without room, once."""

    def write(self, partition, changes, changelog_offset):
        if changelog_offset == 2:
            raise StoreUnwritable("store/0", "No space left on device")
        super().write(partition, changes, changelog_offset)


async def recover(ours, *runs):
    """As Faust does: one run after the other, whatever happens; the errors that have stopped the app."""
    crashed = []

    async def crash(error):
        crashed.append(error)

    ours.app.crash = crash
    for run in runs:
        event = type("Event", (), {"value": run, "message": RunMessage(run, 1)})
        await ours.on_changelog_event(event)
    return crashed


async def test_behind_a_run_that_the_store_did_not_take_nothing_is_stored(changelog, worker):
    changelog += [Record(b"k%d" % offset, entry(offset)) for offset in range(6)]
    ours = await worker(Full, recovered=False)
    (error,) = await recover(ours, changelog.run(0, 3), changelog.run(3, 6))
    assert "No space left" in str(error)
    ours = await worker()
    assert sorted(ours.partition(0).entries) == [b"k%d" % offset for offset in range(6)]


async def test_behind_a_damaged_record_nothing_is_applied_and_after_its_tombstone_all_is_there(changelog, worker):
    changelog += [Record(b"k%d" % offset, entry(offset)) for offset in range(9)]
    changelog[1] = Record(b"k1", b"not an entry")
    ours = await worker(recovered=False)
    (error,) = await recover(ours, changelog.run(0, 3), changelog.run(3, 6), changelog.run(6, 9))
    assert isinstance(error, ChangelogDamaged)
    assert error.offset == 1
    changelog[1] = Record(b"k1", None)  # as the remedy says, and compaction took the other
    ours = await worker()
    assert sorted(ours.partition(0).entries) == [b"k%d" % offset for offset in range(9) if offset != 1]


async def test_what_fails_at_the_end_of_recovery_stops_the_app(worker):
    ours = await worker()
    crashed = []

    async def crash(error):
        crashed.append(error)

    async def out_of_reach(*_):
        raise KafkaConnectionError("no broker")

    async def stopped():
        return None

    ours.app.crash, ours.app.wait_until_stopped = crash, stopped
    ours._check_input = out_of_reach
    await ours.on_recovery_completed({CHANGELOG}, set())
    assert [str(error) for error in crashed] == ["KafkaConnectionError: no broker"]


@pytest.mark.parametrize("told_apart", [True, False], ids=["with topic ids", "by a broker without topic ids"])
async def test_an_empty_changelog_beside_a_committed_offset_was_made_again(worker, told_apart):
    ours = await worker()

    async def identify(*topics):
        return {topic: TopicIdentity(b"i" * 16 if told_apart else UNKNOWN_ID, 1) for topic in topics}

    ours.app.identify = identify
    await ours.look()
    if told_apart:
        with pytest.raises(ChangelogRecreated):
            ours.check_committed(0, 5)
    else:
        ours.check_committed(0, 5)  # nothing but dead letters: such a broker has no first record to be missed
