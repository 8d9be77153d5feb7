"""The contract's cases: random sessions, and what two implementations written apart make of them."""

import difflib
import hashlib
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from schemas.account import Accounts, accounts_from
from schemas.decoding import session_key
from schemas.ga_event import GaEvent, encode_event
from schemas.interaction import Fault, Interaction, Unknown
from schemas.options import RULES_VERSION, Options, options_from
from schemas.session import Session
from streams.attribution import RuleBook, step

CASES: Final = Path(__file__).parents[2] / "contract_cases"
AS_OF_MS: Final = 1_767_225_600_000  # 2026-01-01: after every session, before every time that is wrong
OPTIONS: Final = {
    "viewed_when_already_open": True,
    "widget_open_counts": True,
    "chatbot_interaction_scope": "chatbot",
    "session_gap_s": 7200,
    "visitor_gap_s": 600,
    "tab_window_s": 2,
}
BY_TIME: Final = pytest.param("time", "accounts.toml", {}, "events.time.jsonl", id="by time")
BY_ARRIVAL: Final = pytest.param("arrival", "accounts.toml", {}, "events.arrival.jsonl", id="in the order of arrival")
WITH_OPTIONS: Final = pytest.param(
    "time", "accounts_defaults.toml", OPTIONS, "events.options.jsonl", id="by time, with options and [defaults]"
)

_HASHED: Final = re.compile(r"[0-9a-f]{32}@[0-9]+")
_DERIVED: Final = re.compile(r"[0-9]+\.[0-9]+")
_SESSION: Final = ("account_id", "session_id")


@cache
def lines() -> tuple[bytes, ...]:
    return tuple((CASES / "interactions.jsonl").read_bytes().splitlines())


def book(accounts_file: str, options_given: dict[str, Any]) -> RuleBook:
    accounts = accounts_from(tomllib.loads((CASES / accounts_file).read_text()))
    options = options_from(options_given)
    assert isinstance(accounts, Accounts)
    assert isinstance(options, Options)
    return RuleBook(options, accounts)


def events_of(order: str, rules: RuleBook) -> Iterator[tuple[GaEvent, Session]]:
    """The events of every session, one session after the other, each with the session it left behind."""
    by_key: dict[str, list[Interaction]] = defaultdict(list)
    for line in lines():
        decoded = rules.decode(line, AS_OF_MS)
        if not isinstance(decoded, (Fault, Unknown)):
            by_key[session_key(decoded)].append(decoded)
    for said in by_key.values():
        session = None
        for one in sorted(said, key=lambda i: i.timestamp) if order == "time" else said:
            decision = step(session, one, rules.of(one.account_id))
            session = decision.session
            for event in decision.events:
                yield event, session


def comparable(event: GaEvent, session: Session, fields: Iterable[str]) -> dict[str, Any]:
    """What can be compared of an event: a hash is a hash, whichever it is, so long as it is the session's."""
    whole = msgspec.json.decode(encode_event(event))
    if event.client_id == session.derived_client_id and _DERIVED.fullmatch(event.client_id):
        whole["client_id"] = "derived"
    whole["caused_by"] = ["-" if _HASHED.fullmatch(cause) else cause for cause in whole["caused_by"]]
    return {name: whole[name] for name in fields}


def by_session(events: Iterable[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        found[event[_SESSION[0]], event[_SESSION[1]]].append(event)
    return found


def shown(events: list[dict[str, Any]]) -> list[str]:
    return [msgspec.json.encode(event, order="sorted").decode() for event in events]


@pytest.mark.parametrize(("order", "accounts_file", "options", "expected_file"), [BY_TIME, BY_ARRIVAL, WITH_OPTIONS])
def test_every_session_comes_out_as_written(order, accounts_file, options, expected_file):
    expected = by_session(map(msgspec.json.decode, (CASES / expected_file).read_bytes().splitlines()))
    fields = list(next(iter(expected.values()))[0])
    got = by_session(comparable(*made, fields) for made in events_of(order, book(accounts_file, options)))
    assert list(got) == list(expected), "sessions stand in the order of their first record"
    for key, ours in got.items():
        theirs = expected[key]
        difference = list(difflib.unified_diff(shown(theirs), shown(ours), "the contract", "ours", n=1, lineterm=""))
        assert not difference, "\n".join([f"session {key}", *difference])


@pytest.mark.parametrize("order", ["time", "arrival"])
def test_every_dead_letter_names_a_field_at_fault(order):
    rules = book("accounts.toml", {})
    expected = dict(
        re.fullmatch(r"dead line=(\d+) field=(\S+)", line).groups()
        for line in (CASES / f"dead.{order}.txt").read_text().splitlines()
    )
    decoded = {str(number): rules.decode(line, AS_OF_MS) for number, line in enumerate(lines())}
    faults = {number: fault for number, fault in decoded.items() if isinstance(fault, Fault)}
    assert faults.keys() == expected.keys()
    for number, fault in faults.items():
        if fault.field != expected[number]:  # of several, any: without ours, theirs is left
            record = msgspec.json.decode(lines()[int(number)])
            del record[fault.field]
            left = rules.decode(msgspec.json.encode(record), AS_OF_MS)
            assert isinstance(left, Fault), f"line {number}: {fault} is no fault"
            assert left.field == expected[number], f"line {number}"


def test_the_cases_have_unknown_types_too_and_those_are_ignored():
    rules = book("accounts.toml", {})
    assert sum(isinstance(rules.decode(line, AS_OF_MS), Unknown) for line in lines()) > 0


@pytest.mark.parametrize(
    ("order", "accounts_file", "options", "digest"),
    [
        pytest.param(
            *BY_TIME.values[:3], "0b1bb78f3e4c626e9f4ec73ccfbf2bea99d82b945aa96f13bc553e3673bf0226", id="by time"
        ),
        pytest.param(
            *WITH_OPTIONS.values[:3],
            "da1e7df00baa3657e1ad1dd00baa0400f8fef954b09ba9ab2c14045692c14189",
            id="with options",
        ),
    ],
)
def test_the_same_history_gives_the_bytes_it_always_gave(order, accounts_file, options, digest):
    """Event ids included. Another digest is another rule set: raise RULES_VERSION, and say so in the CHANGELOG."""
    events = b"\n".join(encode_event(event) for event, _ in events_of(order, book(accounts_file, options)))
    assert (RULES_VERSION, hashlib.sha256(events).hexdigest()) == ("1", digest)
