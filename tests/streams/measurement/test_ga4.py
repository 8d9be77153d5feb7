import pytest

from schemas.ga_event import Automation, Consent, Page, Tracker
from tests.streams.measurement.made import NAMES, NOW, UA, G, body, made, packed, rejected, request

HOUR = 3_600_000_000


def param(event, name):
    return body(request(event))["events"][0]["params"].get(name)


def notes(event):
    return [str(note) for note in request(event).notes]


def test_a_body_has_all_that_makes_an_event_useful():
    assert body(request(made(7, user_id="u1", value=5, consent=Consent(True, True)))) == {
        "client_id": "123.456",
        "user_id": "u1",
        "user_agent": "Mozilla/5.0",
        "consent": {"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"},
        "events": [
            {
                "name": "Chatbot_sent",
                "timestamp_micros": NOW - 1_000_000,
                "params": {
                    "engagement_time_msec": 1,
                    "session_id": "1789999000",
                    "event_id": f"{7:032x}",
                    "event_category": "Smartsupp_v3",
                    "event_label": "Welcome",
                    "value": 5,
                    "automation_kind": "chatbot",
                    "automation_id": "bot-1",
                    "automation_name": "Welcome",
                    "automation_run_id": "run-1",
                    "conversation_id": "c1",
                    "chat_session_id": "s1",
                    "page_location": "https://example.com/a",
                    "page_title": "A page",
                    "page_referrer": "https://example.com/",
                    "language": "en-US",
                },
            }
        ],
    }


def test_what_is_not_known_is_not_sent():
    bare = made(
        label=None,
        conversation_id=None,
        page=Page(None, "", None),
        user_agent="",
        user_id="",
        language=None,
        automation=None,
    )
    assert body(request(bare)).keys() == {"client_id", "events"}
    assert body(request(bare))["events"][0]["params"].keys() == {
        "engagement_time_msec",
        "session_id",
        "event_id",
        "event_category",
        "chat_session_id",
    }
    assert notes(bare) == []


def test_a_session_is_sent_without_a_page():
    assert param(made(page=None), "page_location") is None


@pytest.mark.parametrize(
    ("marketing", "said"), [(None, None), (True, {"GRANTED"}), (False, {"DENIED"})], ids=["unknown", "yes", "no"]
)
def test_marketing_consent_covers_user_data_and_personalisation(marketing, said):
    consent = body(request(made(consent=Consent(True, marketing)))).get("consent")
    assert (consent and set(consent.values())) == said


@pytest.mark.parametrize("naming", ["v3", "legacy"])
def test_the_name_is_the_action_whatever_the_naming(naming):
    sent = [body(request(made(name=name), naming=naming))["events"][0]["name"] for name in NAMES]
    assert tuple(sent) == NAMES


@pytest.mark.parametrize(
    ("field", "limit", "changed"),
    [
        ("event_label", 100, lambda text: {"label": text}),
        ("automation_name", 100, lambda text: {"automation": Automation("chatbot", "b", text, None)}),
        ("automation_id", 100, lambda text: {"automation": Automation("chatbot", text, "n", None)}),
        ("automation_run_id", 100, lambda text: {"automation": Automation("chatbot", "b", "n", text)}),
        ("conversation_id", 100, lambda text: {"conversation_id": text}),
        ("chat_session_id", 100, lambda text: {"session_id": text}),
        ("language", 100, lambda text: {"language": text}),
        ("page_location", 1_000, lambda text: {"page": Page(text, None, None)}),
        ("page_title", 300, lambda text: {"page": Page(None, text, None)}),
        ("page_referrer", 420, lambda text: {"page": Page(None, None, text)}),
    ],
)
def test_a_value_at_its_limit_is_kept_and_one_past_it_is_cut_with_a_mark_and_a_note(field, limit, changed):
    at, past = made(**changed("x" * limit)), made(**changed("x" * (limit + 1)))
    assert param(at, field) == "x" * limit
    assert notes(at) == []
    cut = param(past, field)
    assert len(cut) == limit
    assert "…" in cut
    what = field if field.startswith("page_") else "a parameter's value"
    assert notes(past) == [f"{field}: shortened ({what} has at most {limit:,} characters)"]


