"""The sites: one for each way of being measured."""

import json

import pytest

from streams.demo.sites import SITES, accounts_toml, secret_names


@pytest.mark.parametrize("outcome", ["delivered", "no_secret", "plan"])
def test_there_are_events_for_trackers_whose_receipt_says(expected, outcome):
    assert expected.receipts[outcome] > 0


def test_an_account_that_no_file_lists_has_events_and_no_trackers(expected):
    events = [
        json.loads(event) for key, some in expected.events.items() if key.startswith(b"not-listed/") for event in some
    ]
    assert events
    assert all(event["trackers"] == [] for event in events)


def test_secrets_are_named_and_never_written():
    written = accounts_toml()
    for tracker, variable in secret_names().items():
        assert f'"{tracker}" = "env:{variable}"' in written


def test_the_accounts_are_as_the_sites_say(accounts):
    for site in SITES:
        account = accounts.of(site.id)
        assert account.listed is (site.settings is not None)
        for key, value in (site.settings or {}).items():
            held = getattr(account, key)
            assert (list(held) if isinstance(held, tuple) else held) == value
        assert set(account.api_secrets) == set(site.with_secret)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("plan", {"free", "standard", "pro"}),
        ("measurement", {"auto", "manual"}),
        ("consent", {"implied", "required"}),
        ("naming", {"v3", "legacy"}),
        ("region", {"global", "eu"}),
        ("pii", {"redact", "drop"}),
    ],
)
def test_between_them_the_sites_have_every_setting_that_changes_what_is_sent(accounts, key, values):
    assert {getattr(account, key) for account in accounts.by_id.values()} == values
