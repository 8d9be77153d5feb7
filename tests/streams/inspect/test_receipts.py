from collections import Counter

import pytest

from streams.inspect.receipts import OTHER, Found, Spread, Summary, Wanted
from tests.schemas.receipts import receipt


def summed(*receipts):
    summary = Summary()
    for number, each in enumerate(receipts):
        summary.add(Found(0, number, 1_000 + number, each))
    return summary.told()


@pytest.mark.parametrize("times", [[5], list(range(1, 1_001)), [7] * 99 + [90_000_000], [0, 0, -3, 1]])
def test_a_share_is_within_two_percent_and_the_longest_is_exact(times):
    spread = Spread()
    for micros in times:
        spread.add(micros)
    ranked = sorted(max(micros, 0) for micros in times)
    for share in (0.5, 0.95, 1.0):
        exact = ranked[-(-len(times) * round(share * 100) // 100) - 1]
        assert exact <= spread.share_micros(share) <= exact * 1.02 + 1
    assert spread.told()["max"] == max(times) / 1e6


def test_of_none_there_is_no_time():
    assert Spread().told() == {"count": 0, "p50": 0, "p95": 0, "max": 0}


def test_a_summary_counts_by_outcome_and_by_all_else():
    told = summed(
        receipt(attempts=1, sent_micros=3_000_000, answered_micros=3_500_000),
        receipt(attempts=4, sent_micros=3_000_000, answered_micros=3_500_000, tracker_id="G-B"),
        receipt("refused", attempts=1, sent_micros=3_000_000, answered_micros=3_500_000, reason="status 403"),
        receipt("plan", account_id="free", reason="its plan", name="Feedback_sent"),
        None,
    )
    assert (told["receipts"], told["unreadable"]) == (4, 1)
    assert (told["first_written_ms"], told["last_written_ms"]) == (1_000, 1_003)
    assert list(told["outcomes"].items()) == [("delivered", 2), ("plan", 1), ("refused", 1)]
    assert told["accounts"] == {"acme": {"delivered": 2, "refused": 1}, "free": {"plan": 1}}
    assert told["trackers"] == {"G-A": {"delivered": 1, "plan": 1, "refused": 1}, "G-B": {"delivered": 1}}
    assert told["names"] == {"Chatbot_sent": {"delivered": 2, "refused": 1}, "Feedback_sent": {"plan": 1}}
    assert told["reasons"] == {"status 403": {"refused": 1}, "its plan": {"plan": 1}}
    assert told["attempts"] == {"tried": 3, "more_than_once": 1, "most": 4}
    assert told["event_to_sent_s"]["count"] == told["sent_to_answered_s"]["count"] == 3
    assert told["event_to_sent_s"]["max"] == 2.0
    assert told["sent_to_answered_s"] == {"count": 3, "p50": 0.5, "p95": 0.5, "max": 0.5}


def test_many_accounts_are_told_together_and_none_is_left_out():
    told = summed(*[receipt(account_id=f"a{number}") for number in range(10_050)])
    assert len(told["accounts"]) == 10_001
    assert told["accounts"][OTHER] == {"delivered": 50}
    assert Counter(told["outcomes"]) == {"delivered": 10_050}


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        ({}, True),
        ({"account": "acme", "tracker": "G-A", "outcome": "delivered", "event_id": "e"}, True),
        ({"account": "other"}, False),
        ({"tracker": "G-B"}, False),
        ({"outcome": "refused"}, False),
        ({"event_id": "f"}, False),
    ],
)
def test_all_that_is_asked_for_must_hold(wanted, takes):
    assert Wanted(**wanted).takes(receipt()) is takes
