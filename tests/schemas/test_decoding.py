"""CONTRACT §1, sentence by sentence: what is an interaction, and which field is at fault where there is none."""

import json
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import decoding
from schemas.decoding import MAX_RECORD_BYTES, decode_interaction, session_key
from schemas.interaction import TYPES, BoxClosed, Fault, FeedbackGiven, Unknown, VisitorMessage
from tests.schemas.records import interactions, junk, nearly_interactions
from tests.strategies import examples

ANY_TIME: Final = 1 << 62
NOON_MS: Final = 1_704_110_400_000  # 2024-01-01T12:00:00Z
BOT: Final = {"kind": "chatbot", "id": "bot", "name": "Bot"}
EVA: Final = {"id": "eva", "name": "Eva"}

MINIMAL: Final[dict[str, dict[str, Any]]] = {
    "automation_sent": {"automation": BOT},
    "box_opened": {},
    "box_closed": {},
    "visitor_message": {},
    "button_clicked": {"button": "Yes"},
    "agent_joined": {"agent": EVA},
    "agent_left": {"agent": EVA},
    "agent_message": {},
    "contact_form_sent": {},
    "feedback_given": {"rating": 5},
    "conversation_closed": {},
    "visit_started": {},
    "page_viewed": {},
    "goal_completed": {"goal": {"name": "order"}},
}
"""Every type with no more than it must have."""


def record(kind="visitor_message", /, **fields):
    return {
        "type": kind,
        "account_id": "acme",
        "session_id": "s",
        "timestamp": NOON_MS,
        **MINIMAL.get(kind, {}),
        **fields,
    }


def decode(given, latest_micros=ANY_TIME):
    return decode_interaction(given if isinstance(given, bytes) else json.dumps(given).encode(), latest_micros)


def taken(given) -> Any:
    decoded = decode(given)
    assert not isinstance(decoded, (Fault, Unknown)), decoded
    return decoded


def fault(given) -> str:
    decoded = decode(given)
    assert isinstance(decoded, Fault), decoded
    assert decoded.reason
    assert " - at `" not in decoded.reason, "where is told by the field"
    return decoded.field


# -- the envelope and the types ---------------------------------------------------


@pytest.mark.parametrize("kind", MINIMAL)
def test_every_type_with_no_more_than_it_must_have(kind):
    assert type(taken(record(kind))) is TYPES[kind]


@pytest.mark.parametrize("field", ["type", "account_id", "timestamp"])
def test_type_account_and_timestamp_are_required(field):
    without = record()
    del without[field]
    assert fault(without) == field
    assert fault(record() | {field: None}) == field


def test_session_id_or_visitor_id_is_required():
    assert fault(record(session_id=None)) == "session_id"
    assert taken(record(session_id=None, visitor_id="v")).visitor_id == "v"
    assert taken(record(visitor_id="v")).session_id == "s"


@pytest.mark.parametrize("kind", [kind for kind in MINIMAL if MINIMAL[kind] and kind != "feedback_given"])
def test_what_a_type_must_have_is_required_and_not_null(kind):
    (field,) = MINIMAL[kind]
    without = record(kind)
    del without[field]
    assert fault(without) == field
    assert fault(record(kind, **{field: None})) == field


