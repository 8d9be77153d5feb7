"""All raw formats: what holds of each of them."""

import re

import pytest

from schemas.interaction import TYPES, Fault, Unknown
from streams.sources import FORMATS, Mapping
from tests.streams.sources.golden import mapping_of, raw_records, translated

EACH = pytest.mark.parametrize("name", FORMATS)


def test_the_formats_are_these_five_and_each_is_known_by_its_name():
    assert list(FORMATS) == ["smartsupp-webhook", "smartsupp-hook-post", "smartsupp-widget", "segment", "chatwoot"]
    assert [each.name for each in FORMATS.values()] == list(FORMATS)


@EACH
def test_a_format_names_where_it_is_documented(name):
    assert re.match(r'".+", https://\S+$', FORMATS[name].origin)
    signature = FORMATS[name].signature
    assert signature is None or "https://" in signature.source


@EACH
def test_the_interactions_that_the_docs_name_are_those_that_come_of_its_records(name):
    named = {word for becomes in FORMATS[name].records.values() for word in re.findall(r"`(\w+)`", becomes)}
    made = [records for records in translated(name, mapping_of(name, "mapped")) if isinstance(records, tuple)]
    come = {word for records in made for raw in records for word in re.findall(r'^\{"type":"(\w+)"', raw.decode())}
    assert come - named <= {
        "box_opened"
    }  # before a visitor's message, if the mapping says so: told of all formats once
    assert named & TYPES.keys() <= come


@EACH
@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[]", b"null", b'"text"', b"1" * 5_000, b"[" * 100_000, b"{}"])
def test_what_is_no_record_is_a_fault(name, raw):
    assert isinstance(FORMATS[name].translate(raw, Mapping(account_id="acme")), Fault)


@EACH
def test_a_record_that_is_too_large_is_a_fault(name):
    fault = FORMATS[name].translate(b" " * 1_048_577, Mapping())
    assert isinstance(fault, Fault)
    assert (fault.field, fault.code) == ("$", "too_large")


@EACH
def test_a_format_without_accounts_needs_to_be_told_whose_records_these_are(name):
    without = [FORMATS[name].translate(raw, Mapping()) for raw in raw_records(name)]
    if FORMATS[name].tells_account:
        assert FORMATS[name].needs(Mapping()) == ()
        assert any(isinstance(each, tuple) for each in without)
    else:
        assert [fault.key for fault in FORMATS[name].needs(Mapping())] == ["account_id"]
        assert FORMATS[name].needs(Mapping(account_id="acme")) == ()
        assert all(isinstance(each, Fault | Unknown) for each in without)
