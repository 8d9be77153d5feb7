"""CONTRACT §3: Offline, Feedback, Personal data."""

import time

import pytest

from tests.streams.attribution.builders import (
    BOT,
    PROMO,
    agent_wrote,
    all_names,
    form,
    joined,
    last,
    names,
    rated,
    rules,
    sent,
    typed,
)

STARTED, OFFLINE = "Visitor_started_conversation", "Offline_message_sent"


@pytest.mark.parametrize(
    ("history", "then"),
    [
        pytest.param([typed(online=False)], [STARTED, OFFLINE], id="an offline first message gives both"),
        pytest.param([typed()], [STARTED], id="online is true by default"),
        pytest.param([typed(online=True)], [STARTED], id="online"),
        pytest.param([typed(online=None)], [STARTED], id="null is as absent"),
        pytest.param([typed(), typed(online=False)], [OFFLINE], id="a later offline message"),
        pytest.param([agent_wrote(), typed(online=False)], [OFFLINE], id="to an agent"),
        pytest.param(
            [sent(PROMO), typed(online=False)],
            ["Auto_message_visitor_reaction", OFFLINE],
            id="an offline answer gives a reaction and an offline message",
        ),
        pytest.param(
            [sent(BOT), typed(online=False)],
            ["Chatbot_interaction", "Chatbot_visitor_reaction", OFFLINE],
            id="an offline answer to a chatbot",
        ),
        pytest.param([typed(None, online=False)], [STARTED, OFFLINE], id="without text"),
    ],
)
def test_offline(history, then):
    assert names(history) == then


@pytest.mark.parametrize(
    ("given", "then"),
    [
        pytest.param(rated(5), ["Feedback_sent"], id="a rating alone"),
        pytest.param(rated(None, "Fine"), ["Feedback_text_sent"], id="a text alone"),
        pytest.param(rated(5, "Fine"), ["Feedback_sent", "Feedback_text_sent"], id="rating and text give both events"),
        pytest.param(rated(5, ""), ["Feedback_sent"], id="an empty text is no text"),
        pytest.param(rated(5, " \t\r\n"), ["Feedback_sent"], id="a text of white space only is no text"),
        pytest.param(rated(5, "\u3000\u2028\xa0\x1c"), ["Feedback_sent"], id="of any white space"),
        pytest.param(rated(5, "\u200b"), ["Feedback_sent", "Feedback_text_sent"], id="a zero width space is a text"),
    ],
)
def test_feedback(given, then):
    assert names([given]) == then


@pytest.mark.parametrize(
    ("rating", "label", "value"),
    [
        (5, "Good", 5),
        (3, "Normal", 3),
        (1, "Bad", 1),
        ("good", "Good", 5),
        ("normal", "Normal", 3),
        ("bad", "Bad", 1),
        ("bon", "Good", 5),
        ("mauvais", "Bad", 1),
        ("GOOD", "Good", 5),
        ("nOrMaL", "Normal", 3),
        ("Mauvais", "Bad", 1),
    ],
)
def test_a_ratings_label_and_value_in_every_spelling(rating, label, value):
    (event,) = last([rated(rating)])
    assert (event.label, event.value) == (label, value)


def test_only_a_rating_has_a_value():
    events = last([rated(5, "Fine")])
    assert [event.value for event in events] == [5, None]
    assert {event.value for event in last([sent(BOT)]) + last([joined()]) + last([form()])} == {None}


# -- Personal data ----------------------------------------------------------------