@pytest.mark.parametrize(
    ("kind", "field", "value", "at"),
    [
        ("automation_sent", "automation", {"kind": "chatbot", "id": "b"}, "automation.name"),
        ("automation_sent", "automation", {"kind": "chatbot", "name": "B"}, "automation.id"),
        ("automation_sent", "automation", {"id": "b", "name": "B"}, "automation.kind"),
        ("automation_sent", "automation", BOT | {"kind": "robot"}, "automation.kind"),
        ("automation_sent", "automation", BOT | {"kind": "Chatbot"}, "automation.kind"),
        ("automation_sent", "automation", BOT | {"name": None}, "automation.name"),
        ("automation_sent", "automation", BOT | {"run_id": ""}, "automation.run_id"),
        ("automation_sent", "automation", "bot", "automation"),
        ("button_clicked", "automation", BOT | {"kind": "trigger"}, "automation.kind"),
        ("button_clicked", "button", 5, "button"),
        ("button_clicked", "is_back", "no", "is_back"),
        ("button_clicked", "is_back", 0, "is_back"),
        ("box_opened", "via", "door", "via"),
        ("box_opened", "via", "Launcher", "via"),
        ("box_opened", "via", "", "via"),
        ("visitor_message", "text", 5, "text"),
        ("visitor_message", "online", "false", "online"),
        ("visitor_message", "online", 1, "online"),
        ("visitor_message", "in_reply_to", "", "in_reply_to"),
        ("agent_joined", "agent", {"id": "eva"}, "agent.name"),
        ("agent_left", "agent", {"name": "Eva"}, "agent.id"),
        ("agent_message", "agent", {"id": "eva"}, "agent.name"),
        ("goal_completed", "goal", {}, "goal.name"),
        ("goal_completed", "goal", {"name": "o", "value": "5"}, "goal.value"),
        ("goal_completed", "goal", {"name": "o", "value": True}, "goal.value"),
        ("goal_completed", "goal", {"name": "o", "currency": 5}, "goal.currency"),
        ("page_viewed", "page", [], "page"),
        ("page_viewed", "page", {"url": 5}, "page.url"),
        ("page_viewed", "page", {"measurement_ids": "G-A"}, "page.measurement_ids"),
        ("page_viewed", "page", {"measurement_ids": ["G-A", 5]}, "page.measurement_ids"),
        ("page_viewed", "page", {"measurement_ids": [None]}, "page.measurement_ids"),
        ("page_viewed", "page", {"measurement_ids": [""]}, "page.measurement_ids"),
        ("page_viewed", "ga", "GA", "ga"),
        ("page_viewed", "ga", {"client_id": 5}, "ga.client_id"),
        ("page_viewed", "ga", {"session_id": 1_700_000_000}, "ga.session_id"),
        ("page_viewed", "ga", {"cookies": []}, "ga.cookies"),
        ("page_viewed", "ga", {"cookies": {"_ga": 5}}, "ga.cookies"),
        ("page_viewed", "ga", {"cookies": {"other": {}}}, "ga.cookies"),
        ("page_viewed", "consent", True, "consent"),
        ("page_viewed", "consent", {"analytics": "yes"}, "consent.analytics"),
        ("page_viewed", "consent", {"marketing": 1}, "consent.marketing"),
        ("page_viewed", "user_agent", 5, "user_agent"),
        ("page_viewed", "language", [], "language"),
        ("page_viewed", "tab_id", 1, "tab_id"),
        ("page_viewed", "account_id", 1, "account_id"),
        ("page_viewed", "account_id", "a/b", "account_id"),
        ("page_viewed", "account_id", "/", "account_id"),
        ("page_viewed", "account_id", "a/\n", "account_id"),
    ],
)
def test_a_fault_names_the_field_as_a_dotted_path(kind, field, value, at):
    assert fault(record(kind, **{field: value})) == at


