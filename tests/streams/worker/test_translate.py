"""The translating agent, run by run, without a broker: what it would write of records of another chat system."""

import json

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import decode_dead_letter
from schemas.decoding import decode_interaction, session_key
from schemas.interaction import Fault, Unknown
from schemas.options import Options
from streams.attribution import RuleBook
from streams.configuration import BadFile
from streams.observe.metrics import REGISTRY
from streams.runs import Run
from streams.settings import BadSettings, load_settings
from streams.sources import FORMATS, Mapping
from streams.worker.dead_letters import DeadLetterWindow, TooManyDeadLetters
from streams.worker.keying import Keying, partition_of
from streams.worker.topics import TopicNames, Topics
from streams.worker.translate import interactions_of, mapping_of

SOURCE = FORMATS["smartsupp-webhook"]
SETTINGS = load_settings(sources=SOURCE.name)
NAMES = TopicNames(SETTINGS)
TOPIC = NAMES.sources[SOURCE.name]
NOON_MS = 1_769_860_800_000  # 2026-01-31T12:00:00Z
ANY_TIME = 1 << 62


def webhook(number=1, conversation="c1", at_ms=NOON_MS, **fields):
    """A record as Smartsupp sends it: the visitor wrote."""
    message = {"id": f"m{number}", "content": {"text": "hello"}, "created_at": at_ms}
    data = {"conversation": {"id": conversation}, "message": message}
    return {"event": "conversation.contact_replied", "account_id": "acme", "data": data, **fields}


def run_of(*values, first_offset=0, arrived_ms=NOON_MS + 1_000):
    records = [
        ConsumerRecord(TOPIC, 1, first_offset + n, arrived_ms + n, 0, b"any", value, None, 0, 0, ())
        for n, value in enumerate(v if v is None or isinstance(v, bytes) else json.dumps(v).encode() for v in values)
    ]
    return Run(TOPIC, 1, records, first_offset + len(records))


def translate(partitions=4, mapping=Mapping(), window=DeadLetterWindow(10_000, 1.0)):  # noqa: B008 - neither is changed
    topics = Topics(SETTINGS, dict.fromkeys(NAMES.catalogued(SETTINGS), partitions))
    rules = RuleBook()
    return Keying(
        "translate",
        lambda record: interactions_of(record.value, SOURCE, mapping, rules, record.timestamp),
        to=topics.interactions,
        partitions=topics.interactions_partitions,
        topics=topics,
        window=window,
    )


def written(writes, topic="chat-interactions"):
    """(partition, record) of what goes to a topic."""
    return [(output.partition, each) for output in writes.outputs if output.topic == topic for each in output.records]


def counted(outcome):
    labels = {"agent": "translate", "outcome": outcome}
    return REGISTRY.get_sample_value("chat2ga_records_total", labels)


def test_what_a_record_gives_is_written_under_its_sessions_key_with_the_time_of_its_arrival():
    ((partition, record),) = written(translate().compute(run_of(webhook())))
    decoded = decode_interaction(record.value, ANY_TIME)
    assert (decoded.account_id, decoded.said) == ("acme", "hello")
    assert record.key == session_key(decoded).encode() == b"acme/s/c1"
    assert record.timestamp_ms == NOON_MS + 1_000
    assert partition == partition_of(record.key, 4)


def test_a_record_that_gives_several_gives_them_in_their_order():
    writes = translate(mapping=Mapping(box_opened="first_visitor_message")).compute(run_of(webhook()))
    kinds = [json.loads(record.value)["type"] for _, record in written(writes)]
    assert kinds == ["box_opened", "visitor_message"]


@given(st.lists(st.sampled_from(["c1", "c2", "c3", "c4", "c5"]), max_size=40), st.integers(1, 7))
def test_the_order_within_a_session_is_that_of_the_input(conversations, partitions):
    records = [webhook(number, conversation) for number, conversation in enumerate(conversations)]
    found = written(translate(partitions).compute(run_of(*records)))
    for conversation in set(conversations):
        ours = [(partition, each) for partition, each in found if each.key == f"acme/s/{conversation}".encode()]
        assert len({partition for partition, _ in ours}) == 1
        ids = [json.loads(each.value)["interaction_id"].rpartition(":")[2] for _, each in ours]
        assert ids == [f"m{number}" for number, each in enumerate(conversations) if each == conversation]
    assert len(found) == len(conversations)


