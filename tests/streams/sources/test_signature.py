"""Signed requests. The vectors are those of RFC 2202 and RFC 4231, test case 2."""

import hashlib
import hmac

import pytest

from streams.sources import FORMATS, Signature

SECRET, BODY = b"Jefe", b"what do ya want for nothing?"
SHA1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
SHA256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def signature_of(name):
    signature = FORMATS[name].signature
    assert isinstance(signature, Signature)
    return signature


def test_which_formats_are_signed():
    assert [name for name, each in FORMATS.items() if each.signature] == ["smartsupp-webhook", "segment", "chatwoot"]


def test_smartsupp_signs_the_body():
    assert signature_of("smartsupp-webhook").verify(SECRET, {"x-smartsupp-hmac": SHA256}, BODY)


def test_segment_signs_the_body_by_sha_1():
    assert signature_of("segment").verify(SECRET, {"x-signature": SHA1}, BODY)


def test_chatwoot_signs_the_time_and_the_body():
    digits = hmac.new(SECRET, b"1772443000." + BODY, hashlib.sha256).hexdigest()
    headers = {"x-chatwoot-signature": f"sha256={digits}", "x-chatwoot-timestamp": "1772443000"}
    verify = signature_of("chatwoot").verify
    assert verify(SECRET, headers, BODY)
    assert not verify(SECRET, headers | {"x-chatwoot-timestamp": "1772443001"}, BODY)
    assert not verify(SECRET, {"x-chatwoot-signature": f"sha256={digits}"}, BODY)
    assert not verify(SECRET, headers | {"x-chatwoot-signature": digits}, BODY)


@pytest.mark.parametrize("times", [{}, {"x-chatwoot-timestamp": ""}])
def test_a_signature_of_no_time_is_none(times):
    digits = hmac.new(SECRET, b"." + BODY, hashlib.sha256).hexdigest()
    headers = {"x-chatwoot-signature": f"sha256={digits}", **times}
    assert not signature_of("chatwoot").verify(SECRET, headers, BODY)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-smartsupp-hmac": ""},
        {"x-smartsupp-hmac": SHA256[:-1]},
        {"x-smartsupp-hmac": f"{SHA256[:-1]}4"},
        {"x-smartsupp-hmac": f"{SHA256} "},
        {"x-smartsupp-hmac": "é" * 64},
        {"x-smartsupp-hmac": "\udcff" * 64},
        {"x-signature": SHA256},
    ],
)
def test_a_header_that_is_missing_or_is_another_is_no_signature(headers):
    assert not signature_of("smartsupp-webhook").verify(SECRET, headers, BODY)


def test_another_body_or_another_secret_is_not_signed():
    verify = signature_of("smartsupp-webhook").verify
    headers = {"x-smartsupp-hmac": SHA256}
    assert not verify(SECRET, headers, BODY + b" ")
    assert not verify(b"jefe", headers, BODY)


def test_nobody_signs_with_an_empty_secret():
    digits = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    assert not signature_of("smartsupp-webhook").verify(b"", {"x-smartsupp-hmac": digits}, BODY)
