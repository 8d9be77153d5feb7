"""The consumer's thread, without a broker: how long the group has been silent, and in which form records come."""

import time
from collections import OrderedDict
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchError, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException, KafkaError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c_py
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from hypothesis import given
from hypothesis import strategies as st

from streams.runs import RunApp, consumer_thread


@pytest.fixture
async def app():
    app = RunApp("test", broker="kafka://127.0.0.1:1")
    app.finalize()
    yield app
    app.consumer._thread.thread_loop.close()  # of a thread that never began


class Coordinator:
    """aiokafka's, as far as the consumer listens to it. An answer is there when `clock` has moved on."""

    def __init__(self, clock, error_code=0, takes_s=0.0):
        self.clock, self.error_code, self.takes_s = clock, error_code, takes_s

    async def _do_heartbeat(self):
        self.clock.s += self.takes_s
        return self.error_code == 0

    async def _send_req(self, _request):
        self.clock.s += self.takes_s
        return SimpleNamespace(error_code=self.error_code)


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(s=100.0)
    monkeypatch.setattr(consumer_thread, "clock_s", lambda: clock.s)
    return clock


SYNC = SyncGroupRequest("g", 1, "m", None, [])


@pytest.mark.parametrize("ask", [pytest.param("heartbeat", id="a heartbeat"), pytest.param("sync", id="a join's end")])
async def test_the_groups_silence_counts_from_when_it_was_asked(app, ask, clock):
    coordinator = Coordinator(clock, takes_s=app.conf.broker_session_timeout - 1)
    app.consumer._thread._listen(coordinator)
    await (coordinator._do_heartbeat() if ask == "heartbeat" else coordinator._send_req(SYNC))
    assert not app.lapsed
    clock.s += 2  # frozen, before any callback
    assert app.lapsed


@pytest.mark.parametrize(
    ("request_", "error_code"),
    [
        pytest.param(SYNC, 27, id="a join that did not succeed"),
        pytest.param(HeartbeatRequest("g", 1, "m"), 0, id="a request whose answer is looked at elsewhere"),
    ],
)
async def test_other_answers_do_not_count(app, request_, error_code, clock):
    coordinator = Coordinator(clock, error_code)
    app.consumer._thread._listen(coordinator)
    await coordinator._send_req(request_)
    assert app.consumer._thread.heard_at is None


async def test_a_heartbeat_that_the_group_does_not_take_does_not_count(app, clock):
    coordinator = Coordinator(clock, 25)  # the group no longer knows us
    app.consumer._thread._listen(coordinator)
    await coordinator._do_heartbeat()
    assert app.consumer._thread.heard_at is None


async def test_who_was_never_answered_has_not_lapsed(app):
    """It has no partitions either: they come with the first answer."""
    assert not app.lapsed


def test_no_wall_clock_that_is_set_back_hides_a_silence():
    before = time.clock_gettime(consumer_thread.CLOCK)
    assert before <= consumer_thread.clock_s() <= time.clock_gettime(consumer_thread.CLOCK)


def test_the_clock_goes_on_while_the_machine_is_suspended():
    """Where the system has such a one; elsewhere the monotonic clock has to do."""
    assert getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC) == consumer_thread.CLOCK


TP = TopicPartition("in", 3)
PRODUCER, OTHER = 7, 8


class Batch(NamedTuple):
    """What a broker answers of: plain, of a transaction (then with its producer), or the marker of one's end."""

    records: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]]
    producer: int = -1
    compression: int = 0
    marker: str = ""


def encoded(batch, base_offset):
    builder = DefaultRecordBatchBuilder(2, batch.compression, int(batch.producer >= 0), batch.producer, 0, 0, 1 << 20)
    records = [(0, ABORT if batch.marker == "abort" else COMMIT, b"\0" * 6, [])] if batch.marker else batch.records
    for number, record in enumerate(records):
        builder.append(number, *record)
    data = bytearray(builder.build())
    data[:8] = base_offset.to_bytes(8, "big")
    if batch.marker:
        data[22] |= 0x20  # the bit of a control batch, in the lower byte of its attributes
        data[17:21] = calc_crc32c_py(bytes(data[21:])).to_bytes(4, "big")
    return bytes(data), len(records)


