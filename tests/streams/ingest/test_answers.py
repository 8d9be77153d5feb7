"""Answers: each outcome has its status, and none says more than it may."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.interaction import Fault
from schemas.options import Options
from streams.attribution import RuleBook
from streams.ingest import Endpoint, Served, answers
from streams.ingest.interactions import Refused, interactions_in
from streams.observe.metrics import IngestOutcome
from streams.sources import Mapping
from tests.streams.ingest.signing import NOW_MS, interaction

RAW = Served(Endpoint(format="interaction", open=True), None, Mapping())


def test_every_outcome_has_a_status():
    assert set(answers.STATUS) == set(get_args(IngestOutcome))


def test_what_was_written_is_counted_and_of_nothing_nothing_is_said():
    assert answers.accepted(3, 0) == answers.Answer("accepted", {"accepted": 3})
    assert answers.accepted(3, 2).body == {"accepted": 3, "ignored": 2}
    assert (answers.accepted(0, 2).status, answers.accepted(0, 2).body) == (204, None)


@pytest.mark.parametrize(("wait_s", "told"), [(0.0, 1), (0.2, 1), (1.0, 1), (1.01, 2), (30.0, 30)])
def test_who_comes_too_often_is_told_when_to_come_again(wait_s, told):
    assert (answers.throttled(wait_s).status, answers.throttled(wait_s).retry_after_s) == (429, told)


def test_whatever_is_not_there_for_now_says_when_to_come_again():
    assert all(each.retry_after_s for each in (answers.BUSY, answers.NOT_THERE))
    assert {answers.BUSY.status, answers.NOT_THERE.status} == {503}


def test_why_somebody_is_not_believed_is_not_said():
    assert answers.unauthorised("Bearer").body == {"error": "unauthorised"}


def test_what_is_wrong_is_told_with_field_and_line():
    refusal = Refused(Fault("page.url", "Expected `str`, got `int`"), 7)
    assert answers.refused(refusal).body == {
        "error": "invalid",
        "code": "invalid",
        "field": "page.url",
        "reason": "Expected `str`, got `int`",
        "line": 7,
    }
    assert "line" not in answers.refused(refusal._replace(line=None)).body


def test_a_record_that_is_too_large_is_answered_as_a_body_that_is():
    assert answers.refused(Refused(Fault("$", "", "too_large"))).status == 413


MARK = "hunter2"


def answered(given, unknown_types="ignore"):
    """What is said of a body that is none, as text."""
    rules = RuleBook(Options(unknown_types=unknown_types))
    found = interactions_in(given, RAW, rules, NOW_MS)
    return json.dumps(answers.refused(found).body) if isinstance(found, Refused) else None


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"type": MARK}, id="a type that is not known"),
        pytest.param({"type": "box_opened", "via": MARK}, id="one of a few values"),
        pytest.param(
            {"type": "automation_sent", "automation": {"kind": MARK, "id": "1", "name": "n"}}, id="further in"
        ),
        pytest.param({"type": "feedback_given", "rating": MARK}, id="a rating"),
        pytest.param({"timestamp": MARK}, id="a time"),
        pytest.param({"timestamp": "2026-13-31T12:00:00Z"}, id="a date that does not exist"),
        pytest.param({"ga": {"cookies": {MARK: 5}}}, id="under a name of the sender's own"),
    ],
)
def test_a_value_that_is_wrong_is_not_quoted(fields):
    said = answered(json.dumps(interaction(**fields)).encode(), unknown_types="dead_letter")
    assert said is not None
    assert MARK not in said
    assert "13-31" not in said


@given(
    st.dictionaries(
        st.sampled_from(["account_id", "session_id", "timestamp", "rating", "via", "agent", "page"]) | st.just(MARK),
        st.just(MARK) | st.sampled_from([[MARK], {MARK: MARK}, {"id": MARK}, {"cookies": {MARK: 5}}]),
        min_size=1,
    ),
    st.sampled_from(["automation_sent", "box_opened", "feedback_given", "button_clicked", "page_viewed"]),
)
def test_nothing_of_the_body_is_quoted(fields, kind):
    whole = json.dumps(interaction(**fields, type=kind))
    for body in (whole, whole[:-1], f"[{whole}]", f"{whole}\n{MARK}"):
        assert MARK not in (answered(body.encode()) or "")
