from operator import mul
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ga_event import Consent, Page, Tracker
from streams.measurement import Rejected, Request, ga4
from streams.measurement import requests as module
from streams.measurement.limits import BODY_BYTES
from streams.measurement.requests import HOSTS
from tests.streams.measurement.made import NOW, UA, G, body, events, fields, made, packed


def sizes(requests):
    return [len(one.dues) for one in requests]


@pytest.mark.parametrize(
    ("count", "sent"), [(0, []), (1, [1]), (24, [24]), (25, [25]), (26, [25, 1]), (51, [25, 25, 1])]
)
def test_up_to_25_events_share_a_request(count, sent):
    assert sizes(packed([made(number) for number in range(count)])) == sent


@pytest.mark.parametrize(
    "other",
    [
        {"client_id": "9.9"},
        {"user_id": "u1"},
        {"user_agent": "curl/8"},
        {"user_agent": None},
        {"consent": Consent(None, True)},
        {"consent": Consent(None, False)},
    ],
    ids=repr,
)
def test_what_ga_takes_once_a_request_is_never_mixed(other):
    assert sizes(packed([made(1), made(2), made(3, **other), made(4)])) == [2, 1, 1]


@pytest.mark.parametrize(
    "other",
    [
        {"page": Page("https://example.com/b", None, None)},
        {"page": None},
        {"session_id": "s2"},
        {"conversation_id": None},
        {"language": "cs"},
        {"consent": Consent(True, None)},
    ],
    ids=repr,
)
def test_what_is_of_the_event_shares_a_request(other):
    assert sizes(packed([made(1), made(2, **other)])) == [2]


def test_a_request_is_filled_to_its_last_byte_and_no_further():
    whole = 129_999 - len(packed([made(1), made(2)])[0].encoded)
    fitting = [made(number, user_agent="Mozilla/5.0" + "x" * whole) for number in (1, 2)]
    assert [len(one.encoded) for one in packed(fitting)] == [129_999]
    longer = [made(number, user_agent="Mozilla/5.0" + "x" * (whole + 1)) for number in (1, 2)]
    assert sizes(packed(longer)) == [1, 1]


def test_a_rejected_event_does_not_part_its_neighbours():
    items = packed([made(1), made(2, client_id=""), made(3)])
    assert [type(item) for item in items] == [Rejected, Request]
    assert sizes(items[1:]) == [2]


@pytest.mark.parametrize("tracker_id", ["", "GTM-ABC", "g-abc", "AW-1"])
def test_what_is_no_tracker_is_rejected(tracker_id):
    assert [str(item.note) for item in packed([made()], Tracker(tracker_id, "1"))] == [
        "trackers: rejected (a tracker is G-… or UA-…)"
    ]


def test_a_request_says_where_it_goes_and_whether_a_secret_goes_with_it():
    (ga4,), (ua,) = packed([made()]), packed([made()], UA)
    assert (ga4.path, ga4.content_type, ga4.needs_secret) == ("/mp/collect", "application/json", True)
    assert (ua.path, ua.content_type, ua.needs_secret) == ("/collect", "application/x-www-form-urlencoded", False)
    assert HOSTS == {"global": "https://www.google-analytics.com", "eu": "https://region1.google-analytics.com"}


def test_notes_are_told_event_by_event():
    (only,) = packed([made(1, label="x" * 101), made(2)])
    first, second = only.dues
    assert only.notes_of(first) == "event_label: shortened (a parameter's value has at most 100 characters)"
    assert only.notes_of(second) is None


def numbered():
    return st.lists(events(), max_size=60).map(
        lambda drawn: [msgspec.structs.replace(event, event_id=f"{i:032x}") for i, event in enumerate(drawn)]
    )


