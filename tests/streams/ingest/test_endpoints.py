"""The file of endpoints: what it may say, and all that is wrong with one at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.keys import KeyFault
from streams.configuration import BadFile
from streams.ingest import Endpoint, endpoints_from, read_endpoints
from streams.sources import FORMATS

SIGNED = next(name for name, source in FORMATS.items() if source.signature is not None)


def faults_of(**endpoint):
    found = endpoints_from({"endpoints": {"acme": endpoint}})
    return {fault.key: fault.reason for fault in found} if isinstance(found, tuple) else {}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"format": SIGNED, "secret": "env:A"}, id="signed"),
        pytest.param({"format": "interaction", "secret": "file:/run/secret"}, id="a bearer token"),
        pytest.param({"format": "interaction", "open": True}, id="open to anybody"),
        pytest.param({"format": SIGNED, "secret": "env:A", "mapping": "m.toml", "requests_per_s": 5}, id="all of it"),
    ],
)
def test_an_endpoint_is_what_its_table_says(given):
    assert endpoints_from({"endpoints": {"acme": given}}) == {"acme": Endpoint(**given)}


def test_a_hundred_requests_a_second_unless_it_says_otherwise():
    assert Endpoint(format="interaction").requests_per_s == 100


@pytest.mark.parametrize(
    ("given", "key", "says"),
    [
        ({"secret": "env:A"}, "format", "Expected one of interaction, "),
        ({"format": "smartsup", "secret": "env:A"}, "format", SIGNED),
        ({"format": 5, "secret": "env:A"}, "format", "Expected `str`"),
        ({"format": SIGNED}, "secret", "the secret that senders sign with"),
        ({"format": "interaction"}, "secret", "a bearer token, or say `open = true`"),
        ({"format": "interaction", "open": False}, "secret", "a bearer token"),
        ({"format": "interaction", "secret": "hunter2"}, "secret", "never the secret itself"),
        ({"format": SIGNED, "open": True}, "open", "Senders of this format sign"),
        ({"format": SIGNED, "open": True, "secret": "env:A"}, "open", "Senders of this format sign"),
        ({"format": "interaction", "open": True, "secret": "env:A"}, "open", "leave out one of the two"),
        ({"format": "interaction", "open": "yes"}, "open", "Expected `bool`"),
        ({"format": "interaction", "open": True, "mapping": "m.toml"}, "mapping", "nothing to map"),
        ({"format": "interaction", "open": True, "requests_per_s": 0}, "requests_per_s", "Expected"),
        ({"format": "interaction", "open": True, "rate": 5}, "rate", "Unknown setting"),
    ],
)
def test_what_is_wrong_is_told_with_its_key_and_nothing_else_is(given, key, says):
    found = faults_of(**given)
    assert list(found) == [f"endpoints.acme.{key}"]
    assert says in found[f"endpoints.acme.{key}"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é", "-a", "a" * 65, "a\n"])
def test_a_name_is_a_part_of_an_address(name):
    (fault,) = endpoints_from({"endpoints": {name: {"format": "interaction", "open": True}}})
    assert fault == KeyFault(f"endpoints.{name}", "Expected a name of 1 to 64 letters, digits, `-` and `_`")


@pytest.mark.parametrize("table", [{}, {"endpoints": {}}, {"endpoints": 5}])
def test_without_endpoints_there_is_nothing_to_do(table):
    assert endpoints_from(table) == (KeyFault("endpoints", "Expected at least one table [endpoints.NAME]"),)


def test_all_faults_of_a_file_are_told_at_once(tmp_path):
    file = tmp_path / "endpoints.toml"
    file.write_text(
        'x = 1\n[endpoints.a]\nformat = "b"\n[endpoints.c]\nformat = "interaction"\nopen = 5\nsecret = "d"\n'
    )
    with pytest.raises(BadFile) as bad:
        read_endpoints(file)
    assert [fault.key for fault in bad.value.faults] == [
        "x",
        "endpoints.a.format",
        "endpoints.c.open",
        "endpoints.c.secret",
    ]
    assert all(f"{file}: {fault.key}: " in str(bad.value) for fault in bad.value.faults)


def test_secrets_that_are_not_there_and_wrong_mappings_are_told_at_once(tmp_path):
    file, mapping = tmp_path / "endpoints.toml", tmp_path / "mapping.toml"
    mapping.write_text("account_id = 5\nx = 1\n")
    file.write_text(
        f'[endpoints.a]\nformat = "{SIGNED}"\nsecret = "env:NO_SUCH_SECRET"\nmapping = "mapping.toml"\n'
        f'[endpoints.b]\nformat = "{SIGNED}"\nsecret = "file:{tmp_path}/none"\nmapping = "none.toml"\n'
    )
    with pytest.raises(BadFile) as bad:
        read_endpoints(file)
    told = [(fault.key, fault.reason) for fault in bad.value.faults]
    assert [key for key, _ in told] == [
        "endpoints.a.secret",
        "endpoints.a.mapping",
        "endpoints.a.mapping",
        "endpoints.b.secret",
        "endpoints.b.mapping",
    ]
    assert told[0][1] == "There is no secret at env:NO_SUCH_SECRET"
    assert f"{mapping}: account_id: " in told[1][1]
    assert "no such file" in told[4][1]


@pytest.mark.parametrize("name", [name for name, source in FORMATS.items() if not source.tells_account])
def test_a_format_that_tells_no_account_wants_a_mapping_that_does(name, tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET", "x")
    file = tmp_path / "endpoints.toml"
    file.write_text(f'[endpoints.a]\nformat = "{name}"\nsecret = "env:A_SECRET"\n')
    with pytest.raises(BadFile, match=r"endpoints\.a\.mapping: account_id: "):
        read_endpoints(file)


def test_what_is_served_has_its_mapping_from_beside_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET", "x")
    (tmp_path / "m.toml").write_text('account_id = "acme"\n')
    file = tmp_path / "endpoints.toml"
    file.write_text(
        f'[endpoints.a]\nformat = "{SIGNED}"\nsecret = "env:A_SECRET"\nmapping = "m.toml"\n'
        '[endpoints.b]\nformat = "interaction"\nopen = true\n'
    )
    served = read_endpoints(file)
    assert served["a"].source is FORMATS[SIGNED]
    assert served["a"].mapping.account_id == "acme"
    assert served["b"].source is None


@given(
    st.dictionaries(
        st.sampled_from(["format", "secret", "open", "mapping", "requests_per_s"]),
        st.text(alphabet="hunter2", min_size=5) | st.integers() | st.booleans(),
    )
)
def test_whatever_stands_in_it_no_value_is_quoted(given):
    texts = [value for value in given.values() if isinstance(value, str)]
    reasons = " ".join(faults_of(**given).values())
    assert not any(text in reasons for text in texts)
