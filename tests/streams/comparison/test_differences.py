"""Matching: what is an event's like under the other rule set, and what it is called where there is none."""

from msgspec.structs import replace

from schemas.ga_event import Automation
from streams.comparison import differences
from streams.comparison.differences import KINDS, Matching
from tests.streams.attribution.builders import BOT, all_events, clicked, joined, opened, sent, typed
from tests.streams.comparison.made import told

(SENT,) = all_events([sent(BOT)])
VIEWED = all_events([sent(BOT), opened()])[-1]
FIRST, REACTION = all_events([sent(BOT), typed()])[-2:]
JOINED = all_events([joined()])[-1]


def matched(*fired):
    """The differences of interactions that fire these events, under A and under B."""
    matching = Matching("acme/s/s")
    found = [each for a, b in fired for each in matching.fired(a, b)]
    return [*found, *matching.settled()]


def test_events_equal_but_for_the_version_of_the_rules_are_the_same():
    assert matched(([SENT, JOINED], [replace(JOINED, rules_version="2"), SENT])) == []


def test_of_an_event_that_changed_the_fields_are_named():
    (changed,) = matched(([SENT], [replace(SENT, label="x", rules_version="2", language="cs")]))
    assert (changed.kind, changed.fields) == ("changed", ("label", "language"))
    assert (changed.name, changed.account_id, changed.session) == ("Chatbot_sent", "acme", "acme/s/s")


def test_an_event_of_the_same_id_is_found_whatever_else_it_says():
    other = replace(SENT, automation=Automation("chatbot", "bot", "Bot", "r9"), caused_by=("x",))
    assert told(matched(([SENT, JOINED], [other]))) == [("changed", "Chatbot_sent"), ("lost", JOINED.name)]


def test_an_event_with_another_id_is_found_by_its_run():
    other = replace(VIEWED, event_id="0" * 32, session_id="x")
    assert told(matched(([VIEWED], [other]))) == [("changed", "Chatbot_viewed")]


def test_runs_that_have_no_id_are_told_apart_by_their_receipts():
    one, two = (replace(VIEWED, event_id=receipt, caused_by=("box", receipt)) for receipt in ("r1", "r2"))
    others = [replace(each, event_id=f"{each.event_id}b", session_id="x") for each in (two, one)]
    found = matched(([one, two], others))
    assert {(each.a.caused_by, each.b.caused_by) for each in found} == {
        (each.caused_by, each.caused_by) for each in (one, two)
    }
    assert told(matched(([one], others))) == [("changed", "Chatbot_viewed"), ("gained", "Chatbot_viewed")]


def test_what_another_automation_did_is_another_event_but_an_answer_is_credited_to_one_or_the_other():
    def of(event, automation):
        return replace(event, event_id="0" * 32, automation=automation)

    second, same = Automation("chatbot", "bot-2", "", None), Automation("chatbot", "bot", "", "r9")
    for event in (SENT, VIEWED):
        assert {each.kind for each in matched(([event], [of(event, second)]))} == {"lost", "gained"}
    for event in (FIRST, REACTION):
        assert told(matched(([event], [of(event, second)]))) == [("reattributed", event.name)]
        assert told(matched(([event], [of(event, None)]))) == [("reattributed", event.name)]
        assert told(matched(([event], [of(event, same)]))) == [("changed", event.name)], "another run of the same"


def test_a_reaction_may_be_credited_to_an_automation_of_another_kind():
    other = replace(
        REACTION, name="Trigger_visitor_reaction", event_id="x", automation=Automation("trigger", "t", "", None)
    )
    (found,) = matched(([REACTION], [other]))
    assert (found.kind, found.name, found.b.name) == ("reattributed", REACTION.name, "Trigger_visitor_reaction")
    assert told(matched(([FIRST], [other]))) == [("lost", FIRST.name), ("gained", other.name)], "no answer of that sort"


def test_the_same_event_of_a_run_at_another_interaction_is_moved():
    later = replace(
        VIEWED, event_id="x", timestamp_micros=VIEWED.timestamp_micros + 1, caused_by=("2", VIEWED.caused_by[-1])
    )
    for fired in ([([VIEWED], []), ([], [later])], [([], [VIEWED]), ([later], [])]):
        assert told(matched(*fired)) == [("moved", "Chatbot_viewed")]
    another = replace(later, caused_by=("2", "another receipt"))
    assert told(matched(([VIEWED], []), ([], [another]))) == [("lost", "Chatbot_viewed"), ("gained", "Chatbot_viewed")]


def test_clicks_of_other_buttons_are_other_events():
    yes, no = (all_events([sent(BOT), clicked(BOT, button)])[-2] for button in ("Yes", "No"))
    assert told(matched(([yes], []), ([], [no]))) == [("lost", yes.name), ("gained", no.name)]


def test_an_event_that_is_the_same_at_another_interaction_is_the_same():
    assert matched(([JOINED], []), ([], [JOINED])) == []
    changed = replace(JOINED, label="x")  # another copy of the same interaction was applied
    assert told(matched(([JOINED], []), ([], [changed]))) == [("changed", JOINED.name)]
    assert told(matched(([JOINED], []), ([], [replace(changed, timestamp_micros=1)]))) == [("moved", JOINED.name)]


def test_nothing_moves_past_the_end_of_a_session():
    matching = Matching("k")
    assert list(matching.fired([VIEWED], [])) == []
    assert told(matching.settled()) == [("lost", VIEWED.name)]
    assert told([*matching.fired([], [VIEWED]), *matching.settled()]) == [("gained", VIEWED.name)]


def test_what_waits_has_a_bound_and_everything_stands_in_its_order(monkeypatch):
    monkeypatch.setattr(differences, "MAX_HELD", 3)
    matching = Matching("k")
    joins = [all_events([joined({"id": str(number), "name": str(number)})])[0] for number in range(4)]
    assert list(matching.fired([VIEWED], [])) == []
    assert list(matching.fired([joins[0]], [replace(joins[0], label="x")])) == []
    found = list(matching.fired([], [joins[1]]))
    assert told(found) == [("lost", VIEWED.name), ("changed", joins[0].name), ("gained", joins[1].name)]
    assert told([*matching.fired([], [VIEWED]), *matching.settled()]) == [("gained", VIEWED.name)]


def test_a_difference_that_waits_for_nothing_is_told_at_once():
    assert told(Matching("k").fired([JOINED], [replace(JOINED, label="x")])) == [("changed", JOINED.name)]
    assert set(KINDS) == {"gained", "lost", "reattributed", "moved", "changed"}