@given(numbered())
def test_every_event_is_in_exactly_one_request_in_order_and_never_with_another_client(given_events):
    items = packed(given_events)
    requests = [item for item in items if isinstance(item, Request)]
    dropped = {item.due.event.event_id for item in items if isinstance(item, Rejected)}
    sent = [due.event.event_id for one in requests for due in one.dues]
    assert sent == [event.event_id for event in given_events if event.event_id not in dropped]
    assert len(sent) + len(dropped) == len(given_events)
    for one in requests:
        told = body(one)
        assert len(one.dues) <= 25
        assert len(one.encoded) < 130_000
        assert [event["params"]["event_id"] for event in told["events"]] == [due.event.event_id for due in one.dues]
        for due in one.dues:
            event = due.event
            assert told["client_id"] == event.client_id
            too_long = event.user_id is not None and len(event.user_id.encode("utf-16-le")) > 512
            assert told.get("user_id") == (None if too_long else event.user_id)
            assert told.get("user_agent") == (event.user_agent or None)
            assert ("consent" in told) == (event.consent.marketing is not None)


@given(numbered())
def test_packing_twice_gives_the_same_bytes(given_events):
    assert packed(given_events) == packed(given_events)
    assert packed(given_events, G) != packed(given_events, UA) or not given_events


# -- UA: batches -------------------------------------------------------------------


@pytest.mark.parametrize(("count", "sent"), [(1, [1]), (2, [2]), (20, [20]), (21, [20, 1]), (41, [20, 20, 1])])
def test_up_to_20_hits_share_a_batch(count, sent):
    assert sizes(packed([made(number) for number in range(count)], UA)) == sent


def test_a_batch_has_a_hit_a_line_in_order_each_with_its_own_age_and_a_path_of_its_own():
    (batch,) = packed([made(1, label="a\nb"), made(2, timestamp_micros=NOW - 5_000_000, client_id="amp-x")], UA)
    hits = [dict(parse_qsl(line.decode())) for line in batch.body_at(NOW).split(b"\n")]
    assert [(hit["z"][-1], hit["qt"]) for hit in hits] == [("1", "1000"), ("2", "5000")]
    assert (hits[0]["el"], batch.path, batch.content_type) == ("a\nb", "/batch", "text/plain")
    (alone,) = packed([made(1)], UA)
    assert (alone.path, fields(alone)["z"][-1]) == ("/collect", "1")


def test_a_batch_is_filled_to_its_last_byte_and_no_further():
    oldest = {"timestamp_micros": NOW - 72 * 3_600_000_000}
    bare = len(packed([made(n, user_agent="x", **oldest) for n in (1, 2, 3)], UA)[0].body_at(NOW)) - 3
    spare = 16_384 - bare
    parts = (spare // 3, spare // 3, spare - 2 * (spare // 3))
    fitting = [made(n, user_agent="x" * parts[n - 1], **oldest) for n in (1, 2, 3)]
    assert [len(one.body_at(NOW)) for one in packed(fitting, UA)] == [16_384]
    longer = [*fitting[:2], made(3, user_agent="x" * (parts[2] + 1), **oldest)]
    assert sizes(packed(longer, UA)) == [2, 1]


def test_a_rejected_hit_does_not_part_its_neighbours():
    items = packed([made(1), made(2, client_id="x" * 8_192), made(3)], UA)
    assert [type(item) for item in items] == [Rejected, Request]
    assert sizes(items[1:]) == [2]


@given(
    user_agent=st.builds(mul, st.text(st.sampled_from('a\0\x1f"\\é😀'), max_size=20), st.integers(0, 100)),
    user_id=st.none() | st.text(st.sampled_from('a\0"😀'), max_size=256),
    client_id=st.text(st.sampled_from("1.\0"), min_size=1, max_size=50),
    spare=st.integers(-5, 5) | st.integers(6, 5_000),
)
def test_what_fits_at_a_glance_fits_in_bytes(user_agent, user_id, client_id, spare):
    head = ga4.Head(client_id, user_id, user_agent, ga4._CONSENT[False])
    event = b"x" * (BODY_BYTES.most - len(ga4.body(ga4.encoded_head(head), [])) - spare)
    assert module._fits(head, event) == (spare >= 0)