# -- JSON -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" \n", id="white space"),
        pytest.param(b"not json", id="a word"),
        pytest.param(b'{"type": "box_opened"', id="cut short"),
        pytest.param(b"{'type': 'box_opened'}", id="single quotes"),
        pytest.param(b'{"type": "box_opened",}', id="a comma too many"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"box_opened"', id="a text"),
        pytest.param(b"5", id="a number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(json.dumps(record()).encode() + b"{}", id="two records"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(record()).encode(), id="a byte order mark"),
        pytest.param(json.dumps(record(text="é"), ensure_ascii=False).encode("latin-1"), id="not UTF-8"),
        pytest.param(json.dumps(record(unknown="é"), ensure_ascii=False).encode("latin-1"), id="not UTF-8, unread"),
        pytest.param(json.dumps(record()).encode("utf-16"), id="UTF-16"),
        pytest.param(
            json.dumps(record(text="x")).encode().replace(b'"x"', b'"\xed\xa0\x80"'), id="a surrogate's bytes"
        ),
        pytest.param(json.dumps(record(text="\ud800 lone")).encode(), id="a lone high surrogate"),
        pytest.param(json.dumps(record(text="\udc00 lone")).encode(), id="a lone low surrogate"),
        pytest.param(json.dumps(record(text="\ud800\ud800 two")).encode(), id="two high surrogates"),
        pytest.param(json.dumps(record(unknown="\ud800 lone")).encode(), id="a lone surrogate in an unknown field"),
        pytest.param(json.dumps(record(**{"\ud800 lone": 1})).encode(), id="a lone surrogate in a name"),
        pytest.param(json.dumps(record(page={"x": ["\ud800 lone"]})).encode(), id="a lone surrogate deep inside"),
        pytest.param(json.dumps(record("zz", text="\ud800 lone")).encode(), id="a lone surrogate, unknown type"),
        pytest.param(json.dumps(record(text="x")).encode().replace(b'"x"', b'"\n"'), id="a control character"),
        pytest.param(json.dumps(record(x=5)).encode().replace(b" 5", b" 05"), id="a number with a zero before it"),
        pytest.param(json.dumps(record(x=5)).encode().replace(b" 5", b" NaN"), id="NaN in an unknown field"),
        pytest.param(b"[" * 100_000, id="a list without end"),
        pytest.param(b'{"x":' * 100_000, id="an object without end"),
    ],
)
def test_not_json_in_utf_8_or_no_object_is_the_record_itself(value):
    assert fault(value) == "$"


def test_a_pair_of_surrogates_is_one_character():
    assert json.dumps(record(text="👍")).count("\\ud83d\\udc4d") == 1
    assert taken(record(text="👍")).text == "👍"


def test_a_record_without_a_value_is_the_record_itself():
    assert decode_interaction(None, ANY_TIME) == Fault("$", "The record has no value", "empty")


def test_a_record_of_more_than_a_mebibyte_is_the_record_itself():
    around = len(json.dumps(record(text="")))
    assert MAX_RECORD_BYTES == 1 << 20
    assert taken(record(text="x" * (MAX_RECORD_BYTES - around)))
    too_large = decode(record(text="x" * (MAX_RECORD_BYTES - around + 1)))
    assert isinstance(too_large, Fault)
    assert (too_large.field, too_large.code) == ("$", "too_large")


@pytest.mark.parametrize(
    ("value", "code"),
    [(b"{", "not_json"), (b"\xff", "not_json"), (b"[]", "not_object"), (b'{"type":5}', "invalid")],
)
def test_a_fault_has_a_code(value, code):
    decoded = decode(value)
    assert isinstance(decoded, Fault)
    assert decoded.code == code


# -- the type is looked at first --------------------------------------------------


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param({}, id="all else is right"),
        pytest.param({"account_id": None, "timestamp": "yesterday", "session_id": 5}, id="all else is wrong"),
        pytest.param({"automation": 5, "page": [], "ga": {"cookies": 1}}, id="fields of other types are wrong"),
    ],
)
@pytest.mark.parametrize("kind", ["brand_new", "", "Box_opened", "box_opened ", "x" * 1_000])
def test_an_unknown_type_is_unknown_whatever_else_the_record_holds(kind, rest):
    assert decode(record() | {"type": kind} | rest) == Unknown(kind)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5_000], ids=["huge", "hugely negative", "5,000 digits"])
def test_even_a_number_that_no_number_is_as_large_as(number):
    assert decode(f'{{"type": "brand_new", "x": {number}}}'.encode()) == Unknown("brand_new")


@pytest.mark.parametrize("kind", [None, 5, True, [], {}, ["box_opened"]], ids=repr)
def test_a_type_that_is_no_text_is_at_fault(kind):
    assert fault(record() | {"type": kind}) == "type"


# -- null, unknown fields, keys given twice ---------------------------------------

OPTIONAL: Final = [
    *("interaction_id", "visitor_id", "user_id", "conversation_id", "tab_id", "page", "ga", "consent"),
    *("user_agent", "language"),
]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        *((kind, OPTIONAL) for kind in MINIMAL),
        ("box_opened", ["via"]),
        ("visitor_message", ["text", "online", "in_reply_to"]),
        ("button_clicked", ["automation", "is_back"]),
        ("agent_message", ["agent"]),
        ("feedback_given", ["text"]),
    ],
)
def test_null_is_the_same_as_absent(kind, fields):
    assert decode(record(kind, **dict.fromkeys(fields))) == taken(record(kind))


