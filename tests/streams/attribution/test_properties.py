"""What holds for every history: repetition, cuts, encoding, cardinalities, bounds, reasons, determinism."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from schemas import interaction as raw
from schemas.account import Account
from schemas.decoding import decode_interaction, session_key
from schemas.ga_event import GaEvent, encode_event
from schemas.instant import Instant
from schemas.interaction import Interaction
from schemas.options import Options, options_from
from schemas.session import (
    DIGEST_BYTES,
    MAX_AGENTS,
    MAX_CHATBOTS,
    MAX_CONTENTS,
    MAX_CONVERSATIONS,
    MAX_COOKIES,
    MAX_IDENTITIES,
    MAX_RUNS,
    NONE,
    Session,
    decode_session,
    encode_session,
)
from streams.attribution import RULES, Decision, Rules, automations, conversations, duplicates, sessions, step
from streams.attribution.turn import Turn
from tests.strategies import ACCOUNTS, OPTIONS, examples, histories, record_histories
from tests.streams.attribution.builders import DEFAULTS, decisions_on

ROOT: Final = Path(__file__).parents[3]


def of(options: dict[str, Any], account: dict[str, Any]) -> Rules:
    made = options_from(options)
    assert isinstance(made, Options)
    return Rules.of(made, msgspec.convert(account, Account))


RULE_SETS: Final = st.builds(of, OPTIONS, ACCOUNTS)


def events_bytes(said: list[Interaction], by: Rules = DEFAULTS) -> list[bytes]:
    return [encode_event(event) for decision in decisions_on(said, by) for event in decision.events]


def applied(decision: Decision) -> bool:
    return decision.duplicate is None


def began(decision: Decision) -> bool:
    """Whether the session rule met an empty state, or made one."""
    return decision.reasons[0].outcome == "fired"


# -- duplicates -------------------------------------------------------------------


@examples(400)
@given(histories(), RULE_SETS, st.data())
def test_repeating_an_interaction_anywhere_later_in_its_session_changes_no_byte(history, by, data):
    """An exact repetition of one that was applied, before the session's end and within the last 1,000 identities.

    One that was itself no more than another tab's copy was never applied: its repetition is judged anew.
    """
    made = decisions_on(history, by)
    i = data.draw(st.sampled_from([i for i, decision in enumerate(made) if applied(decision)]), label="repeated")
    ends = next((k for k in range(i + 1, len(history)) if began(made[k])), len(history))
    j = data.draw(st.integers(i + 1, ends), label="inserted at")
    again = [*history[:j], history[i], *history[j:]]
    remade = decisions_on(again, by)
    assert remade[j].duplicate in ("same_id", "exact_copy")
    assert events_bytes(again, by) == events_bytes(history, by)
    assert encode_session(remade[-1].session) == encode_session(made[-1].session)


@examples(200)
@given(record_histories(), RULE_SETS, st.data())
def test_another_tabs_copy_within_the_window_changes_no_byte_while_the_original_is_the_last_of_its_content(
    records, by, data
):
    history = [
        decoded for record in records if (decoded := _decoded({**record, "interaction_id": None, "tab_id": "left"}))
    ]
    made = decisions_on(history, by)
    i = data.draw(st.sampled_from([i for i, decision in enumerate(made) if applied(decision)]), label="copied")
    window = int(by.options.tab_window_s * 1_000_000)
    apart = data.draw(st.integers(-window, window), label="apart")
    at = min(history[i].timestamp + apart, made[i].session.last_micros)
    copy = msgspec.structs.replace(history[i], tab_id="right", timestamp=Instant(at))
    again = [*history[: i + 1], copy, *history[i + 1 :]]
    assert not applied(decisions_on(again, by)[i + 1])
    assert events_bytes(again, by) == events_bytes(history, by)


def _decoded(record: dict[str, Any]) -> Interaction | None:
    decoded = decode_interaction(msgspec.json.encode(record), 1 << 62)
    return None if isinstance(decoded, (raw.Fault, raw.Unknown)) else decoded


# -- cuts, encoding, arguments ----------------------------------------------------


@examples(300)
@given(histories(), RULE_SETS, st.data())
def test_any_cut_into_runs_gives_the_same_bytes(history, by, data):
    """Between two runs of records a session is written, forgotten and read again."""
    whole = decisions_on(history, by)
    cuts = data.draw(st.sets(st.integers(0, len(history))), label="cuts")
    session: Session | None = None
    events: list[GaEvent] = []
    for i, one in enumerate(history):
        if i in cuts and session is not None:
            session = decode_session(encode_session(session))
        decision = step(session, one, by)
        session = decision.session
        events += decision.events
    assert [encode_event(event) for event in events] == events_bytes(history, by)
    assert session is not None
    assert encode_session(session) == encode_session(whole[-1].session)


@examples(200)
@given(histories(), RULE_SETS)
def test_a_session_survives_encoding(history, by):
    for decision in decisions_on(history, by):
        assert decode_session(encode_session(decision.session)) == decision.session


@examples(200)
@given(histories(), RULE_SETS)
def test_step_leaves_its_arguments_as_they_were(history, by):
    session: Session | None = None
    for one in history:
        session_then, one_then, by_then = deepcopy(session), deepcopy(one), deepcopy(by)
        after = step(session, one, by).session
        assert (session, one, by) == (session_then, one_then, by_then)
        session = after


@examples(100)
@given(histories(), histories(), RULE_SETS)
def test_one_session_does_not_change_another(ours, theirs, by):
    """Shared defaults and constants would show here: stepped in turns, each gets what it gets alone."""
    theirs = [msgspec.structs.replace(one, account_id="other") for one in theirs]
    alone = {session_key(said[0]): events_bytes(said, by) for said in (ours, theirs)}
    together: dict[str, list[bytes]] = {key: [] for key in alone}
    states: dict[str, Session] = {}
    for i in range(max(len(ours), len(theirs))):
        for one in (*ours[i : i + 1], *theirs[i : i + 1]):
            key = session_key(one)
            decision = step(states.get(key), one, by)
            states[key] = decision.session
            together[key] += [encode_event(event) for event in decision.events]
    assert together == alone


# -- cardinalities ----------------------------------------------------------------

ONCE_PER_RUN: Final = {
    f"{kind}_{what}"
    for kind, whats in (
        ("Chatbot", ("sent", "viewed", "visitor_reaction")),
        ("Auto_message", ("sent", "viewed", "visitor_reaction")),
        ("Trigger", ("message_sent", "message_viewed", "visitor_reaction")),
    )
    for what in whats
}


def sittings(made: list[Decision], said: list[Interaction]) -> Iterator[list[tuple[Interaction, Decision]]]:
    """The applied interactions of each session: a gap begins another one under the same key."""
    found: list[tuple[Interaction, Decision]] = []
    for one, decision in zip(said, made, strict=True):
        if began(decision) and found:
            yield found
            found = []
        if applied(decision):
            found.append((one, decision))
    yield found


@examples(600)
@given(histories(40), RULE_SETS)
def test_cardinalities(history, by):
    for sitting in sittings(decisions_on(history, by), history):
        check_cardinalities(sitting, by)


def check_cardinalities(sitting: list[tuple[Interaction, Decision]], by: Rules) -> None:
    events = [event for _, decision in sitting for event in decision.events]
    ids = Counter(event.event_id for event in events)
    assert not [event_id for event_id, times in ids.items() if times > 1], "event ids are unique in a session"
    assert {event.session_id for event in events} <= {sitting[0][1].session.session_id}

    # Once per run: a run is known by its first receipt, and with a run_id by that too.
    per_receipt = Counter((event.name, event.caused_by[-1]) for event in events if event.name in ONCE_PER_RUN)
    assert set(per_receipt.values()) <= {1}
    per_run_id = Counter(
        (event.name, event.automation.id, event.automation.run_id)
        for event in events
        if event.name in ONCE_PER_RUN and event.automation and event.automation.run_id
    )
    assert set(per_run_id.values()) <= {1}

    # First one only: once per session, or per chatbot.
    firsts = [event.automation and event.automation.id for event in events if event.name == "Chatbot_interaction"]
    assert len(firsts) == len(set(firsts))
    assert by.options.chatbot_interaction_scope == "chatbot" or len(firsts) <= 1

    # Once per conversation: each has a serial that no other ever gets.
    started = Counter(
        decision.session.current
        for _, decision in sitting
        for event in decision.events
        if event.name == "Visitor_started_conversation"
    )
    assert set(started.values()) <= {1}
    assert NONE not in started

    # Per join: between two of the same agent in the same conversation, a leave.
    inside: set[tuple[int, str]] = set()
    for one, decision in sitting:
        if isinstance(one, (raw.AgentJoined, raw.AgentLeft)):
            place = (decision.session.current, one.agent.id)
            joins = isinstance(one, raw.AgentJoined)
            served = "Agent_served_conversation" in [event.name for event in decision.events]
            assert served <= (joins and place not in inside)
            inside = inside | {place} if joins else inside - {place}

    # Each, and every click: as many as were applied, but for consent.
    for one, decision in sitting:
        names = Counter(event.name for event in decision.events)
        if isinstance(one, raw.VisitorMessage):
            expected = Counter({"Offline_message_sent": one.online is False})
        elif isinstance(one, raw.FeedbackGiven):
            expected = Counter({"Feedback_sent": one.rating is not None, "Feedback_text_sent": one.said is not None})
        else:
            expected = Counter(
                {
                    "Chatbot_button_interaction": isinstance(one, raw.ButtonClicked) and not one.is_back,
                    "Auth_form_filled": isinstance(one, raw.ContactFormSent),
                }
            )
        for name in (
            "Offline_message_sent",
            "Feedback_sent",
            "Feedback_text_sent",
            "Chatbot_button_interaction",
            "Auth_form_filled",
        ):
            assert names[name] == (0 if dropped(decision, by) else expected[name]), name


def dropped(decision: Decision, by: Rules) -> bool:
    analytics = decision.session.context.analytics
    return analytics is False or (analytics is None and by.account.consent == "required")


@examples(300)
@given(histories(), RULE_SETS)
def test_without_consent_there_is_no_event_and_with_it_the_state_is_the_same(history, by):
    """Consent decides what is sent and nothing else."""
    for decision in decisions_on(history, by):
        assert not (decision.events and dropped(decision, by))
        assert all(event.consent.analytics == decision.session.context.analytics for event in decision.events)
    required = msgspec.structs.replace(by, account=msgspec.structs.replace(by.account, consent="required"))
    implied = msgspec.structs.replace(by, account=msgspec.structs.replace(by.account, consent="implied"))
    strict, lax = decisions_on(history, required), decisions_on(history, implied)
    assert [encode_session(one.session) for one in strict] == [encode_session(one.session) for one in lax]
    assert [one.events for one in strict] == [one.events if not dropped(one, required) else () for one in lax]


# -- bounds -----------------------------------------------------------------------


def check_bounds(session: Session, small: int | None = None) -> None:
    """Every part of a session is within its bound; `small`: all bounds but that of the digests."""
    assert len(session.identities) % DIGEST_BYTES == 0
    assert len(session.identities) <= MAX_IDENTITIES * DIGEST_BYTES
    assert len(session.contents) <= (small or MAX_CONTENTS)
    assert len(session.runs) <= (small or MAX_RUNS)
    assert len(session.conversations) <= (small or MAX_CONVERSATIONS)
    assert len(session.context.cookies) <= (small or MAX_COOKIES)
    assert len(session.answered) <= (small or MAX_CHATBOTS)
    assert all(len(known.agents) <= (small or MAX_AGENTS) for known in session.conversations)
    # No two of anything, and what points somewhere points at something or at what was forgotten.
    assert len({known.serial for known in session.runs}) == len(session.runs)
    assert len({known.serial for known in session.conversations}) == len(session.conversations)
    assert len({known.content for known in session.contents}) == len(session.contents)
    named = [known.id for known in session.conversations if known.id is not None]
    assert len(set(named)) == len(named)
    assert session.current in (NONE, session.conversations[-1].serial if session.conversations else NONE)
    assert all(known.serial < session.next_run for known in session.runs)
    assert all(known.serial < session.next_conversation for known in session.conversations)
    assert session.first_micros <= session.last_micros


BOUNDED: Final = [
    (duplicates, "MAX_CONTENTS"),
    (automations, "MAX_RUNS"),
    (automations, "MAX_CHATBOTS"),
    (conversations, "MAX_CONVERSATIONS"),
    (conversations, "MAX_AGENTS"),
    (sessions, "MAX_COOKIES"),
]


@examples(300)
@given(histories(40), RULE_SETS, st.integers(2, 4))
def test_state_stays_within_its_bounds(history, by, small):
    """With bounds so small that every history meets them; at their own size, see the tests of each memory."""
    patches = [patch.object(module, name, small) for module, name in BOUNDED]
    for each in patches:
        each.start()
    try:
        made = decisions_on(history, by)
    finally:
        for each in patches:
            each.stop()
    for decision in made:
        check_bounds(decision.session, small)


def test_a_session_does_not_grow_with_its_length():
    """The longest of sessions, all of whose memories are full, at its own bounds."""
    said = [
        _decoded(
            {
                "account_id": "acme",
                "session_id": "s",
                "timestamp": 1_704_067_200_000 + n,
                "conversation_id": f"c{n}",
                "type": kind,
                **fields,
            }
        )
        for n in range(1_100)
        for kind, fields in (
            ("automation_sent", {"automation": {"kind": "chatbot", "id": f"b{n}", "name": "B", "run_id": f"r{n}"}}),
            ("agent_joined", {"agent": {"id": f"a{n}", "name": "A"}, "conversation_id": "kept"}),
            ("button_clicked", {"button": "B", "automation": {"kind": "chatbot", "id": f"b{n}", "name": "B"}}),
            ("page_viewed", {"ga": {"cookies": {f"_ga_{n}": "GS1.1.1.1"}}}),
        )
    ]
    made = decisions_on([one for one in said if one is not None], of({"chatbot_interaction_scope": "chatbot"}, {}))
    sizes = [len(encode_session(decision.session)) for decision in made]
    check_bounds(made[-1].session)
    full = made[-1].session
    assert (len(full.identities), len(full.contents)) == (MAX_IDENTITIES * DIGEST_BYTES, MAX_CONTENTS)
    assert (len(full.runs), len(full.conversations)) == (MAX_RUNS, MAX_CONVERSATIONS)
    assert (len(full.context.cookies), len(full.answered)) == (MAX_COOKIES, MAX_CHATBOTS)
    assert max(len(known.agents) for known in full.conversations) == MAX_AGENTS
    assert max(sizes[2_200:]) < 64_000


# -- reasons ----------------------------------------------------------------------


@examples(400)
@given(histories(), RULE_SETS)
def test_reasons_tell_the_truth(history, by):
    """A rule that fired changed or sent something, one that was held did not, and each sends only what it names."""
    session: Session | None = None
    for one in history:
        turn = Turn(session, one, by)
        for each in [rule_ for rule_ in RULES if type(one) in rule_.types]:
            before = (None if turn.session is None else encode_session(turn.session), len(turn.events))
            reason = each.apply(turn)
            after = (encode_session(turn.session), len(turn.events))
            sent = [event.name for event in turn.events[before[1] :]]
            assert set(sent) <= set(each.events), each.name
            if sent:
                assert reason.outcome == "fired", reason
            if reason.outcome != "fired":
                assert after == before, reason
            if each.events and reason.outcome == "fired":
                assert after != before, reason
            if reason.outcome == "stopped":
                break
        session = step(session, one, by).session


@examples(200)
@given(histories(), RULE_SETS)
def test_each_event_comes_from_a_rule_that_fired(history, by):
    sends = {each.name: set(each.events) for each in RULES}
    for decision in decisions_on(history, by):
        fired = {reason.rule for reason in decision.reasons if reason.outcome == "fired"}
        assert {event.name for event in decision.events} <= {name for rule_ in fired for name in sends.get(rule_, ())}
        assert decision.dropped_for_consent == ("consent" in fired)
        assert [reason.outcome for reason in decision.reasons].count("stopped") == (0 if applied(decision) else 1)


# -- determinism ------------------------------------------------------------------

_HASHED: Final = """
import hashlib
from schemas.ga_event import encode_event
from schemas.session import encode_session
from tests.streams.attribution.test_contract_cases import book, events_of
told = hashlib.sha256()
for event, session in events_of("arrival", book("accounts.toml", {})):
    told.update(encode_event(event) + encode_session(session))
