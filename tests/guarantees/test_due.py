"""What is held against what is due, and the collector that it goes by: each way to differ is seen."""

from collections import Counter

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from schemas.dead_letter import DeadLetter, encode_dead_letter
from schemas.ga_event import decode_event
from schemas.receipt import Receipt, encode_receipt
from tests.guarantees.due import Due, Events, Letters, Receipts, name_of, pair_of
from tests.guarantees.feeding import records_of
from tests.guarantees.harness import ACCOUNTS
from tests.guarantees.judge import Verdict, expected
from tests.guarantees.ways import REFUSALS, TIMEOUT_S, WAYS, Failing
from tests.kafka import Record

INPUT = [
    Record(0, offset, each.timestamp_ms or 0, each.key, each.value, ())
    for offset, each in enumerate(records_of(1, 60, bad=0.1))
]
WANT = expected(INPUT, accounts=ACCOUNTS)
EVENTS = [(key, value) for key, values in WANT.events.items() for value in values]
SEVERAL = next(values for values in WANT.events.values() if len(values) > 1)
ANY = next(iter(WANT.delivered))


def due():
    made = Due(ACCOUNTS)
    for record in INPUT:
        made.take(record)
    made.end()
    return made


def taking(kind, values):
    made = kind()
    for value in values:
        made.take(Record(0, 0, 0, b"k", value, ()))
    return made


def faults(judge, *found):
    verdict = Verdict()
    judge(verdict, *found)
    return verdict.faults


def test_what_is_due_is_what_the_judge_expects_who_keeps_everything():
    mine = due()
    assert mine.outcomes == {name_of(pair): (outcome,) for pair, outcome in WANT.receipts.items()}
    assert mine.dead_letters == WANT.dead_letters
    assert {pair_of(name) for name in mine.at_ga()} == WANT.delivered
    assert (mine.interactions, mine.sessions, mine.events.count) == (len(INPUT), len(WANT.sessions), len(EVENTS))


# -- ga-events --------------------------------------------------------------------------


def events(pairs):
    made = Events()
    for key, value in pairs:
        made.take(key, value)
    return made


@pytest.mark.parametrize(
    ("change", "differ"),
    [
        pytest.param(lambda value: [value], 0, id="as it is"),
        pytest.param(lambda _: [], 1, id="missing"),
        pytest.param(lambda value: [value, value], 1, id="twice"),
        pytest.param(lambda value: [value.replace(b'"name"', b'"nome"')], 1, id="another byte"),
    ],
)
def test_an_event_that_is_not_as_it_must_be_is_seen(change, differ):
    (key, last), rest = EVENTS[-1], EVENTS[:-1]
    got = events([*rest, *((key, value) for value in change(last))])
    assert faults(due().judge_events, got) == ({"events_of_session": differ} if differ else {})


def test_events_of_a_session_in_another_order_are_seen():
    got = events([(key, value) for key, values in WANT.events.items() for value in reversed(values)])
    assert len(SEVERAL) > 1
    assert faults(due().judge_events, got)["events_of_session"] > 0


# -- receipts --------------------------------------------------------------------------------


def receipt(pair, outcome, attempts=1):
    told = {"account_id": "a", "session_id": "s", "name": "n"}
    return encode_receipt(Receipt(event_id=pair[0], tracker_id=pair[1], outcome=outcome, attempts=attempts, **told))


@pytest.mark.parametrize(
    ("of_any", "differ"),
    [
        pytest.param(["delivered"], 0, id="as it is"),
        pytest.param([], 1, id="missing"),
        pytest.param(["delivered", "delivered"], 1, id="twice"),
        pytest.param(["delivered", "repeated"], 1, id="one more of another outcome"),
        pytest.param(["no_secret"], 1, id="another outcome"),
    ],
)
def test_anything_but_one_receipt_of_the_outcome_due_is_seen(of_any, differ):
    got = taking(
        Receipts,
        [
            receipt(pair, outcome)
            for pair, due_outcome in WANT.receipts.items()
            for outcome in (of_any if pair == ANY else [due_outcome])
        ],
    )
    assert faults(due().judge_receipts, got) == ({"receipts": differ} if differ else {})


def test_a_receipt_of_nothing_that_is_due_is_seen():
    got = taking(Receipts, [*[receipt(*item) for item in WANT.receipts.items()], receipt(("x", "G-X"), "delivered")])
    assert faults(due().judge_receipts, got) == {"receipts": 1}


def test_receipts_are_counted_by_outcome_and_by_tries():
    got = taking(Receipts, [receipt(("x", "G-X"), "delivered", 3), receipt(("x", "G-Y"), "plan", 0)])
    assert got.by_outcome() == {"delivered": 1, "plan": 1}
    assert got.attempts == {3: 1}


# -- dead letters, and what is put back ------------------------------------------------------------


def letter(offset, code="invalid", field="type", value=b"", trackers=()):
    return encode_dead_letter(
        DeadLetter(
            topic="t",
            partition=0,
            offset=offset,
            timestamp_ms=0,
            stage="deliver" if trackers else "attribute",
            field=field,
            code=code,
            reason="",
            key=b"k",
            value=value,
            trackers=tuple(trackers),
        )
    )


