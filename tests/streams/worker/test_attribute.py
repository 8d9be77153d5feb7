"""The attribute agent, run by run, without a broker: what it would write, and the state it keeps."""

import datetime as dt
import gc
import weakref

import msgspec
import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import decode_dead_letter
from schemas.decoding import session_key
from schemas.ga_event import encode_event
from schemas.interaction import Fault, Unknown
from schemas.session import DIGEST_BYTES, decode_session, encode_session
from streams.attribution import RuleBook, step
from streams.demo.traffic import Mix, sessions
from streams.demo.traffic import Record as Sent
from streams.observe.metrics import REGISTRY
from streams.runs import Run, RunApp, RunTable, pack, unpack
from streams.settings import load_settings
from streams.worker.attribute import Attribute
from streams.worker.dead_letters import DeadLetterWindow, TooManyDeadLetters
from streams.worker.live import SessionUnreadable
from streams.worker.process import _attribute
from streams.worker.topics import TopicNames, Topics

SETTINGS = load_settings()
NAMES = TopicNames(SETTINGS)
TRAFFIC = list(sessions(11, 60, mix=Mix(bad=0.1, unknown=0.05)))
PLAIN = [record for record in TRAFFIC if record.note not in ("bad", "unknown type")]
MINUTE_MS = 60_000
NOON_MS = 1_704_110_400_000


async def attribute_on(partition=0, rules=None, window=None, **table_options):
    """The agent with an empty table that holds one partition."""
    app = RunApp("test", broker="kafka://127.0.0.1:1")
    topics = Topics(SETTINGS, dict.fromkeys(NAMES.catalogued(SETTINGS), 4))
    table = RunTable(
        app, name="sessions", changelog="changelog", partitions=4, source="chat-interactions", **table_options
    )
    await table.open(partition)
    table.committed_next_offset = lambda _number: 1 << 60
    window = window or DeadLetterWindow(10_000, 1.0)
    return Attribute(rules=rules or RuleBook(), table=table, topics=topics, window=window), table


def run_of(records, first_offset=0, partition=0):
    made = [
        ConsumerRecord(
            "chat-interactions",
            partition,
            first_offset + n,
            record.arrival_ms,
            0,
            record.key,
            record.value,
            None,
            0,
            0,
            (),
        )
        for n, record in enumerate(records)
    ]
    return Run("chat-interactions", partition, made, first_offset + len(made))


def cut(records, lengths):
    """The records as consecutive runs of these lengths, and one of what is left."""
    at = 0
    for length in [*lengths, len(records)]:
        if records[at : at + length]:
            yield run_of(records[at : at + length], at)
        at += length


def is_dead(record):
    decoded = RuleBook().decode(record.value, record.arrival_ms)
    return isinstance(decoded, Fault) or (
        not isinstance(decoded, Unknown) and record.key != session_key(decoded).encode()
    )


def decided(records):
    """What the core decides on each of the records that it is given, by itself, with the record's key."""
    rules, held = RuleBook(), {}
    for record in records:
        decoded = rules.decode(record.value, record.arrival_ms)
        if isinstance(decoded, Unknown) or is_dead(record):
            continue
        decision = step(held.get(record.key), decoded, rules.of(decoded.account_id))
        held[record.key] = decision.session
        yield record.key, decision


def one_by_one(records):
    """What comes of the records, each by itself: events by key and the last sessions."""
    events, held = [], {}
    for key, decision in decided(records):
        held[key] = decision.session
        events += [(key, encode_event(event)) for event in decision.events]
    return events, {key: encode_session(session) for key, session in held.items()}


@given(st.lists(st.integers(1, 200), max_size=8))
@settings(max_examples=25)
async def test_any_cut_into_runs_gives_the_same_bytes_as_one_record_at_a_time(lengths):
    attribute, table = await attribute_on()
    events, changelog, letters = [], {}, []
    for run in cut(TRAFFIC, lengths):
        writes = attribute.compute(run)
        letters += [decode_dead_letter(letter.value).offset for letter in writes.outputs[1].records]
        events += [(event.key, event.value) for event in writes.outputs[0].records]
        changelog.update({change.key: change.value for change in writes.changes})
    want_events, want_sessions = one_by_one(TRAFFIC)
    assert events == want_events
    assert letters == [number for number, record in enumerate(TRAFFIC) if is_dead(record)]
    assert {key: bytes(unpack(value).payload) for key, value in changelog.items()} == want_sessions
    assert table.partition(0).entries == changelog


async def test_a_session_is_written_once_a_run_however_many_records_it_has():
    attribute, _ = await attribute_on()
    writes = attribute.compute(run_of(TRAFFIC))
    keys = [change.key for change in writes.changes]
    assert len(keys) == len(set(keys))