COMMIT, ABORT = b"\0\0\0\1", b"\0\0\0\0"


def fetched(*batches, first_offset=0, damaged=False):
    """As aiokafka holds what a broker has answered, and its position."""
    data, offset, aborted, began = b"", 0, [], {}
    for batch in batches:
        if batch.producer >= 0 and not batch.marker:
            began.setdefault(batch.producer, offset)
        one, records = encoded(batch, offset)
        if batch.marker:
            begin = began.pop(batch.producer, None)
            if batch.marker == "abort" and begin is not None:
                aborted.append((batch.producer, begin))
        data += one
        offset += records
    if damaged:
        data = data[:-1] + bytes([data[-1] ^ 1])
    unpacked = PartitionRecords(TP, MemoryRecords(data), aborted, first_offset, None, None, True, READ_COMMITTED)
    state = SimpleNamespace(paused=False, position=first_offset)
    state.consumed_to = lambda position: setattr(state, "position", position)
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    return FetchResult(TP, assignment=assignment, partition_records=unpacked, backoff=0), state


def as_read(*batches, **given):
    held = consumer_thread.AsRead()
    held[TP], state = fetched(*batches, **given)
    return held[TP], state


def taken(result, state, at_most):
    """All that it gives in calls for so many each, with the position behind each call."""
    found = []
    while result.has_more():
        records = result.getall(at_most)
        found.append(([said(record) for record in records], state.position))
    return found


def said(record):
    return (record.offset, record.timestamp, record.timestamp_type, record.key, record.value, tuple(record.headers))


GIVEN = [
    (1_700_000_000_000, b"k", b"v", [("h", b"1"), ("h", b"2")]),
    (1_700_000_000_001, None, b"", []),
    (1_700_000_000_002, b"", None, []),
]
some_records = st.lists(st.sampled_from(GIVEN), min_size=1, max_size=4)
producers = st.sampled_from([PRODUCER, OTHER])
some_batches = st.lists(
    st.one_of(
        st.builds(Batch, some_records, st.just(-1) | producers, st.sampled_from([0, 1]), marker=st.just("")),
        st.builds(Batch, st.just([]), producers, st.just(0), marker=st.sampled_from(["abort", "commit"])),
    ),
    min_size=1,
    max_size=8,
)


@given(some_batches, st.integers(0, 5), st.one_of(st.none(), st.integers(1, 5)))
def test_records_come_as_they_were_read_and_are_those_that_aiokafka_would_copy(batches, first_offset, at_most):
    ours, theirs = as_read(*batches, first_offset=first_offset), fetched(*batches, first_offset=first_offset)
    assert taken(*ours, at_most) == taken(*theirs, at_most)


def test_they_are_copied_into_nothing():
    (ours, _), (theirs, _) = as_read(Batch(GIVEN)), fetched(Batch(GIVEN))
    assert {type(record).__name__ for record in theirs.getall()} == {"ConsumerRecord"}
    assert "ConsumerRecord" not in {type(record).__name__ for record in ours.getall()}


def test_what_a_transaction_has_taken_back_is_not_among_them():
    result, _ = as_read(Batch(GIVEN[:1], PRODUCER), Batch([], PRODUCER, marker="abort"), Batch(GIVEN[1:2]))
    assert [record.offset for record in result.getall()] == [2]


def test_a_damaged_batch_is_an_error_as_ever():
    result, _ = as_read(Batch(GIVEN), damaged=True)
    with pytest.raises(CorruptRecordException):
        result.getall()


def test_an_error_in_place_of_records_stays_what_it_is():
    held = consumer_thread.AsRead()
    held[TP] = FetchError(error=KafkaError("x"), backoff=0)
    with pytest.raises(KafkaError, match="x"):
        held[TP].check_raise()


async def test_a_consumer_that_starts_hands_on_what_was_read(app, monkeypatch, clock):
    async def started(_thread):
        pass

    consumer = SimpleNamespace(_fetcher=SimpleNamespace(_records=OrderedDict()), _coordinator=Coordinator(clock))
    monkeypatch.setattr(AIOKafkaConsumerThread, "on_start", started)
    thread = app.consumer._thread
    thread._consumer = consumer
    await thread.on_start()
    assert type(consumer._fetcher._records) is consumer_thread.AsRead
    thread._consumer = None
