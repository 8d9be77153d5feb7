"""The consumer's thread, without a broker: how long the group has been silent, and in which form records come."""

import time
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchError, FetchResult, PartitionRecords
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

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


def fetched(*given, first_offset=0):
    """As aiokafka holds what a broker has answered."""
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, (timestamp, key, value, headers) in enumerate(given):
        batch.append(number, timestamp, key, value, headers)
    records = MemoryRecords(bytes(batch.build()))
    unpacked = PartitionRecords(TP, records, [], first_offset, None, None, True, READ_COMMITTED)
    assignment = SimpleNamespace(
        active=True, state_value=lambda _: SimpleNamespace(paused=False, position=first_offset, consumed_to=int)
    )
    return FetchResult(TP, assignment=assignment, partition_records=unpacked, backoff=0)


GIVEN = [
    (1_700_000_000_000, b"k", b"v", [("h", b"1"), ("h", b"2")]),
    (1_700_000_000_001, None, b"", []),
    (1_700_000_000_002, b"", None, []),
]


def test_records_come_as_they_were_read_and_say_what_aiokafkas_own_would():
    held = consumer_thread.AsRead()
    held[TP] = fetched(*GIVEN)
    found = held[TP].getall()
    assert "ConsumerRecord" not in {type(record).__name__ for record in found}
    own = fetched(*GIVEN).getall()
    assert {type(record).__name__ for record in own} == {"ConsumerRecord"}
    for record, expected in zip(found, own, strict=True):
        for name in ("offset", "timestamp", "timestamp_type", "key", "value"):
            assert getattr(record, name) == getattr(expected, name)
        assert tuple(record.headers) == expected.headers


def test_what_lies_before_the_position_is_passed_over_in_this_form_too():
    held = consumer_thread.AsRead()
    held[TP] = fetched(*GIVEN, first_offset=2)
    assert [record.offset for record in held[TP].getall()] == [2]


def test_an_error_in_place_of_records_stays_what_it_is():
    held = consumer_thread.AsRead()
    held[TP] = FetchError(error=KafkaError("x"), backoff=0)
    with pytest.raises(KafkaError, match="x"):
        held[TP].check_raise()