@pytest.mark.parametrize(
    ("full", "bare"),
    [
        ({"page": {"url": None, "title": None, "referrer": None, "measurement_ids": None}}, {"page": {}}),
        ({"ga": {"client_id": None, "session_id": None, "cookies": None}}, {"ga": {}}),
        ({"consent": {"analytics": None, "marketing": None}}, {"consent": {}}),
    ],
    ids=["page", "ga", "consent"],
)
def test_null_is_the_same_as_absent_inside_too(full, bare):
    assert taken(record(**full)) == taken(record(**bare))


def test_null_is_the_same_as_absent_in_automation_goal_and_cookies():
    assert taken(record("automation_sent", automation=BOT | {"run_id": None})) == taken(record("automation_sent"))
    goal = {"name": "order", "value": None, "currency": None}
    assert taken(record("goal_completed", goal=goal)) == taken(record("goal_completed"))
    assert taken(record(ga={"cookies": {"_ga": None}})).ga.cookies == {"_ga": None}


def test_unknown_fields_are_ignored_unchecked():
    assert taken(record(extra=5, Text="x", page={"x": []})) == taken(record(page={}))
    assert taken(json.dumps(record(x=5)).encode().replace(b'"x": 5', b'"x": 1e999')) == taken(record())


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5_000], ids=["huge", "hugely negative", "5,000 digits"])
def test_unknown_fields_are_ignored_also_where_the_record_is_read_a_second_time(number):
    twice = f'{{"type": "box_closed", "x": {number}, {json.dumps(record())[1:]}'.encode()
    assert taken(twice) == taken(record())
    assert fault(json.dumps(record(tab_id=5, x=6)).encode().replace(b" 6", number.encode())) == "tab_id"


def test_a_number_beyond_all_numbers_is_a_fault_where_one_is_wanted():
    goal = json.dumps(record("goal_completed", goal={"name": "o", "value": 6})).encode()
    assert fault(goal.replace(b" 6", b" 1e999")) == "goal.value"
    assert fault(json.dumps(record(timestamp=6)).encode().replace(b" 6", b" " + b"9" * 5_000)) == "timestamp"
    assert fault(json.dumps(record(text=6)).encode().replace(b" 6", b" 1e999")) == "text"


def test_fields_of_another_type_are_ignored_unchecked():
    foreign = {"automation": 5, "agent": [], "button": None, "rating": "great", "goal": 1, "via": "door", "is_back": 9}
    assert taken(record("visitor_message", **foreign)) == taken(record("visitor_message"))


TWICE: Final = '{"type": "page_viewed", "account_id": "acme", "session_id": "s", "timestamp": 1704110400000, %s}'


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ('"user_id": "a", "user_id": "b"', lambda said: said.user_id == "b"),
        ('"user_id": 5, "user_id": "b"', lambda said: said.user_id == "b"),
        ('"user_id": "a", "user_id": null', lambda said: said.user_id is None),
        ('"page": {"url": 5, "url": "/b"}', lambda said: said.page.url == "/b"),
        ('"page": {"url": "/a"}, "page": {"title": "B"}', lambda said: (said.page.url, said.page.title) == (None, "B")),
        ('"ga": {"cookies": {"_ga": 5, "_ga": "b"}}', lambda said: said.ga.cookies == {"_ga": "b"}),
        ('"timestamp": "never", "timestamp": 1704110400001', lambda said: said.timestamp == 1_704_110_400_001_000),
        ('"type": "box_closed"', lambda said: isinstance(said, BoxClosed)),
        ('"type": 5, "type": "box_closed"', lambda said: isinstance(said, BoxClosed)),
        ('"\\u0074ype": "box_closed"', lambda said: isinstance(said, BoxClosed)),
    ],
)
def test_of_a_key_given_twice_the_last_counts(given, read):
    assert read(taken((TWICE % given).encode()))


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ('"user_id": "a", "user_id": 5', "user_id"),
        ('"page": {"url": "/a", "url": 5}', "page.url"),
        ('"session_id": null', "session_id"),
        ('"type": "automation_sent"', "automation"),
        ('"type": null', "type"),
    ],
)
def test_also_where_the_last_is_the_one_at_fault(given, at):
    assert fault((TWICE % given).encode()) == at