print(told.hexdigest())
"""


def test_another_process_with_another_hash_seed_gives_the_same_bytes():
    def told(seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", _HASHED],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    first = told("1")
    assert len(first.strip()) == 64
    assert told("2") == first


# -- all of it at once ------------------------------------------------------------


class Visit(RuleBasedStateMachine):
    """A session that is stepped, repeated, written and read in any order: the invariants hold all the way."""

    def __init__(self) -> None:
        super().__init__()
        self.by = DEFAULTS
        self.session: Session | None = None
        self.sitting: list[tuple[Interaction, Decision]] = []

    @initialize(by=RULE_SETS)
    def begin(self, by: Rules) -> None:
        self.by = by

    @rule(said=histories(6))
    def interact(self, said: list[Interaction]) -> None:
        for one in said:
            one = msgspec.structs.replace(one, session_id="s")  # noqa: PLW2901 - all of one key
            decision = step(self.session, one, self.by)
            if began(decision):
                self.sitting = []
            if applied(decision):
                self.sitting.append((one, decision))
            self.session = decision.session

    @precondition(lambda self: self.sitting)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        one, _ = data.draw(st.sampled_from(self.sitting))
        decision = step(self.session, one, self.by)
        assert decision.duplicate in ("same_id", "exact_copy")
        assert decision.session is self.session
        assert decision.events == ()

    @precondition(lambda self: self.session is not None)
    @rule()
    def write_and_read(self) -> None:
        assert self.session is not None
        self.session = decode_session(encode_session(self.session))

    @invariant()
    def the_state_is_sound_and_the_cardinalities_hold(self) -> None:
        if self.session is not None:
            check_bounds(self.session)
        if self.sitting:
            check_cardinalities(self.sitting, self.by)


def test_a_visit_keeps_its_invariants_whatever_happens():
    run_state_machine_as_test(Visit, settings=examples(40))