@given(st.integers(0, len(TRAFFIC) - 1))
@settings(max_examples=25)
async def test_records_read_again_after_a_crash_change_nothing_and_send_nothing(again_from):
    attribute, table = await attribute_on()
    attribute.compute(run_of(TRAFFIC))
    before = dict(table.partition(0).entries)
    writes = attribute.compute(run_of(TRAFFIC[again_from:], again_from))
    assert writes.outputs[0].records == []
    assert list(writes.changes) == []
    assert table.partition(0).entries == before


@pytest.mark.parametrize(
    ("key", "code"),
    [
        pytest.param(None, "no_key", id="no key"),
        pytest.param(b"acme/s/another", "wrong_key", id="another session's key"),
    ],
)
async def test_a_record_under_another_key_than_its_session_is_a_dead_letter(key, code):
    good = PLAIN[0]
    attribute, table = await attribute_on()
    writes = attribute.compute(run_of([msgspec.structs.replace(good, key=key)]))
    (letter,) = [decode_dead_letter(letter.value) for letter in writes.outputs[1].records]
    assert (letter.field, letter.code, letter.value) == ("key", code, good.value)
    assert table.partition(0).entries == {}


def message(key, said, account="acme", session="s", visitor=None):
    """A message that says whose it is, under whichever key."""
    record = {"type": "visitor_message", "account_id": account, "timestamp": NOON_MS, "interaction_id": said}
    value = msgspec.json.encode({**record, "session_id": session, "visitor_id": visitor})
    return Sent(key, value, NOON_MS, "", "")


FOREIGN = {
    "another session": [
        (b"acme/s/s", {}, True),
        (b"acme/s/s", {"session": "t"}, False),
        (b"acme/s/s", {}, True),
    ],
    "another account of the same session": [
        (b"acme/s/s", {}, True),
        (b"acme/s/s", {"account": "other"}, False),
        (b"acme/s/s", {}, True),
    ],
    "another visitor": [
        (b"acme/v/v", {"session": None, "visitor": "v"}, True),
        (b"acme/v/v", {"session": None, "visitor": "w"}, False),
        (b"acme/v/v", {"session": None, "visitor": "v"}, True),
    ],
    "a session where the visitor is the key": [
        (b"acme/v/v", {"session": None, "visitor": "v"}, True),
        (b"acme/v/v", {"session": "s", "visitor": "v"}, False),
    ],
    "a visitor told or not, or another, of one session": [
        (b"acme/s/s", {}, True),
        (b"acme/s/s", {"visitor": "v"}, True),
        (b"acme/s/s", {"visitor": "w"}, True),
        (b"acme/s/s", {}, True),
    ],
}


@pytest.mark.parametrize("records", FOREIGN.values(), ids=FOREIGN)
async def test_under_a_key_only_its_own_session_s_records_are_applied_whatever_stands_before_them(records):
    attribute, table = await attribute_on()
    writes = attribute.compute(run_of([message(key, f"i{n}", **whose) for n, (key, whose, _) in enumerate(records)]))
    letters = [decode_dead_letter(letter.value) for letter in writes.outputs[1].records]
    assert [letter.offset for letter in letters] == [n for n, (*_, its_own) in enumerate(records) if not its_own]
    assert {letter.code for letter in letters} <= {"wrong_key"}
    (stored,) = table.partition(0).entries.values()
    session = decode_session(unpack(stored).payload)
    assert len(session.identities) == DIGEST_BYTES * sum(its_own for *_, its_own in records)


def counted():
    outcomes = ("applied", "duplicate", "seen", "unknown", "dead_letter")
    labels = ({"agent": "attribute", "outcome": outcome} for outcome in outcomes)
    return [REGISTRY.get_sample_value("chat2ga_records_total", each) or 0 for each in labels]


async def test_each_record_is_counted_once_as_what_became_of_it():
    attribute, _ = await attribute_on()
    dead, again = sum(map(is_dead, TRAFFIC)), sum(each.duplicate is not None for _, each in decided(TRAFFIC))
    unknown = sum(isinstance(RuleBook().decode(record.value, record.arrival_ms), Unknown) for record in TRAFFIC)
    good = len(TRAFFIC) - dead - unknown
    assert min(again, unknown, dead) > 0, "there are none: this test shows nothing"
    before = counted()
    attribute.compute(run_of(TRAFFIC))
    first = counted()
    assert [now - was for now, was in zip(first, before, strict=True)] == [good - again, again, 0, unknown, dead]
    attribute.compute(run_of(TRAFFIC))
    assert [now - was for now, was in zip(counted(), first, strict=True)] == [0, 0, good, unknown, dead]


