"""Of many records those of the sessions to be explained, applied or not."""

import json

import pytest

from streams.attribution import RuleBook
from streams.replay import FilePlace, Holding, Named
from streams.replay.errors import ManySessions, NoSession
from streams.replay.gathering import AnyOf, Gathering
from tests.streams.attribution.builders import START_MICROS, clicked, joined, sent
from tests.streams.replay.replays import AS_OF_MS

BOOK = RuleBook()


def gathered(wanted, *records, keys=()):
    gathering = Gathering(wanted)
    for number, record in enumerate(records):
        whole = {"account_id": "acme", "session_id": "s", "timestamp": START_MICROS // 1_000 + number}
        raw = record if isinstance(record, bytes) else json.dumps({**whole, **record}).encode()
        at = FilePlace("f", number + 1)
        gathering.add(at, raw, BOOK.decode(raw, AS_OF_MS), keys[number] if keys else None)
    return gathering


def explained(asked, *records, **wanted):
    return gathered(asked, *records, **wanted).explained(asked, BOOK, by_time=True)


def test_records_of_the_session_that_are_no_interactions_are_shown_too():
    (found,) = explained(
        Named("s"),
        sent(),
        {"type": "box_closed", "timestamp": "noon"},
        {"type": "new_type"},
        {"type": "x", "session_id": 5},
        b"\xff",
        b"[]",
        b'{"type": "box_closed"}',
    )
    assert [(each.at.line, each.field, each.code) for each in found.left] == [
        (2, "timestamp", "invalid"),
        (3, "type", "unknown_type"),
    ]
    (only,) = explained(Named("only"), sent(), {"type": "box_closed", "session_id": "only", "timestamp": 1})
    assert (only.key, only.steps, len(only.left)) == ("acme/s/only", (), 1)


def test_a_record_without_any_id_belongs_to_the_session_of_its_key():
    nameless = {"type": "box_closed", "session_id": None}
    (found,) = explained(Named("s"), sent(), nameless)
    assert found.left == ()
    with pytest.raises(NoSession, match="none of the 2 records belongs to session 'nobody'"):
        explained(Named("nobody"), sent(), nameless)
    keys = [None, b"acme/s/s", b"acme/s/s", b"acme/v/v", b"\xff", b"", b"acme"]
    (found,) = explained(Named("s"), sent(), nameless, b"", nameless, nameless, b"", b"", keys=keys)
    assert [each.at.line for each in found.left] == [2, 3]


def test_sessions_of_several_keys_are_each_explained():
    asked = Holding(conversation="c")
    records = [joined(), joined(session_id="t"), joined(session_id=None, visitor_id="v"), clicked()]
    gathering = gathered(AnyOf(frozenset({"acme/s/s", "acme/v/v", "None/v/None"})), *records, {"type": "x"}, b"{}")
    found = gathering.explained(asked, BOOK, by_time=True)
    assert {each.key: [step.at.line for step in each.steps] for each in found} == {"acme/s/s": [1, 4], "acme/v/v": [3]}
    assert [len(each.left) for each in found] == [1, 0]
    assert gathering.records == 6


def test_a_name_that_means_several_is_asked_for_the_account():
    with pytest.raises(ManySessions, match="there are 2 such sessions: acme/s/s, beta/s/s"):
        explained(Named("s"), sent(), sent(account_id="beta"))