REDACTED = [
    ("write to me@site.cz please", "write to [email] please"),
    ("a@b.co and c.d+e@mail.f.org", "[email] and [email]"),
    ("<x@y.cz>", "[email]"),
    ("jiří@example.cz", "[email]"),
    ("me\u200b@x.cz", "[email]"),
    ("a@@b.co", "a@@b.co"),
    ("x@y.", "x@y."),
    ("x@y", "x@y"),
    ("a b@c.de", "a [email]"),
    ("a\xa0b@c.de", "a\xa0[email]"),
    ("call +420 777 123 456", "call [number]"),
    ("1234567", "[number]"),
    ("123456", "123456"),
    ("12 34 56", "12 34 56"),
    ("777.123.45", "[number]"),
    ("call (020) 7946-0958 today", "call [number] today"),
    ("tel +(420) 777 123 456", "tel [number]"),
    ("++420 777 123 456", "+[number]"),
    ("((777) 1234567", "([number]"),
    ("(777) 123 45 67)", "[number])"),
    ("[420] 777 123 456", "[420] [number]"),
    ("on 12/05/2024", "on [number]"),
    ("Order 2024-01-15 / 77", "Order [number]"),
    ("no 1,234,567 here", "no 1,234,567 here"),
    ("777\xa0123\xa0456", "777\xa0123\xa0456"),
    ("777\u2013123\u2013456", "777\u2013123\u2013456"),
    ("777\n123456", "777\n123456"),
    ("\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667"),
    ("+1 (555) 010-9999 or +1-555-010-8888", "[number] or [number]"),
    ("1234567@8901234.cz", "[email]"),
    ("me@1234567.cz and 1234567", "[email] and [number]"),
    ("777 123 456@x.cz", "777 123 [email]"),
    ("me@site.777 123 456", "[email] 123 456"),
    ("nothing personal", "nothing personal"),
]


@pytest.mark.parametrize(("text", "label"), REDACTED)
def test_redact_replaces_addresses_then_numbers(text, label):
    assert [event.label for event in last([rated(text=text)])] == [label]


def test_redact_is_the_default():
    assert last([rated(text="me@site.cz")], rules(pii="redact")) == last([rated(text="me@site.cz")])


def test_drop_gives_no_label_but_the_event():
    (event,) = last([rated(text="Fine")], rules(pii="drop"))
    assert (event.name, event.label) == ("Feedback_text_sent", None)


def test_keep_leaves_it():
    assert [event.label for event in last([rated(text=" me@site.cz 1234567 ")], rules(pii="keep"))] == [
        " me@site.cz 1234567 "
    ]


@pytest.mark.parametrize(
    "text", ["é" * 1_001, "👍" * 1_001, "a" * 999 + "👍b"], ids=["accents", "emoji", "emoji at the cut"]
)
def test_it_is_cut_to_1000_code_points(text):
    for pii in ("redact", "keep"):
        assert [event.label for event in last([rated(text=text)], rules(pii=pii))] == [text[:1_000]]
    assert [event.label for event in last([rated(text=text[:1_000])])] == [text[:1_000]]


def test_it_is_cut_first_so_what_the_cut_makes_of_an_address_or_a_number_counts():
    assert last([rated(text="x" * 993 + " 123456789")])[0].label == "x" * 993 + " 123456"
    assert last([rated(text="x" * 992 + " 123456789")])[0].label == "x" * 992 + " [number]"
    assert last([rated(text="x" * 990 + " me@a.cz")])[0].label == "x" * 990 + " [email]"
    assert last([rated(text="x" * 995 + " me@a.cz")])[0].label == "x" * 995 + " me@a"


def test_a_label_may_grow_past_the_cut_by_what_replaces():
    label = last([rated(text="a@b.c " * 166 + "a@b.")])[0].label
    assert label == "[email] " * 166 + "a@b."


@pytest.mark.parametrize("setting", ["drop", "keep", "redact"])
def test_only_a_feedback_text_is_typed_by_the_visitor_names_stay(setting):
    personal = {**BOT, "name": "me@site.cz 1234567"}
    assert [event.label for event in last([sent(personal)], rules(pii=setting))] == [personal["name"]]


def test_what_a_visitor_types_in_a_message_is_in_no_event():
    history = [sent(BOT), typed("my secret"), typed("my secret", online=False)]
    assert all_names(history)
    for record in (typed("my secret"), typed("my secret", online=False)):
        assert "secret" not in repr(last([sent(BOT), record]))


@pytest.mark.parametrize(
    "text", ["a" * 1_000, "@a." * 333, "1 " * 500, "(" * 1_000, "1" * 6 + " -" * 497, "a@" + "." * 998]
)
def test_no_text_makes_the_patterns_run_away(text):
    began = time.process_time()
    last([rated(text=text)])
    assert time.process_time() - began < 1
