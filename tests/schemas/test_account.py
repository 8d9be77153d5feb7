"""CONTRACT §4: accounts.toml, validated as a whole."""

import tomllib

import pytest

from schemas.account import Account, Accounts, accounts_from
from schemas.keys import KeyFault


def accounts(text: str) -> Accounts:
    made = accounts_from(tomllib.loads(text))
    assert isinstance(made, Accounts), made
    return made


def faults(text: str) -> dict[str, str]:
    made = accounts_from(tomllib.loads(text))
    assert isinstance(made, tuple), made
    assert len({fault.key for fault in made}) == len(made), "each fault is told once"
    return {fault.key: fault.reason for fault in made}


def test_the_contracts_own_example_is_taken():
    made = accounts("""
        [defaults]
        [accounts.acme]
        plan = "pro"
        measurement = "auto"
        measurement_ids = ["G-ABC1234567"]
        api_tracker = ""
        consent = "implied"
        naming = "v3"
        pii = "redact"
        region = "global"
        [accounts.acme.api_secrets]
        "G-ABC1234567" = "env:ACME_GA_SECRET"
    """)
    assert made.of("acme") == Account(
        measurement_ids=("G-ABC1234567",), api_secrets={"G-ABC1234567": "env:ACME_GA_SECRET"}
    )


def test_what_is_given_nowhere_has_the_contracts_values_with_no_ids_and_no_secrets():
    assert accounts("[accounts.acme]").of("acme") == Account(
        plan="pro",
        measurement="auto",
        measurement_ids=(),
        api_tracker="",
        consent="implied",
        naming="v3",
        pii="redact",
        region="global",
        api_secrets={},
        listed=True,
    )


def test_defaults_are_for_accounts_not_listed_and_for_what_a_listed_one_leaves_out():
    made = accounts("""
        [defaults]
        plan = "free"
        pii = "drop"
        measurement_ids = ["G-A"]
        [defaults.api_secrets]
        "G-A" = "env:A"
        [accounts.acme]
        pii = "keep"
    """)
    assert made.of("acme") == Account(plan="free", pii="keep", measurement_ids=("G-A",), api_secrets={"G-A": "env:A"})
    assert made.of("other") == Account(plan="free", pii="drop", measurement_ids=("G-A",), api_secrets={"G-A": "env:A"})


def test_what_a_listed_one_gives_replaces_the_default_as_a_whole():
    made = accounts("""
        [defaults]
        measurement_ids = ["G-A"]
        api_tracker = "G-D"
        [accounts.acme]
        measurement_ids = []
        api_tracker = ""
    """)
    assert (made.of("acme").measurement_ids, made.of("acme").api_tracker) == ((), "")


def test_an_account_neither_listed_nor_covered_by_defaults_is_not_listed():
    assert accounts("[accounts.acme]").of("other") == Account(listed=False)
    assert Accounts().of("any") == Account(listed=False)
    assert accounts("").of("any") == Account(listed=False)


def test_empty_defaults_cover():
    assert accounts("[defaults]").of("any").listed


@pytest.mark.parametrize(
    ("setting", "good", "bad"),
    [
        ("plan", ["free", "standard", "pro"], ["Pro", "", "enterprise", 1, True, []]),
        ("measurement", ["auto", "manual"], ["off", "", 0]),
        ("consent", ["implied", "required"], ["yes", "", True]),
        ("naming", ["v3", "legacy"], ["v4", 3]),
        ("pii", ["redact", "drop", "keep"], ["hide", False]),
        ("region", ["global", "eu"], ["EU", "us"]),
        ("api_tracker", ["", "G-A", "UA-1-2"], ["G-", "G-a", "UA-1", "x", "G-A\n", " G-A", "G-" + "A" * 300, 5]),
        (
            "measurement_ids",
            [[], ["G-A", "UA-1-2"], ["G-" + "A" * 254]],
            ["G-A", [""], ["G-a"], ["G-A", "x"], ["UA-1-2-3"], ["G-" + "A" * 255], [5], [["G-A"]]],
        ),
        (
            "api_secrets",
            [{}, {"G-A": "env:A_1"}, {"G-A": "file:/run/secrets/a b"}, {"UA-1-2": "env:_"}],
            [
                {"G-A": "the secret itself"},
                {"G-A": "env:"},
                {"G-A": "env:1A"},
                {"G-A": "env:A B"},
                {"G-A": "file:"},
                {"x": "env:A"},
                {"G-A": 5},
                "env:A",
            ],
        ),
    ],
)
def test_which_values_a_setting_takes(setting, good, bad):
    for value in good:
        assert isinstance(accounts_from({"accounts": {"acme": {setting: value}}}), Accounts), value
        assert isinstance(accounts_from({"defaults": {setting: value}}), Accounts), value
    for value in bad:
        for table, at in (
            ({"accounts": {"acme": {setting: value}}}, f"accounts.acme.{setting}"),
            ({"defaults": {setting: value}}, f"defaults.{setting}"),
        ):
            made = accounts_from(table)
            assert isinstance(made, tuple), value
            assert [fault.key for fault in made] == [at], value


def test_all_faults_at_once_each_with_its_key():
    told = faults("""
        top = 1
        [other]
        [defaults]
        plan = "gold"
        listed = false
        [accounts.acme]
        pii = "hide"
        colour = "red"
        region = "mars"
        [accounts.beta]
        measurement_ids = ["nonsense"]
        [accounts."a/b"]
        [accounts.""]
    """)
    assert set(told) == {
        "top",
        "other",
        "defaults.plan",
        "defaults.listed",
        "accounts.acme.pii",
        "accounts.acme.colour",
        "accounts.acme.region",
        "accounts.beta.measurement_ids",
        "accounts.a/b",
        "accounts.",
    }
    assert all(told.values())
    assert "plan" in told["accounts.acme.colour"], "an unknown setting is told which are known"
    assert "listed" not in told["accounts.acme.colour"]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("defaults = 1", "defaults"),
        ("accounts = []", "accounts"),
        ("accounts.acme = 'pro'", "accounts.acme"),
        (f"[accounts.{'x' * 257}]", f"accounts.{'x' * 257}"),
    ],
)
def test_what_is_no_table_or_no_account_id(text, at):
    assert list(faults(text)) == [at]


def test_an_account_id_of_256_characters_is_one():
    assert accounts(f"[accounts.{'x' * 256}]").of("x" * 256).listed


def test_a_secret_pasted_where_its_name_belongs_is_not_quoted():
    pasted = "s3cr3t-value"
    told = faults(f"""
        [defaults]
        plan = "{pasted}"
        api_tracker = "{pasted}"
        measurement_ids = ["{pasted}"]
        [defaults.api_secrets]
        "G-A" = "{pasted}"
        [accounts.acme.api_secrets]
        "{pasted}" = "env:A"
        [accounts.beta]
        api_secrets = "{pasted}"
    """)
    assert len(told) == 6
    assert pasted not in repr(told)
    assert "env:NAME" in told["defaults.api_secrets"]


def test_a_fault_is_a_key_and_a_reason():
    assert accounts_from({"defaults": 1}) == (KeyFault("defaults", "Expected a table"),)