def test_also_where_the_last_type_is_unknown():
    assert decode((TWICE % '"type": "brand_new"').encode()) == Unknown("brand_new")


# -- ids and texts ----------------------------------------------------------------

IDS: Final = [
    pytest.param("page_viewed", lambda made: {"account_id": made}, "account_id", id="account_id"),
    *(
        pytest.param("page_viewed", lambda made, name=name: {name: made}, name, id=name)
        for name in ("interaction_id", "session_id", "visitor_id", "user_id", "conversation_id", "tab_id")
    ),
    pytest.param("page_viewed", lambda made: {"ga": {"client_id": made}}, "ga.client_id", id="ga.client_id"),
    pytest.param("page_viewed", lambda made: {"ga": {"session_id": made}}, "ga.session_id", id="ga.session_id"),
    pytest.param(
        "page_viewed", lambda made: {"page": {"measurement_ids": [made]}}, "page.measurement_ids", id="measurement_ids"
    ),
    pytest.param(
        "automation_sent", lambda made: {"automation": BOT | {"id": made}}, "automation.id", id="automation.id"
    ),
    pytest.param(
        "automation_sent",
        lambda made: {"automation": BOT | {"run_id": made}},
        "automation.run_id",
        id="automation.run_id",
    ),
    pytest.param("visitor_message", lambda made: {"in_reply_to": made}, "in_reply_to", id="in_reply_to"),
    pytest.param("button_clicked", lambda made: {"automation": BOT | {"id": made}}, "automation.id", id="button's id"),
    *(
        pytest.param(kind, lambda made: {"agent": {"id": made, "name": "A"}}, "agent.id", id=f"{kind} agent.id")
        for kind in ("agent_joined", "agent_left", "agent_message")
    ),
]


@pytest.mark.parametrize(("kind", "with_id", "at"), IDS)
def test_ids_are_texts_of_1_to_256_code_points(kind, with_id, at):
    for good in ("x", " ", "x" * 256, "é" * 256, "👍" * 256, "0"):
        assert taken(record(kind, **with_id(good)))
    for bad in ("", "x" * 257, "👍" * 257, 5, True, ["x"], {}):
        assert fault(record(kind, **with_id(bad))) == at


def test_account_id_alone_has_no_slash():
    assert taken(record(session_id="a/b", visitor_id="/", user_id="x/y"))
    assert fault(record(account_id="a/b")) == "account_id"


TEXTS: Final = [
    pytest.param("page_viewed", lambda made: {"user_agent": made}, id="user_agent"),
    pytest.param("page_viewed", lambda made: {"language": made}, id="language"),
    pytest.param("page_viewed", lambda made: {"page": {"url": made, "title": made, "referrer": made}}, id="page"),
    pytest.param("page_viewed", lambda made: {"ga": {"cookies": {"_ga": made, made: "x"}}}, id="cookies"),
    pytest.param("visitor_message", lambda made: {"text": made}, id="text"),
    pytest.param("automation_sent", lambda made: {"automation": BOT | {"name": made}}, id="automation.name"),
    pytest.param("button_clicked", lambda made: {"button": made}, id="button"),
    pytest.param("agent_joined", lambda made: {"agent": EVA | {"name": made}}, id="agent.name"),
    pytest.param("goal_completed", lambda made: {"goal": {"name": made, "currency": made}}, id="goal"),
    pytest.param("feedback_given", lambda made: {"text": made}, id="feedback text"),
]


@pytest.mark.parametrize(("kind", "with_text"), TEXTS)
def test_all_other_texts_are_of_any_length_and_may_be_empty(kind, with_text):
    for good in ("", " ", "x" * 10_000, "\u0000", "👍\n"):
        assert taken(record(kind, **with_text(good)))


