"""Hashes that must never change: what is stored and sent under them is found again by them."""

from streams.attribution.identity import content_digest, derived_client_id, event_id, given_digest, hashed_digest
from tests.streams.attribution.builders import BOT, PROMO, interaction, sent, typed


def test_an_event_id_is_32_hexadecimal_digits_and_always_was_these():
    assert (
        event_id("acme", "s", "Chatbot_sent", ("chatbot", "bot", None, None, "i"), "i")
        == "c36d3512b9e862978242d76e2a02a8bb"
    )


def test_a_derived_client_id_always_was_these_two_numbers():
    assert derived_client_id("acme", "v") == "2027421946.2120284268"


def test_a_content_digest_always_was_these_16_bytes():
    assert content_digest(interaction(sent(BOT))).hex() == "27577be8d886e1a78140a2e769f813c6"


def test_what_is_remembered_of_an_interaction_always_was_these_16_bytes():
    assert given_digest("i").hex() == "b17b4243c5057c7171ff89975d47845e"
    assert hashed_digest("i").hex() == "126b692a87a9bc06a5768fa290116d8e"


def test_an_id_that_reads_like_a_hash_is_not_taken_for_one():
    assert given_digest("00112233@1700000000000000") != hashed_digest("00112233@1700000000000000")


def test_parts_do_not_run_into_each_other():
    assert event_id("a", "bc", "n", None, "i") != event_id("ab", "c", "n", None, "i")
    assert derived_client_id("a", "bc") != derived_client_id("ab", "c")


def test_contents_are_told_apart_by_account_too():
    assert content_digest(interaction(typed())) != content_digest(interaction(typed(account_id="beta")))
    assert content_digest(interaction(sent(BOT))) != content_digest(interaction(sent(PROMO)))
