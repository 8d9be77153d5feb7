"""The judge's rule for refusals, case by case; for the others test_broken.py breaks the worker."""

import pytest

from schemas.dead_letter import DeadLetter
from schemas.ga_event import encode_event
from schemas.receipt import encode_receipt
from tests.guarantees.judge import Verdict, _judge_refusals
from tests.kafka import Record
from tests.schemas.receipts import receipt
from tests.streams.measurement.made import made

IDS = {n: made(n).event_id for n in range(3)}


def told(*outcomes):
    """Receipts, each of an event at a tracker."""
    made_up = [receipt(outcome, event_id=IDS[number], tracker_id=tracker) for number, tracker, outcome in outcomes]
    return [Record(0, offset, 0, b"k", encode_receipt(each), ()) for offset, each in enumerate(made_up)]


def kept(number, *trackers):
    """The dead letter of an event."""
    return DeadLetter(
        topic="ga-events",
        partition=0,
        offset=number,
        timestamp_ms=0,
        stage="deliver",
        field="trackers",
        code="refused",
        reason="Refused for good",
        key=b"k",
        value=encode_event(made(number)),
        trackers=trackers,
    )


@pytest.mark.parametrize(
    ("receipts", "letters", "faults"),
    [
        pytest.param([(0, "G-A", "delivered")], [], {}, id="nothing refused"),
        pytest.param([(0, "G-A", "refused")], [kept(0, "G-A")], {}, id="refused and kept"),
        pytest.param([(0, "G-A", "refused")], [], {"refused_without_dead_letter": 1}, id="a letter is missing"),
        pytest.param(
            [(0, "G-A", "refused"), (1, "G-A", "refused")],
            [kept(1, "G-A")],
            {"refused_without_dead_letter": 1},
            id="that of one event is missing",
        ),
        pytest.param(
            [(0, "G-A", "refused"), (0, "G-B", "refused")],
            [kept(0, "G-B")],
            {"refused_without_dead_letter": 1},
            id="a letter that names too few trackers",
        ),
        pytest.param(
            [(0, "G-A", "refused"), (0, "G-B", "delivered")],
            [kept(0, "G-A", "G-B")],
            {"dead_letter_of_none_refused": 1},
            id="a letter for a tracker that took it",
        ),
        pytest.param(
            [(0, "G-A", "plan"), (1, "G-A", "expired"), (2, "G-A", "rejected")],
            [kept(0, "G-A"), kept(1, "G-A"), kept(2, "G-A")],
            {"dead_letter_of_none_refused": 3},
            id="letters for other outcomes",
        ),
        pytest.param([], [kept(0, "G-A")], {"dead_letter_of_none_refused": 1}, id="a letter without its receipt"),
        pytest.param(
            [(0, "G-A", "refused"), (0, "G-A", "refused")], [kept(0, "G-A"), kept(0, "G-A")], {}, id="read twice"
        ),
        pytest.param([(0, "G-A", "refused"), (0, "G-A", "delivered")], [kept(0, "G-A")], {}, id="taken later"),
        pytest.param([(0, "G-A", "refused"), (0, "G-A", "delivered")], [], {}, id="taken at the second reading"),
    ],
)
def test_refusals_and_their_dead_letters(receipts, letters, faults):
    verdict = Verdict()
    _judge_refusals(verdict, told(*receipts), letters)
    assert verdict.faults == faults