# -- feedback ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "value"),
    [
        *((number, number) for number in (5, 3, 1)),
        *(("good", 5), ("normal", 3), ("bad", 1), ("bon", 5), ("mauvais", 1)),
        *(("GOOD", 5), ("Bon", 5), ("nOrMaL", 3), ("MAUVAIS", 1)),
    ],
)
def test_a_rating_is_5_3_or_1_or_a_word_in_any_letter_case(given, value):
    said = taken(record("feedback_given", rating=given))
    assert isinstance(said, FeedbackGiven)
    assert said.rating == value


@pytest.mark.parametrize(
    "given",
    [
        0,
        2,
        4,
        6,
        -1,
        5.0,
        1.0,
        "5",
        "",
        "great",
        "good ",
        " bon",
        "bo",
        True,
        False,
        [],
        {},
        "\uff27\uff2f\uff2f\uff24",
    ],
    ids=repr,
)
def test_any_other_rating_is_a_fault(given):
    assert fault(record("feedback_given", rating=given)) == "rating"
    assert fault(record("feedback_given", rating=given, text="Fine")) == "rating"


@pytest.mark.parametrize("text", [None, "", " ", "\t\r\n", "\u3000\u2028", "\xa0", "\x1c"], ids=ascii)
def test_at_least_one_of_the_two_a_text_of_white_space_only_is_none(text):
    assert fault(record("feedback_given", rating=None, text=text)) == "rating"
    assert taken(record("feedback_given", rating=5, text=text)).said is None


def test_a_text_alone_will_do():
    said = taken(record("feedback_given", rating=None, text=" Fine "))
    assert isinstance(said, FeedbackGiven)
    assert (said.rating, said.said) == (None, " Fine ")
    assert taken(record("feedback_given", rating=None, text="\u200b")).said == "\u200b"


# -- timestamps -------------------------------------------------------------------

NOON: Final = NOON_MS * 1_000


@pytest.mark.parametrize(
    ("given", "micros"),
    [
        ("2024-01-01T12:00:00Z", NOON),
        ("2024-01-01t12:00:00z", NOON),
        ("2024-01-01T12:00:00+00:00", NOON),
        ("2024-01-01T12:00:00-00:00", NOON),
        ("2024-01-01T13:30:00+01:30", NOON),
        ("2023-12-31T12:01:00-23:59", NOON),
        ("2024-01-01T12:00:00.5Z", NOON + 500_000),
        ("2024-01-01T12:00:00.000001Z", NOON + 1),
        ("2024-01-01T12:00:00.0000019999Z", NOON + 1),
        ("2024-01-01T12:00:00.999999999+00:00", NOON + 999_999),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        (NOON_MS, NOON),
        (NOON_MS + 1, NOON + 1_000),
        ("2000-01-01T00:00:00Z", 946_684_800_000_000),
        ("2100-12-31T23:59:59.999999Z", 4_133_980_799_999_999),
        ("2101-01-01T01:00:00+02:00", 4_133_977_200_000_000),
        (946_684_800_000, 946_684_800_000_000),
        (4_133_980_799_999, 4_133_980_799_999_000),
    ],
)
def test_rfc_3339_with_t_and_an_offset_or_epoch_milliseconds(given, micros):
    assert taken(record(timestamp=given)).timestamp == micros


@pytest.mark.parametrize(
    "given",
    [
        "2024-01-01T12:00:00",
        "2024-01-01 12:00:00Z",
        "2024-01-01",
        "2024-01-01T12:00Z",
        "20240101T120000Z",
        "2024-1-1T12:00:00Z",
        "2024-01-01T12:00:00,5Z",
        "2024-01-01T12:00:00.Z",
        "2024-01-01T12:00:00+0100",
        "2024-01-01T12:00:00+01",
        "2024-01-01T12:00:00+24:00",
        "2024-01-01T12:00:00+01:60",
        "2024-01-01T12:00:00+01:00:00",
        "2024-01-01T24:00:00Z",
        "2024-01-01T12:60:00Z",
        "2016-12-31T23:59:60Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2024-01-01T12:00:00Z ",
        "2024-01-01T12:00:00Z\n",
        " 2024-01-01T12:00:00Z",
        "\u0662024-01-01T12:00:00Z",
        "2024-W01-1T12:00:00Z",
        "",
        "now",
        "1704110400000",
        1704110400000.0,
        1.5,
        True,
        [],
        {},
    ],
    ids=repr,
)
def test_nothing_else_is_a_timestamp(given):
    assert fault(record(timestamp=given)) == "timestamp"


