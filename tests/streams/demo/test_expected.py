"""What a stream must become, worked out in this process."""

import pytest

from schemas.account import Account, Accounts, accounts_from
from streams.demo.expected import Expected, outcome_of
from streams.demo.traffic import Record

AT = 1_767_600_000_000


def record(body: bytes, key: bytes | None = b"shop/s/s1") -> Record:
    return Record(key, body, AT)


def said(kind: str, number: int, **own: str) -> Record:
    fields = {
        "interaction_id": f'"i{number}"',
        "account_id": '"shop"',
        "session_id": '"s1"',
        "timestamp": str(AT + number),
        "page": '{"measurement_ids": ["G-A", "UA-1-1"]}',
        **own,
    }
    return record(
        f'{{"type": "{kind}", {", ".join(f""""{name}": {value}""" for name, value in fields.items())}}}'.encode()
    )


@pytest.fixture
def accounts() -> Accounts:
    read = accounts_from({"accounts": {"shop": {"api_secrets": {"G-A": "env:S"}, "naming": "legacy"}}})
    assert isinstance(read, Accounts)
    return read


def test_an_event_is_counted_once_and_delivered_to_each_tracker_under_the_name_it_has_there(accounts):
    expected = Expected(accounts)
    events = expected.take(said("contact_form_sent", 1))
    assert [event.name for event in events] == ["Auth_form_filled"]
    assert expected.names == {"Auth_form_filled": 1}
    assert expected.delivered == {("ga4", "Auth_form_filled"): 1, ("ua", "Auth form filled"): 1}
    assert expected.receipts == {"delivered": 2}
    assert (expected.records, expected.applied, expected.sessions) == (1, 1, 1)


def test_a_redelivery_is_a_duplicate_and_gives_nothing(accounts):
    expected = Expected(accounts)
    expected.take_all([said("contact_form_sent", 1)] * 3)
    assert expected.duplicates == {"same_id": 2}
    assert expected.names.total() == 1
    assert (expected.records, expected.applied) == (3, 1)


def test_the_events_of_a_session_stand_in_their_order(accounts):
    expected = Expected(accounts)
    expected.take_all([said("contact_form_sent", 1), said("feedback_given", 2, rating="5")])
    assert [b"Auth_form" in event for event in expected.events[b"shop/s/s1"]] == [True, False]


@pytest.mark.parametrize(
    ("bad", "field", "code"),
    [
        (record(b"{"), "$", "not_json"),
        (Record(b"k", None, AT), "$", "empty"),
        (said("contact_form_sent", 2 * 3_600_000), "timestamp", "ahead"),
        (Record(None, said("contact_form_sent", 1).value, AT), "key", "no_key"),
        (Record(b"shop/s/s2", said("contact_form_sent", 1).value, AT), "key", "wrong_key"),
    ],
)
def test_a_bad_record_is_a_dead_letter_and_moves_nothing(accounts, bad, field, code):
    expected = Expected(accounts)
    assert expected.take(bad) == ()
    assert expected.dead_letters == {(field, code): 1}
    assert (expected.applied, expected.sessions) == (0, 0)


def test_an_unknown_type_is_counted_and_nothing_else(accounts):
    expected = Expected(accounts)
    assert expected.take(said("of_tomorrow", 1)) == ()
    assert (expected.unknown_types, expected.applied, expected.dead_letters) == (1, 0, {})


@pytest.mark.parametrize(
    ("account", "tracker", "outcome"),
    [
        (Account(plan="free", api_secrets={"G-A": "env:S"}), "G-A", "plan"),
        (Account(plan="free"), "UA-1-1", "plan"),
        (Account(), "G-A", "no_secret"),
        (Account(api_secrets={"G-B": "env:S"}), "G-A", "no_secret"),
        (Account(api_secrets={"G-A": "env:S"}), "G-A", "delivered"),
        (Account(), "UA-1-1", "delivered"),
    ],
)
def test_what_becomes_of_an_event_at_a_tracker(account, tracker, outcome):
    assert outcome_of(account, tracker) == outcome