@pytest.mark.parametrize(
    ("value", "field", "code"),
    [
        pytest.param(None, "$", "empty", id="no value"),
        pytest.param(b"\xff", "$", "not_json", id="no text"),
        pytest.param(b"[]", "$", "not_object", id="no object"),
        pytest.param(webhook(account_id=5.5), "account_id", "invalid", id="a field that is wrong"),
        pytest.param(webhook(at_ms=NOON_MS + 7_200_000), "timestamp", "ahead", id="from the future"),
    ],
)
def test_what_is_wrong_is_a_dead_letter_of_the_record_as_it_came(value, field, code):
    run = run_of(webhook(1), value, webhook(2), first_offset=7)
    writes = translate().compute(run)
    ((partition, record),) = written(writes, "dead-letters")
    letter = decode_dead_letter(record.value)
    assert (letter.stage, letter.topic, letter.partition, letter.offset) == ("translate", TOPIC, 1, 8)
    assert (letter.field, letter.code, letter.value, letter.key) == (field, code, run.records[1].value, b"any")
    assert partition == 1
    assert len(written(writes)) == 2, "the stream goes on"


def test_of_a_record_of_which_anything_is_wrong_nothing_is_written():
    """The box is opened at a time that is right, the message would come after: put back, both come once."""
    late = webhook(at_ms=NOON_MS + 7_200_000)
    writes = translate(mapping=Mapping(box_opened="first_visitor_message")).compute(run_of(late))
    assert written(writes) == []
    assert len(written(writes, "dead-letters")) == 1


def test_what_says_nothing_of_interest_is_counted_and_ends_here():
    before = counted("unknown"), counted("applied")
    writes = translate().compute(run_of(webhook(event="contact.acquired"), webhook()))
    assert len(written(writes)) == 1
    assert written(writes, "dead-letters") == []
    assert (counted("unknown"), counted("applied")) == (before[0] + 1, before[1] + 1)


def test_more_dead_letters_than_allowed_stop_the_worker_before_anything_is_written():
    with pytest.raises(TooManyDeadLetters, match=r"chat-source-smartsupp-webhook\[1\]"):
        translate(window=DeadLetterWindow(3, 0.5)).compute(run_of(b"1", b"2", webhook()))


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_comes_is_interactions_or_a_reason(raw):
    raw = raw if isinstance(raw, bytes) else raw.encode()
    found = interactions_of(raw, SOURCE, Mapping(), RuleBook(), NOON_MS)
    assert isinstance(found, (list, Fault, Unknown))


def test_what_is_unknown_in_another_format_is_no_dead_letter_whatever_the_options_say_of_ours():
    rules = RuleBook(Options(unknown_types="dead_letter"))
    raw = json.dumps(webhook(event="contact.acquired")).encode()
    assert interactions_of(raw, SOURCE, Mapping(), rules, NOON_MS) == Unknown("contact.acquired")


def test_there_is_a_topic_for_each_format_of_the_setting_and_for_no_other():
    assert load_settings().source_formats == ()
    assert TopicNames(load_settings()).sources == {}
    assert NAMES.catalogued(SETTINGS)[TOPIC].name == "chat-source-<format>"
    assert TopicNames(load_settings(sources=SOURCE.name, topic_prefix="dev-")).sources == {
        SOURCE.name: "dev-chat-source-smartsupp-webhook"
    }


def test_formats_that_nobody_knows_are_told_with_those_that_are():
    with pytest.raises(BadSettings, match=r"CHAT2GA_SOURCES: .*smartsupp-webhook"):
        load_settings(sources="smartsupp-webhook, intercom")


def test_a_mapping_is_read_and_what_is_wrong_in_it_is_told(tmp_path):
    file = tmp_path / "mapping.toml"
    file.write_text('account_id = "acme"')
    assert mapping_of(load_settings(mapping=file)).account_id == "acme"
    file.write_text("account_id = 5")
    with pytest.raises(BadFile, match="account_id"):
        mapping_of(load_settings(mapping=file))


NAMELESS = [name for name, source in FORMATS.items() if not source.tells_account]


@pytest.mark.parametrize("name", NAMELESS)
def test_a_format_that_tells_no_account_begins_with_a_mapping_only(name, tmp_path):
    with pytest.raises(BadSettings, match="CHAT2GA_MAPPING: account_id: "):
        mapping_of(load_settings(sources=name))
    file = tmp_path / "mapping.toml"
    file.write_text("")
    with pytest.raises(BadFile, match="account_id"):
        mapping_of(load_settings(sources=name, mapping=file))
