"""CONTRACT §3 and §4: the options of a rules.toml, joined with an account's settings."""

import pickle

import msgspec
import pytest

from schemas.account import Account, Accounts
from schemas.interaction import BoxOpened, Fault, Unknown
from schemas.options import RULES_VERSION, Options, options_from
from streams.attribution import RuleBook, Rules
from tests.streams.attribution.builders import START, opened, rules

START_MS = int(START.timestamp()) * 1_000


def raw(**fields):
    return msgspec.json.encode({"account_id": "acme", "session_id": "s", "timestamp": START_MS, **fields})


def test_the_options_have_the_contracts_defaults():
    assert Options() == Options(
        session_gap_s=86_400,
        visitor_gap_s=1_800,
        tab_window_s=5,
        max_ahead_s=3_600,
        unknown_types="ignore",
        viewed_when_already_open=False,
        widget_open_counts=False,
        chatbot_interaction_scope="session",
    )


def test_seconds_become_microseconds_to_the_last_one():
    made = rules({"session_gap_s": 0.000001, "visitor_gap_s": 1.1, "tab_window_s": 2})
    assert (made.session_gap_micros, made.visitor_gap_micros, made.tab_window_micros) == (1, 1_100_000, 2_000_000)


def test_a_rule_book_survives_the_way_to_another_process():
    made = RuleBook(Options(max_ahead_s=5), Accounts({"acme": Account(pii="drop")}, Account(pii="keep")))
    book = pickle.loads(pickle.dumps(made))
    assert (book.options, book.max_ahead_micros, book.default) == (made.options, 5_000_000, made.default)
    assert (book.of("acme"), book.of("other")) == (made.of("acme"), made.of("other"))


def test_a_rule_book_has_the_rules_of_every_account():
    listed, default = Account(pii="drop"), Account(pii="keep", listed=False)
    book = RuleBook(Options(widget_open_counts=True), Accounts({"acme": listed}, default))
    assert book.of("acme").account is listed
    assert book.of("other").account is default
    assert book.of("acme").options.widget_open_counts
    assert book.of("other").options.widget_open_counts


def test_without_files_every_account_has_the_contracts_defaults_and_is_not_listed():
    assert RuleBook().of("any") == Rules.of(account=Account(listed=False))


@pytest.mark.parametrize(
    ("max_ahead_s", "arrived_ms", "taken"),
    [
        pytest.param(3_600, START_MS - 3_600_000, True, id="exactly the arrival plus max_ahead"),
        pytest.param(3_600, START_MS - 3_600_001, False, id="a millisecond later than that"),
        pytest.param(0, START_MS, True, id="exactly the arrival, with no max_ahead"),
        pytest.param(0, START_MS - 1, False, id="later than the arrival, with no max_ahead"),
        pytest.param(0.5, START_MS - 500, True, id="half a second"),
        pytest.param(3_600, START_MS + 10**12, True, id="long before the arrival"),
        pytest.param(3_600, -1, True, id="where the arrival is not known"),
        pytest.param(3_600, 0, False, id="where the arrival is the epoch"),
    ],
)
def test_a_timestamp_is_not_later_than_the_records_arrival_plus_max_ahead(max_ahead_s, arrived_ms, taken):
    made = RuleBook(Options(max_ahead_s=max_ahead_s)).decode(raw(**opened()), arrived_ms)
    if taken:
        assert isinstance(made, BoxOpened)
    else:
        assert isinstance(made, Fault)
        assert (made.field, made.code) == ("timestamp", "ahead")


def test_unknown_types_are_ignored_or_dead_letters():
    record = raw(type="new_thing")
    assert RuleBook().decode(record, START_MS) == Unknown("new_thing")
    fault = RuleBook(Options(unknown_types="dead_letter")).decode(record, START_MS)
    assert isinstance(fault, Fault)
    assert (fault.field, fault.code) == ("type", "unknown_type")
    assert "new_thing" in fault.reason


def test_a_fault_quotes_of_an_unknown_type_no_more_than_a_line():
    fault = RuleBook(Options(unknown_types="dead_letter")).decode(raw(type="x" * 100_000), START_MS)
    assert isinstance(fault, Fault)
    assert len(fault.reason) < 200


def test_the_version_tells_options_apart_from_the_defaults_and_from_each_other():
    versions = [
        made.version()
        for given in ({}, {"widget_open_counts": True}, {"tab_window_s": 4}, {"tab_window_s": 6})
        if isinstance(made := options_from(given), Options)
    ]
    assert versions[0] == RULES_VERSION
    assert all(version.startswith(f"{RULES_VERSION}+") for version in versions[1:])
    assert len(set(versions)) == len(versions) == 4


@pytest.mark.parametrize(
    "same",
    [
        {"tab_window_s": 4, "session_gap_s": 86_400},
        {"tab_window_s": 4.0, "session_gap_s": 86_400.0},
        {"tab_window_s": 4.0, "widget_open_counts": False},
    ],
    ids=str,
)
def test_equal_options_have_one_version_however_they_were_written(same):
    made = options_from(same)
    assert made == Options(tab_window_s=4)
    assert isinstance(made, Options)
    assert made.version() == Options(tab_window_s=4).version()
    plain = options_from({**same, "tab_window_s": 5})
    assert isinstance(plain, Options)
    assert plain.version() == RULES_VERSION
