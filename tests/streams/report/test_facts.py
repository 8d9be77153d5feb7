"""Facts: the same lines however the replay is cut, bounded memory, and no id of a visitor."""

from collections import Counter

import msgspec
import pytest

from schemas.decoding import decode_interaction
from streams.attribution import RuleBook
from streams.replay import Replay, Tally, replay
from streams.replay.plan import Limits
from streams.report import facts as module
from streams.report.facts import Facts
from tests.streams.report.month import Shape, lines_of, month
from tests.streams.report.reports import AS_OF_MS, CONSENT_REQUIRED


def replayed(directory, lines, **wanted):
    source, out = directory / "in.jsonl", directory / "out.jsonl"
    source.write_bytes(b"\n".join(lines))
    product = Facts(RuleBook())
    given = {"inputs": (str(source),), "out": str(out), "book": RuleBook(), "as_of_ms": AS_OF_MS, "product": product}
    replay(Replay(**{**given, **wanted}))
    return out.read_bytes().splitlines()


def facts_of(records, product=None):
    interactions = [decode_interaction(line, 1 << 62) for line in lines_of(records)]
    return [msgspec.json.decode(line) for line in (product or Facts(RuleBook())).lines(interactions, Tally())]


def said(kind, at_s=0, **own):
    return {"type": kind, "account_id": "a", "session_id": "s", "timestamp": 1_767_600_000_000 + at_s * 1000, **own}


@pytest.mark.parametrize("jobs", [1, 2])
def test_buckets_and_processes_change_no_line(tmp_path, jobs):
    lines = lines_of(month(1))
    whole = replayed(tmp_path, lines)
    assert len(whole) > 500
    assert replayed(tmp_path, lines, jobs=jobs, limits=Limits(chunk_bytes=4_000, bucket_bytes=30_000)) == whole
    on_disk = replayed(tmp_path, lines, jobs=jobs, limits=Limits(chunk_bytes=4_000, bucket_bytes=100))
    assert on_disk == whole


def test_what_was_met_is_counted():
    records = [
        said("visitor_message", interaction_id="1"),
        said("visitor_message", interaction_id="1"),
        said("feedback_given", 5, rating=5, consent={"analytics": False}),
        said("page_viewed", 90_000),
    ]
    tally = Tally()
    interactions = [decode_interaction(line, 1 << 62) for line in lines_of(records)]
    told = [msgspec.json.decode(line) for line in Facts(RuleBook()).lines(interactions, tally)]
    assert tally.sessions == 2
    assert tally.duplicates == {"same_id": 1}
    assert tally.events == Counter({"Visitor_started_conversation": 1})
    assert tally.dropped_for_consent == 1
    visits = [fact for fact in told if fact["fact"] == "visit"]
    assert [(fact["events"], fact["withheld"], fact["interactions"]) for fact in visits] == [(2, 1, 2), (0, 0, 1)]
    assert len({fact["visit"] for fact in visits}) == 2, "a session after its gap is another visit"
    assert len({fact["visitor"] for fact in visits}) == 1, "of the same visitor"


def test_a_step_is_told_with_its_run_whether_or_not_google_may_hear_of_it():
    bot = {"kind": "chatbot", "id": "b", "name": "Bot", "run_id": "r"}
    records = [
        said("automation_sent", 0, automation=bot),
        said("automation_sent", 1, automation=bot),
        said("box_opened", 2),
        said("button_clicked", 3, button="Yes", automation=bot),
        said("visitor_message", 4),
        said("button_clicked", 5, button="Yes", automation={**bot, "id": "never received"}),
    ]
    for product in (Facts(RuleBook()), Facts(CONSENT_REQUIRED)):
        steps = [fact for fact in facts_of(records, product) if fact["fact"] == "step"]
        assert [fact["step"] for fact in steps] == ["sent", "viewed", "clicked", "reacted", "clicked"]
        assert len({fact["run"] for fact in steps[:4]}) == 1
        assert steps[4]["run"] != steps[0]["run"]
    closed_between = [
        records[0],
        said("conversation_closed", 1),
        said("automation_sent", 2, automation={**bot, "run_id": "2"}),
    ]
    steps = [fact for fact in facts_of(closed_between) if fact["fact"] == "step"]
    assert len({fact["run"] for fact in steps}) == 2