def letters(*more, leave_out=0):
    bad = [letter(offset, field=field) for (_, offset), field in WANT.dead_letters.items()]
    return taking(Letters, [*bad[leave_out:], *more])


OF_ANY = next(value for _, value in EVENTS if decode_event(value).event_id == ANY[0])
REFUSAL = letter(7, "refused", "trackers", OF_ANY, [ANY[1]])


def test_dead_letters_that_are_missing_repeated_or_of_nothing_are_seen():
    first = next(iter(WANT.dead_letters.items()))
    again = letter(first[0][1], field=first[1])
    assert faults(due().judge_letters, letters(), ()) == {}
    assert faults(due().judge_letters, letters(leave_out=1), ()) == {"dead_letters": 1}
    assert faults(due().judge_letters, letters(again), ()) == {"dead_letters_repeated": 1}
    assert faults(due().judge_letters, letters(letter(10**6)), ()) == {"dead_letters": 1}


def test_a_refusal_has_one_dead_letter_and_a_dead_letter_a_refusal():
    name = name_of(ANY)
    assert faults(due().judge_letters, letters(REFUSAL), {name}) == {}
    assert faults(due().judge_letters, letters(), {name}) == {"dead_letters_of_refusals": 1}
    assert faults(due().judge_letters, letters(REFUSAL), ()) == {"dead_letters_of_refusals": 1}
    assert faults(due().judge_letters, letters(REFUSAL, REFUSAL), {name}) == {"dead_letters_of_refusals": 1}


def test_what_was_refused_is_due_once_it_is_put_back_and_its_other_trackers_have_it():
    mine, name = due(), name_of(ANY)
    mine.refused({name})
    assert mine.outcomes[name] == ("refused",)
    assert name not in mine.at_ga()
    mine.put_back(letters(REFUSAL))
    assert mine.outcomes[name] == ("delivered", "refused")
    assert name in mine.at_ga()
    others = [name_of(pair) for pair in WANT.delivered if pair[0] == ANY[0] and pair != ANY]
    assert [mine.outcomes[other] for other in others] == [("delivered", "repeated")] * len(others)


# -- arrivals ------------------------------------------------------------------------------------


def test_what_does_not_arrive_or_is_not_due_or_comes_again_unasked_is_seen():
    names = [name_of(pair) for pair in WANT.delivered]
    once = dict.fromkeys(names, 1)
    assert faults(due().judge_arrivals, once, ()) == {}
    assert faults(due().judge_arrivals, {**once, b"x/G-X": 1}, ()) == {"not_due_at_ga": 1}
    assert faults(due().judge_arrivals, dict.fromkeys(names[1:], 1), ()) == {"missing_at_ga": 1}
    assert faults(due().judge_arrivals, {**once, names[0]: 2}, [names[0]]) == {"repeated_at_ga": 1}
    assert faults(due().judge_arrivals, {**once, names[0]: 2}, ()) == {}, "its answer was lost"


async def posted(google, event_id, within_s=60.0):
    """What a sender does with an answer as with none: it waits for so long."""
    body = {"client_id": "1.2", "events": [{"name": "n", "params": {"event_id": event_id}}]}
    async with ClientSession(timeout=ClientTimeout(total=within_s)) as session:
        try:
            address = f"{google.url}/mp/collect?measurement_id=G-X&api_secret=s"
            async with session.post(address, json=body, allow_redirects=False) as answer:
                await answer.read()
        except (ClientError, TimeoutError):
            return None
        return answer.status


LOST = {"hung up after taking", "answers after the time-out"}
SLOW = {"200 that trickles beyond the time-out"}
"""Whoever reads it to its end, as here, gives up; but its status had said that it was taken."""
TAKEN = {"200 with a megabyte", "204, late but in time"} | SLOW


@pytest.mark.parametrize("way", WAYS)
async def test_who_may_come_again_is_who_was_taken_and_had_no_answer(way):
    async with Failing([way]) as google:
        assert await posted(google, "first") == 204
        # Long where no time-out is the matter: a busy machine would give up what was answered.
        answered = await posted(google, "e", *([TIMEOUT_S] if way in LOST | SLOW else []))
        assert await posted(google, "e") == 204
    assert google.by_way == {way: 1}
    assert (answered is None) == (way in LOST | SLOW or way == "hung up before taking")
    name = name_of(("e", "G-X"))
    assert google.times[name] == 1 + (way in LOST | TAKEN)
    assert google.unasked == Counter({name: 1} if way in TAKEN else {})
    assert google.refused == ({name} if way in REFUSALS else set())
    assert google.arrivals() == 2 + (way in LOST | TAKEN)
    assert google.requests_taken == google.arrivals()


async def test_coming_again_is_judged_by_the_request_before():
    async with Failing(["hung up after taking"]) as google:
        for event_id in ("first", "e", "e"):  # the second of them is lost
            await posted(google, event_id)
        assert google.unasked == {}
        await posted(google, "e")
    assert google.unasked == {name_of(("e", "G-X")): 1}
