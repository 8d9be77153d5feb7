import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ga_event import LEGACY_NAMES, Automation, Consent, Page
from streams.measurement.limits import HIT_BYTES, UA_BYTES
from tests.streams.measurement.made import NAMES, NOW, UA, events, fields, made, rejected, request

HOUR = 3_600_000_000


def notes(event):
    return [str(note) for note in request(event, UA).notes]


def test_a_hit_has_all_that_makes_an_event_useful():
    event = made(7, user_id="u1", value=5, consent=Consent(True, False))
    assert fields(request(event, UA)) == {
        "v": "1",
        "t": "event",
        "tid": "UA-1234-1",
        "cid": "123.456",
        "uid": "u1",
        "ec": "Smartsupp_v3",
        "ea": "Chatbot_sent",
        "el": "Welcome",
        "ev": "5",
        "dl": "https://example.com/a",
        "dt": "A page",
        "dr": "https://example.com/",
        "ua": "Mozilla/5.0",
        "ul": "en-US",
        "npa": "1",
        "qt": "1000",
        "z": f"{7:032x}",
    }


def test_what_is_not_known_is_not_sent():
    bare = made(label=None, page=None, user_agent=None, language=None, user_id=None)
    assert fields(request(bare, UA)).keys() == {"v", "t", "tid", "cid", "ec", "ea", "qt", "z"}


def test_its_age_is_that_of_the_moment_it_is_sent():
    event = made(timestamp_micros=NOW - HOUR)
    only = request(event, UA)
    assert fields(only, NOW)["qt"] == "3600000"
    assert fields(only, NOW + 5 * HOUR)["qt"] == str(6 * 3_600_000)  # past Google's four hours: the time as it was
    assert fields(only, NOW - 2 * HOUR)["qt"] == "0"  # ahead of the clock: not negative
    assert list(fields(only))[-1] == "z"  # last, as Google asks


@pytest.mark.parametrize("name", NAMES)
def test_legacy_names_and_category_and_no_others(name):
    hit = fields(request(made(name=name), UA, naming="legacy"))
    assert (hit["ec"], hit["ea"]) == ("Smartsupp", LEGACY_NAMES[name])


@pytest.mark.parametrize(
    ("changes", "legacy", "v3"),
    [
        ({"name": "Chatbot_button_interaction", "label": "Yes"}, "Welcome", "Yes"),
        ({"name": "Chatbot_button_interaction", "label": "Yes", "automation": None}, None, "Yes"),
        ({"name": "Feedback_sent", "label": "Good", "value": 5}, "5", "Good"),
        ({"name": "Feedback_sent", "label": "Normal", "value": 3}, "3", "Normal"),
        ({"name": "Feedback_sent", "label": "Bad", "value": 1}, "1", "Bad"),
        ({"name": "Feedback_text_sent", "label": "Thanks"}, "Thanks", "Thanks"),
        ({"name": "Agent_served_conversation", "label": "Ann"}, "Ann", "Ann"),
    ],
)
def test_labels_by_naming(changes, legacy, v3):
    assert fields(request(made(**changes), UA, naming="legacy")).get("el") == legacy
    assert fields(request(made(**changes), UA, naming="v3")).get("el") == v3


@pytest.mark.parametrize(
    ("field", "limit", "changed"),
    [
        ("ec", 150, lambda text: {"category": text}),
        ("ea", 500, lambda text: {"name": text}),
        ("el", 500, lambda text: {"label": text}),
        ("dl", 2_048, lambda text: {"page": Page(text, None, None)}),
        ("dt", 1_500, lambda text: {"page": Page(None, text, None)}),
        ("dr", 2_048, lambda text: {"page": Page(None, None, text)}),
        ("ul", 20, lambda text: {"language": text}),
    ],
)
def test_a_value_at_its_limit_is_kept_and_one_past_it_is_cut_with_a_mark_and_a_note(field, limit, changed):
    at, past = made(**changed("x" * limit)), made(**changed("x" * (limit + 1)))
    assert fields(request(at, UA))[field] == "x" * limit
    assert notes(at) == []
    assert fields(request(past, UA))[field] == "x" * (limit - 3) + "…"
    assert notes(past) == [f"{field}: shortened ({field} has at most {limit:,} bytes)"]


def test_a_hit_over_its_size_does_without_what_is_least_missed():
    long = made(page=Page("/" * 2_048, "t", "/" * 2_048), user_agent="x" * 9_000)
    assert notes(long) == [f"{field}: left out (a hit has at most 8,192 bytes)" for field in ("ua", "dr")]
    assert fields(request(long, UA)).keys() >= {"dl", "dt"}


def test_a_hit_at_its_size_is_whole_and_one_past_it_is_not():
    oldest = {"timestamp_micros": NOW - 72 * HOUR}
    spare = 8_192 - len(request(made(user_agent="x", **oldest), UA).body_at(NOW)) + 1
    at, past = made(user_agent="x" * spare, **oldest), made(user_agent="x" * (spare + 1), **oldest)
    assert len(request(at, UA).body_at(NOW)) == 8_192
    assert notes(at) == []
    assert notes(past) == ["ua: left out (a hit has at most 8,192 bytes)"]


def test_what_cannot_be_made_to_fit_is_rejected():
    assert str(rejected(made(client_id="x" * 8_192), UA).note) == "$: rejected (a hit has at most 8,192 bytes)"


@given(events(), st.sampled_from(["v3", "legacy"]))
def test_no_hit_breaks_a_limit_and_none_is_rejected(event, naming):
    only = request(event, UA, naming=naming)
    assert len(only.body_at(NOW)) <= HIT_BYTES.most
    for name, text in fields(only).items():
        if name in UA_BYTES:
            assert len(text.encode()) <= UA_BYTES[name].most


def test_a_button_keeps_the_chatbots_name_however_it_is_written():
    event = made(name="Chatbot_button_interaction", automation=Automation("chatbot", "b", "a&b=ü 1", None))
    assert fields(request(event, UA, naming="legacy"))["el"] == "a&b=ü 1"
