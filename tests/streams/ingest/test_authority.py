"""Who may send: whoever knows the secret, and lately where the signature says when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ingest.authority import TOLERANCE_S, bears, has_signed
from streams.sources import FORMATS, Signature
from tests.streams.ingest.signing import signed

PLAIN = Signature(header="x-signed", algorithm="sha256", source="nobody")
TIMED = Signature(header="x-signed", algorithm="sha256", prefix="sha256=", signed_at="x-time", source="nobody")
ALL = [PLAIN, TIMED, *(source.signature for source in FORMATS.values() if source.signature is not None)]
NOW_S = 1_769_860_800
BODY = b'{"a": 1}'

each_signature = pytest.mark.parametrize("signature", ALL, ids=lambda each: each.header)


def believed(signature, headers, body=BODY, secret="hunter2", now_s=NOW_S):
    return has_signed(signature, secret, headers, body, now_s)


@each_signature
@given(st.binary(max_size=300), st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_who_knows_the_secret_is_believed(signature, body, secret):
    assert believed(signature, signed(signature, secret, body, NOW_S), body, secret)


@each_signature
@given(st.binary(max_size=50), st.binary(max_size=50))
def test_of_another_body_a_signature_says_nothing(signature, body, other):
    assert believed(signature, signed(signature, "hunter2", body, NOW_S), other) == (body == other)


@each_signature
@pytest.mark.parametrize("secret", ["hunter3", "", "hunter2 "])
def test_with_another_secret_nobody_is_believed(signature, secret):
    assert not believed(signature, signed(signature, secret, BODY, NOW_S))


@each_signature
@given(given=st.none() | st.text(max_size=80))
def test_whatever_stands_in_its_place_is_no_signature(signature, given):
    headers = signed(signature, "hunter2", BODY, NOW_S)
    headers.pop(signature.header)
    assert not believed(signature, headers if given is None else {**headers, signature.header: given})


@each_signature
def test_a_request_that_comes_again_is_believed_again(signature):
    headers = signed(signature, "hunter2", BODY, NOW_S)
    assert believed(signature, headers)
    assert believed(signature, headers, now_s=NOW_S + 60)


@pytest.mark.parametrize(
    ("apart_s", "is_believed"),
    [(0, True), (TOLERANCE_S, True), (-TOLERANCE_S, True), (TOLERANCE_S + 1, False), (-TOLERANCE_S - 1, False)],
)
def test_where_the_time_is_signed_an_old_request_is_of_no_use(apart_s, is_believed):
    headers = signed(TIMED, "hunter2", BODY, NOW_S)
    assert believed(TIMED, headers, now_s=NOW_S + apart_s) == is_believed
    assert believed(PLAIN, signed(PLAIN, "hunter2", BODY), now_s=NOW_S + apart_s)


def test_the_time_is_signed_too():
    old = signed(TIMED, "hunter2", BODY, NOW_S - 10_000)
    assert not believed(TIMED, {**old, "x-time": str(NOW_S)})
    assert not believed(TIMED, {"x-signed": old["x-signed"]})


@pytest.mark.parametrize("time", ["", "soon", "-1", "1e9", "١٢٣", f"{NOW_S}.5", f" {NOW_S}", "9" * 5_000])
def test_a_time_that_is_none_is_not_believed_however_it_is_signed(time):
    headers = signed(TIMED, "hunter2", BODY, time)
    assert not believed(TIMED, headers)


@pytest.mark.parametrize(
    ("header", "is_believed"),
    [
        ("Bearer hunter2", True),
        ("bearer hunter2", True),
        ("Bearer  hunter2 ", True),
        ("Bearer hunter3", False),
        ("Bearer hunter2x", False),
        ("Bearer hunter", False),
        ("Bearer", False),
        ("Bearer ", False),
        ("hunter2", False),
        ("Basic hunter2", False),
        ("Bearer \udcff", False),
        ("", False),
    ],
)
def test_a_token_is_borne_whole(header, is_believed):
    assert bears("hunter2", {"authorization": header}) == is_believed
    assert not bears("", {"authorization": header})


def test_without_a_header_no_token_is_borne():
    assert not bears("hunter2", {})
    assert not bears("", {})
