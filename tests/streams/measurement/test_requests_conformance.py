"""Whatever comes, what is sent keeps to the rules: by the collector's copy of them, which shares nothing with ours."""

import json
from urllib.parse import parse_qsl

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.account import Account
from schemas.ga_event import Automation, Consent, Page, Tracker
from streams.demo.google_rules import check_batch, check_ga4, check_hit
from streams.demo.packing_rules import check_packing
from streams.measurement import Due, Rejected, Request, lane_of, pack
from tests.streams.measurement.made import NAMES, NOW, made

wild = (
    st.text(max_size=40)
    | st.sampled_from(["😀" * 51, "😀" * 300, "é" * 600])
    | st.builds(lambda text, times: (text * times)[: times * 4], st.text(min_size=1, max_size=8), st.integers(1, 9_000))
)
wild_ids = st.text(min_size=1, max_size=256) | st.sampled_from(["cid.1", "0", "-1", "00", "1.2", "x" * 256, "😀" * 256])
trackers = st.builds(
    Tracker,
    st.sampled_from(["G-A1", "G-ABC1234567", "UA-1-1", "UA-1234-12", "AW-1", "G-a", "UA-1", ""]),
    wild_ids | st.just("1789999000"),
)


@st.composite
def wild_events(draw):
    """Any event that the schema lets through, and some that it does not."""
    return made(
        name=draw(st.sampled_from(NAMES)),
        label=draw(st.none() | wild),
        value=draw(st.sampled_from([None, 5, 3, 1])),
        session_id=draw(wild_ids),
        conversation_id=draw(st.none() | wild_ids),
        timestamp_micros=NOW - draw(st.integers(-3_600_000_000, 72 * 3_600_000_000)),
        client_id=draw(st.sampled_from(["1.1", "2.2", "cid.1", " "]) | wild_ids),
        user_id=draw(st.none() | wild_ids),
        page=draw(st.none() | st.builds(Page, st.none() | wild, st.none() | wild, st.none() | wild)),
        user_agent=draw(st.none() | wild | st.just("x" * 140_000)),
        language=draw(st.none() | wild),
        consent=Consent(*draw(st.tuples(*[st.sampled_from([None, True, False])] * 2))),
        trackers=tuple(draw(st.lists(trackers, max_size=4, unique_by=lambda tracker: tracker.id))),
        automation=draw(st.none() | st.builds(Automation, st.just("trigger"), wild_ids, wild, st.none() | wild_ids)),
    )


def violations(one):
    """What the collector says of a request: it shares no number with what made it."""
    raw = one.body_at(NOW)
    if one.protocol == "ga4":
        query = {"measurement_id": one.tracker_id, "api_secret": "s"}
        told = json.loads(raw)
        ids = [(one.tracker_id, told["client_id"], event["params"]["event_id"]) for event in told["events"]]
        return [
            wrong
            for wrong in [*check_ga4(query, one.content_type, raw, told, NOW), *check_packing(ids)]
            # A session id that is none is left out with a note; Google then makes a session of its own.
            if not (wrong.rule == "session_id_missing" and any(note.field == "session_id" for note in one.notes))
        ]
    lines = raw.split(b"\n")
    hits = [dict(parse_qsl(line.decode(), keep_blank_values=True, strict_parsing=True)) for line in lines]
    return [
        *(check_batch(len(lines), len(raw)) if one.path == "/batch" else ()),
        *[wrong for hit, line in zip(hits, lines, strict=True) for wrong in check_hit(hit, len(line))],
        *check_packing([(hit["tid"], hit["cid"], hit["z"]) for hit in hits]),
    ]


def circumstances(one, event):
    """What GA takes once a request, of one of its events; what was left out of it with a note is not there."""
    out = {note.field for note in one.notes if note.event_id == event.event_id and note.action == "left out"}
    return (
        event.client_id,
        None if "user_id" in out else event.user_id,
        None if "user_agent" in out else event.user_agent or None,
        event.consent.marketing,
    )


# Some come often enough in a row to fill a request, a batch and a body.
rows = st.lists(st.tuples(wild_events(), st.sampled_from([1, 1, 1, 2, 21, 26])), max_size=6)


@given(rows, st.sampled_from(["v3", "legacy"]))
def test_whatever_comes_the_collector_finds_nothing_wrong_and_each_event_is_once_at_each_tracker(drawn, naming):
    in_a_row = [event for event, times in drawn for _ in range(times)]
    numbered_events = [msgspec.structs.replace(event, event_id=f"{i:032x}") for i, event in enumerate(in_a_row)]
    lanes = {}
    for event in numbered_events:
        for tracker in event.trackers:
            due = Due(event, tracker)
            lanes.setdefault(lane_of(due), []).append(due)
    for dues in lanes.values():
        items = pack(dues, Account(naming=naming), NOW)
        requests = [item for item in items if isinstance(item, Request)]
        rejected = [item.due for item in items if isinstance(item, Rejected)]
        sent = [due for one in requests for due in one.dues]
        assert sent == [due for due in dues if due not in rejected]
        assert len(sent) + len(rejected) == len(dues)
        for one in requests:
            assert violations(one) == []
            assert {lane_of(due) for due in one.dues} == {lane_of(dues[0])}
            if one.protocol == "ga4":
                assert len({circumstances(one, due.event) for due in one.dues}) == 1
            for note in one.notes:
                assert note.event_id
                assert note.field
                assert note.rule
                assert note.action != "rejected"
        for item in items:
            if isinstance(item, Rejected):
                assert item.note.action == "rejected"
                assert item.note.event_id == item.due.event.event_id