EVA, ADAM = {"id": "eva", "name": "Eva"}, {"id": "adam", "name": "Adam"}


@pytest.mark.parametrize(
    ("records", "agent"),
    [
        pytest.param(
            [said("agent_joined", agent=EVA), said("agent_message", 1, agent=ADAM)], "adam", id="the last to write"
        ),
        pytest.param(
            [said("agent_joined", agent=EVA), said("agent_message", 1)], "eva", id="nobody named: the one who joined"
        ),
        pytest.param(
            [said("agent_joined", agent=EVA), said("conversation_closed", 1)], "eva", id="closed before, nameless"
        ),
        pytest.param(
            [said("agent_joined", agent=EVA, conversation_id="c"), said("conversation_closed", 1, conversation_id="c")],
            "eva",
            id="closed before, the last of the visit",
        ),
        pytest.param([said("agent_message")], None, id="an agent without a name"),
        pytest.param([said("visitor_message")], None, id="nobody"),
    ],
)
def test_a_rating_is_the_agent_s_who_was_there_last(records, agent):
    rated = [fact for fact in facts_of([*records, said("feedback_given", 9, rating=5)]) if fact["fact"] == "rated"]
    assert [fact["id"] for fact in rated] == [agent]


def test_a_rating_that_names_its_conversation_is_of_that_one():
    records = [
        said("agent_joined", agent=EVA, conversation_id="1"),
        said("conversation_closed", 1, conversation_id="1"),
        said("agent_joined", 2, agent=ADAM, conversation_id="2"),
        said("feedback_given", 3, rating=5, conversation_id="1"),
        said("feedback_given", 4, rating=1, conversation_id="2"),
        said("feedback_given", 5, rating=3, conversation_id="3"),
        said("feedback_given", 6, text="no rating", conversation_id="2"),
    ]
    rated = [(fact["rating"], fact["id"]) for fact in facts_of(records) if fact["fact"] == "rated"]
    assert rated == [(5, "eva"), (1, "adam"), (3, None)]


def test_no_id_of_a_visitor_or_session_and_no_text_is_told():
    records = [
        said(
            "visitor_message",
            visitor_id="SECRET",
            user_id="SECRET",
            session_id="SECRET",
            text="SECRET",
            tab_id="SECRET",
        ),
        said("feedback_given", visitor_id="SECRET", session_id="SECRET", rating=5, text="SECRET"),
    ]
    assert "SECRET" not in str(facts_of(records))


def test_an_account_that_was_not_asked_for_is_named_and_nothing_else(tmp_path):
    lines = lines_of([*month(1, Shape(visitors=5)), said("page_viewed")])
    told = replayed(tmp_path, lines, product=Facts(RuleBook(), accounts=frozenset({"a"})))
    assert {msgspec.json.decode(line)["account"] for line in told if b"elsewhere" in line} == {"shop"}
    assert sum(b"elsewhere" not in line for line in told) == 1


def test_a_visit_without_end_is_told_in_bounded_memory(monkeypatch):
    """What is forgotten may be told again, which counts once: distinct conversations and agents are what is counted."""
    records = [
        said("agent_message", number, conversation_id=f"c{number % 600}", agent={"id": f"a{number % 600}", "name": "A"})
        for number in range(1_500)
    ]
    under_way = []
    made = module._UnderWay.__init__
    monkeypatch.setattr(
        module._UnderWay, "__init__", lambda self, *given: (under_way.append(self), made(self, *given))[1]
    )
    facts_of(records)
    (visit,) = under_way
    assert max(map(len, (visit._ways, visit._wrote, visit._agents))) <= 256