def test_ids_that_begin_alike_stay_apart_when_they_are_cut():
    one, other = "x" * 120 + "1", "x" * 120 + "2"
    assert param(made(conversation_id=one), "conversation_id") != param(made(conversation_id=other), "conversation_id")


@pytest.mark.parametrize(
    "client_id", ["cid.1", "a", "1", "1.", ".1", "1.2.3", "1.2\n", "-1.2", "amp-X", "\u0661.\u0662"]
)
def test_a_client_id_that_is_not_two_numbers_is_sent_as_it_is_with_a_note(client_id):
    event = made(client_id=client_id)
    assert body(request(event))["client_id"] == client_id
    assert notes(event) == ["client_id: sent as it is (GA's validation server asks for two numbers joined by a period)"]


@pytest.mark.parametrize("client_id", ["0.0", "1234567890.1700000000", "1" * 200 + ".1"])
def test_a_client_id_of_two_numbers_needs_no_note(client_id):
    assert notes(made(client_id=client_id)) == []


@pytest.mark.parametrize("client_id", ["", " ", "\n"])
@pytest.mark.parametrize("tracker", [G, UA], ids=["ga4", "ua"])
def test_without_a_client_id_nothing_is_sent(client_id, tracker):
    assert str(rejected(made(client_id=client_id), tracker).note) == "client_id: rejected (client_id is required)"


@pytest.mark.parametrize(
    ("user_id", "kept"),
    [("u" * 256, True), ("u" * 257, False), ("😀" * 128, True), ("😀" * 128 + "u", False)],
    ids=["at the limit", "past it", "at the limit in UTF-16", "past it in UTF-16"],
)
def test_a_user_id_past_its_limit_is_left_out_because_a_cut_one_is_someone_elses(user_id, kept):
    event = made(user_id=user_id)
    assert ("user_id" in body(request(event))) is kept
    assert notes(event) == ([] if kept else ["user_id: left out (user_id has at most 256 characters)"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1789999000", True),
        ("0012", True),
        ("GTM-s/1.a", True),
        ("", False),
        ("0", False),
        ("00", False),
        ("-5", False),
    ],
)
def test_a_session_id_is_positive_or_googles_own(given, kept):
    only = request(made(), Tracker("G-A", given))
    assert body(only)["events"][0]["params"].get("session_id") == (given if kept else None)
    assert len(only.notes) == (not kept)


def test_an_event_ahead_of_the_clock_is_sent_as_now_with_a_note():
    assert body(request(made(timestamp_micros=NOW)))["events"][0]["timestamp_micros"] == NOW
    assert notes(made(timestamp_micros=NOW)) == []
    ahead = made(timestamp_micros=NOW + 1)
    assert body(request(ahead))["events"][0]["timestamp_micros"] == NOW
    assert [note.partition(" (")[0] for note in notes(ahead)] == ["timestamp_micros: set to now"]


def test_the_user_agent_alone_bends_to_the_size_of_a_body():
    spare = 129_999 - len(request(made(user_agent="x")).encoded) + 1
    at, past = made(user_agent="x" * spare), made(user_agent="x" * (spare + 1))
    assert len(request(at).encoded) == 129_999
    assert notes(at) == []
    assert "user_agent" not in body(request(past))
    assert notes(past) == ["user_agent: left out (a body has at most 129,999 bytes)"]


def test_what_cannot_be_made_to_fit_is_rejected():
    huge = made(client_id="1" * 130_000 + ".1")
    assert str(rejected(huge).note) == "$: rejected (a body has at most 129,999 bytes)"
    assert len(packed([made(1), huge, made(2)])) == 2