async def unchanged_by(attribute, table, records, error):
    """That of a run which fails nothing is left in the table."""
    held = table.partition(0)
    before = dict(held.entries), held.watermark_micros, held.record_ms
    with pytest.raises(error):
        attribute.compute(run_of(records))
    assert (held.entries, held.watermark_micros, held.record_ms) == before


async def test_of_a_run_that_meets_an_unreadable_session_nothing_is_left():
    attribute, table = await attribute_on()
    table.partition(0).put(b"acme/s/t", pack(0, 0, 0, b"\xc1 no session"))
    records = [message(b"acme/s/s", "1"), message(b"acme/s/t", "2", session="t"), message(b"acme/s/s", "3")]
    await unchanged_by(attribute, table, records, SessionUnreadable)


async def test_of_a_run_with_too_many_dead_letters_nothing_is_left():
    attribute, table = await attribute_on(window=DeadLetterWindow(2, 0.4))
    records = [message(b"acme/s/s", "1"), message(b"acme/s/s", "2", session="t")]
    await unchanged_by(attribute, table, records, TooManyDeadLetters)


async def test_a_stored_session_that_cannot_be_read_stops_the_worker_and_is_named():
    good = PLAIN[0]
    attribute, table = await attribute_on()
    table.partition(0).put(good.key, pack(0, 0, 0, b"\xc1 no session"))
    with pytest.raises(SessionUnreadable, match=r"changelog\[0\] key") as told:
        attribute.compute(run_of([good], first_offset=5))
    assert told.value.key == good.key


async def test_a_session_past_its_gap_and_idle_is_removed_from_table_and_changelog():
    attribute, table = await attribute_on(idle_ms=10 * MINUTE_MS)
    attribute.compute(run_of(PLAIN[:40]))
    held = set(table.partition(0).entries)
    days_later = [shifted(record, 3 * 24 * 60, "later") for record in PLAIN[:40]]
    writes = attribute.compute(run_of(days_later, 40))
    assert {change.key for change in writes.changes if change.value is None} == held
    assert not held & set(table.partition(0).entries)


@pytest.mark.parametrize("apart_min", [700, 721, 960], ids=["within the gap", "about the gap", "past the gap"])
async def test_removal_never_changes_an_answer_late_records_apart(apart_min):
    """Live traffic over days with removal, and the same with none: the same events to the byte."""
    days = [shifted(record, day * apart_min, f"d{day % 2}") for day in range(8) for record in PLAIN]
    answers = []
    for idle_ms in (10 * MINUTE_MS, 10**12):
        attribute, _ = await attribute_on(idle_ms=idle_ms)
        events, removed = [], 0
        for run in cut(days, [37] * 200):
            writes = attribute.compute(run)
            events += [(event.key, event.value) for event in writes.outputs[0].records]
            removed += sum(change.value is None for change in writes.changes)
        answers.append(events)
        if idle_ms == 10 * MINUTE_MS and apart_min > 720:
            assert removed > 50, "nothing was removed: this test shows nothing"
    assert answers[0] == answers[1]


def shifted(record, minutes, visit=""):
    """The same record so much later, of another visit."""
    said = msgspec.json.decode(record.value)
    at = said["timestamp"]
    if isinstance(at, int):
        said["timestamp"] = at + minutes * MINUTE_MS
    else:
        moment = dt.datetime.fromisoformat(at)
        said["timestamp"] = (moment + dt.timedelta(minutes=minutes)).isoformat()
    for name in ("session_id", "visitor_id"):
        if said.get(name):
            said[name] += visit
    value = msgspec.json.encode(said)
    decoded = RuleBook().decode(value, -1)
    return msgspec.structs.replace(
        record, key=session_key(decoded).encode(), value=value, arrival_ms=record.arrival_ms + minutes * MINUTE_MS
    )


async def test_what_a_stored_session_holds_is_what_the_core_holds():
    attribute, table = await attribute_on()
    attribute.compute(run_of(TRAFFIC))
    _, want = one_by_one(TRAFFIC)
    for key, stored in table.partition(0).entries.items():
        assert decode_session(unpack(stored).payload) == decode_session(want[key])


async def test_partitions_that_are_anothers_now_leave_no_memory_behind():
    topics = Topics(SETTINGS, dict.fromkeys(NAMES.catalogued(SETTINGS), 4))
    app, table = _attribute(SETTINGS, topics, RuleBook())
    table.committed_next_offset = lambda _number: 1 << 60
    (pipeline,) = app._pipelines
    for partition in (0, 1):
        await table.open(partition)
        pipeline._compute(run_of(PLAIN, partition=partition))
    kept, gone = (weakref.ref(table.partition(number)) for number in (0, 1))
    del table._held[1]
    gc.collect()
    assert kept() is not None
    assert gone() is None