@pytest.mark.parametrize(
    "given",
    [
        "1999-12-31T23:59:59.999999Z",
        "2000-01-01T00:59:59+01:00",
        "2101-01-01T00:00:00Z",
        "2100-12-31T23:30:00-01:00",
        946_684_799_999,
        4_133_980_800_000,
        0,
        -1,
        1_704_110_400,
        1_704_110_400_000_000,
        10**30,
    ],
    ids=repr,
)
def test_utc_years_2000_to_2100(given):
    assert fault(record(timestamp=given)) == "timestamp"


def test_not_later_than_it_may_be():
    assert isinstance(decode(record(timestamp="2024-01-01T12:00:00.000001Z"), NOON + 1), VisitorMessage)
    late = decode(record(timestamp="2024-01-01T12:00:00.000002Z"), NOON + 1)
    assert isinstance(late, Fault)
    assert (late.field, late.code) == ("timestamp", "ahead")


# -- keys -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        ({"session_id": "s"}, "acme/s/s"),
        ({"session_id": "s", "visitor_id": "v"}, "acme/s/s"),
        ({"session_id": None, "visitor_id": "v"}, "acme/v/v"),
        ({"session_id": "a/b"}, "acme/s/a/b"),
    ],
)
def test_the_session_key_is_account_and_session_or_visitor(ids, key):
    assert session_key(taken(record(**ids))) == key


# -- properties -------------------------------------------------------------------


def both_ways(value: bytes) -> tuple[Any, Any]:
    """What the first way makes of the bytes, where it takes them, and what the second makes of them."""
    try:
        value.decode()
        first: Any = decoding._decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        first = None
    return first, decoding._decode_plainly(value)


@examples(400)
@given(interactions())
def test_every_interaction_is_taken_both_ways_alike(given):
    first, second = both_ways(msgspec.json.encode(given))
    assert not isinstance(second, (Fault, Unknown)), second
    assert first == second
    assert decode(msgspec.json.encode(given)) == first


@examples(600)
@given(nearly_interactions())
def test_what_is_nearly_an_interaction_is_taken_by_both_ways_or_by_none(given):
    first, second = both_ways(msgspec.json.encode(given))
    assert (first is None) == isinstance(second, (Fault, Unknown)), second
    assert first is None or first == second


@examples(400)
@given(nearly_interactions(), st.data())
def test_what_is_mangled_as_bytes_never_raises_and_what_the_first_way_takes_the_second_takes_alike(given, data):
    value = bytearray(msgspec.json.encode(given))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(value) - 1))
        value[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.binary(max_size=2) | st.sampled_from([b'"', b"}", b"1e999", b"\\ud800"])
        )
        value = value or bytearray(b" ")
    first, second = both_ways(bytes(value))
    assert first is None or first == second
    assert isinstance(decode(bytes(value)), (Fault, Unknown, *TYPES.values()))


@examples(400)
@given(st.binary(max_size=200) | st.text().map(str.encode) | junk.map(msgspec.json.encode))
def test_no_bytes_whatever_make_it_raise(value):
    decoded = decode(value)
    assert isinstance(decoded, (Fault, Unknown, *TYPES.values()))
    if isinstance(decoded, Fault):
        assert decoded.field
        assert decoded.reason


@examples(300)
@given(interactions(), st.data())
def test_of_a_key_given_twice_the_last_counts_whatever_stood_first(given, data):
    """The same object with one of its names a first time before all others."""
    name = data.draw(st.sampled_from(sorted(given)))
    first = msgspec.json.encode({name: data.draw(junk)})
    value = first[:-1] + b"," + msgspec.json.encode(given)[1:]
    assert decode(value) == decode(given)


@examples(300)
@given(interactions())
def test_null_and_unknown_fields_change_nothing_anywhere(given):
    struct = TYPES[given["type"]]
    nulls = {name: None for name in struct.__struct_fields__ if name not in given}
    assert decode({**nulls, **given, "no such field": [1, {"x": None}]}) == decode(given)
