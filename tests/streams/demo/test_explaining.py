"""One reaction explained: chosen well, and for the reason that the rules give."""

from streams.demo.explaining import a_reaction
from streams.demo.traffic import sessions


def test_the_reaction_is_the_last_thing_told_and_is_the_one_in_the_title(records, accounts):
    title, lines = a_reaction(records, accounts)
    name = title.split()[1]
    assert name.endswith("_visitor_reaction")
    assert lines[-1].strip().startswith(f"→ {name}")
    assert sum(name in line for line in lines) == 1


def test_it_says_for_every_rule_what_it_did_and_why(records, accounts):
    _, lines = a_reaction(records, accounts)
    told = "\n".join(lines)
    assert "fired reaction: the first typed answer to this run" in told
    assert "target: " in told
    assert "held  offline: " in told


def test_several_automations_were_received_before_it_and_a_duplicate_was_removed(records, accounts):
    _, lines = a_reaction(records, accounts)
    sent = {line.split("→")[1] for line in lines if "→" in line and "_sent" in line}
    assert len(sent) > 1
    assert any("duplicate, " in line for line in lines)


def test_traffic_without_a_reaction_is_no_fault(accounts):
    assert a_reaction([], accounts) == ("No visitor has answered an automation in this traffic.", ())


def test_the_same_traffic_is_explained_alike_however_old_it_is(accounts):
    here = a_reaction(sessions(7, 300), accounts)
    there = a_reaction(sessions(7, 300, start_ms=1_700_000_000_000), accounts)
    assert here == there
