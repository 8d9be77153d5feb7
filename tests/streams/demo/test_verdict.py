"""The verdict: good where everything is as in the replay, and bad where any one thing is not."""

import pytest
from msgspec.structs import replace

from streams.demo.verdict import Arrived, Seen, checks


@pytest.fixture
def seen(expected) -> Seen:
    return Seen(
        attributed=expected.records,
        events={key: list(events) for key, events in expected.events.items()},
        dead_letters=dict(expected.dead_letters),
        receipts=dict(expected.receipts),
        duplicates=expected.duplicates.total(),
    )


@pytest.fixture
def arrived(expected) -> Arrived:
    return Arrived(dict(expected.delivered), 0, [])


def failing(expected, seen, arrived) -> list[str]:
    return [check.what for check in checks(expected, seen, arrived) if not check.holds]


def test_all_holds_where_all_is_the_same(expected, seen, arrived):
    assert failing(expected, seen, arrived) == []


def first_session(seen: Seen) -> bytes:
    return next(key for key, events in seen.events.items() if len(events) > 1 and events[0] != events[1])


def without_an_event(seen: Seen) -> Seen:
    key = first_session(seen)
    return replace(seen, events={**seen.events, key: seen.events[key][1:]})


def with_an_event_too_many(seen: Seen) -> Seen:
    key = first_session(seen)
    return replace(seen, events={**seen.events, key: [*seen.events[key], seen.events[key][0]]})


def in_another_order(seen: Seen) -> Seen:
    key = first_session(seen)
    return replace(seen, events={**seen.events, key: seen.events[key][::-1]})


def under_another_key(seen: Seen) -> Seen:
    key = first_session(seen)
    rest = {other: events for other, events in seen.events.items() if other != key}
    return replace(seen, events={**rest, b"other": seen.events[key]})


def with_another_byte(seen: Seen) -> Seen:
    key = first_session(seen)
    events = [seen.events[key][0] + b" ", *seen.events[key][1:]]
    return replace(seen, events={**seen.events, key: events})


def without_a_dead_letter(seen: Seen) -> Seen:
    return replace(seen, dead_letters={**seen.dead_letters, ("$", "empty"): 0})


def with_a_dead_letter_too_many(seen: Seen) -> Seen:
    return replace(seen, dead_letters={**seen.dead_letters, ("x", "y"): 1})


DEAD_LETTERS = "dead letters, by field and code"


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (lambda seen: replace(seen, attributed=seen.attributed - 1), "records taken, of those sent"),
        (without_an_event, "events to the byte those of a replay"),
        (with_an_event_too_many, "events to the byte those of a replay"),
        (in_another_order, "events to the byte those of a replay"),
        (under_another_key, "events to the byte those of a replay"),
        (with_another_byte, "events to the byte those of a replay"),
        (lambda seen: replace(seen, duplicates=seen.duplicates + 1), "duplicates removed"),
        (without_a_dead_letter, DEAD_LETTERS),
        (
            lambda seen: replace(seen, dead_letters={**seen.dead_letters, ("x", "y"): 1}),
            "dead letters, by field and code",
        ),
        (lambda seen: replace(seen, receipts={**seen.receipts, "refused": 1}), "receipts, by outcome"),
        (lambda seen: replace(seen, receipts={**seen.receipts, "delivered": 1}), "receipts, by outcome"),
    ],
)
def test_one_thing_that_the_worker_did_otherwise_is_found(expected, seen, arrived, broken, what):
    assert failing(expected, broken(seen), arrived) == [what]


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (lambda a: replace(a, names={**a.names, ("ga4", "Chatbot_sent"): 1}), "events at the collector, by name"),
        (lambda a: replace(a, names={}), "events at the collector, by name"),
        (lambda a: replace(a, duplicates=1), "events that the collector got twice"),
        (lambda a: replace(a, violations=["client_id: none"]), "violations of Google's rules"),
    ],
)
def test_one_thing_that_the_collector_got_otherwise_is_found(expected, seen, arrived, broken, what):
    assert failing(expected, seen, broken(arrived)) == [what]


def test_a_check_that_fails_tells_both_numbers(expected, seen, arrived):
    told = [check.told for check in checks(expected, replace(seen, duplicates=1), arrived) if not check.holds]
    assert told == [f"1 instead of {expected.duplicates.total():,}"]
