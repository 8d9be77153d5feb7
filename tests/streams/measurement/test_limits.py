"""Every limit of Google's, at it and one past it; none is left out.

Here the sizes are those of the limits, so that a limit that nothing applies is
seen. That they are Google's numbers is for the tests beside these, where they
stand written out, and for the collector's own copy.
"""

import json

import msgspec
import pytest

from schemas.ga_event import CATEGORY, LEGACY_CATEGORY, LEGACY_NAMES, Automation, Consent, Page
from streams.demo.google_rules import check_ga4
from streams.measurement import LIMITS, is_expired
from streams.measurement.ga4 import Params
from streams.measurement.limits import (
    BATCH_BYTES,
    BODY_BYTES,
    EVENT_NAME_CHARS,
    EVENTS_PER_REQUEST,
    HIT_BYTES,
    HITS_PER_BATCH,
    NAME,
    PARAM_NAME_CHARS,
    PARAM_VALUE_CHARS,
    PARAMS_PER_EVENT,
    QUEUE_TIME_MS,
    RESERVED_EVENT_NAMES,
    RESERVED_EVENT_PREFIXES,
    RESERVED_PARAM_NAMES,
    RESERVED_PARAM_PREFIXES,
    UA_BYTES,
    USER_ID_CHARS,
    USER_PROPERTIES,
    WINDOW_MICROS,
)
from tests.streams.measurement.made import NAMES, NOW, UA, G, body, fields, made, packed, request

OLDEST = {"timestamp_micros": NOW - WINDOW_MICROS.most}
"""Whose age has the most digits."""


def test_every_limit_says_where_google_says_so():
    for limit in LIMITS:
        assert limit.most > 0
        assert limit.source.startswith(
            ("https://developers.google.com/analytics/", "https://support.google.com/analytics/")
        )


def test_a_limit_reads_as_a_sentence():
    assert str(BODY_BYTES) == "a body has at most 129,999 bytes"
    assert str(WINDOW_MICROS) == "an event's age has at most 259,200,000,000 microseconds"


# -- what is applied: at the limit it goes out as it is, one past it it does not -------------------


def is_whole(event, tracker=G):
    """Whether it is sent with nothing done to it."""
    return not request(event, tracker).notes


def has_body_of(size):
    bare = len(request(made(user_agent="x")).encoded) - 1
    return is_whole(made(user_agent="x" * (size - bare)))


def has_hit_of(size):
    bare = len(request(made(user_agent="x", **OLDEST), UA).body_at(NOW)) - 1
    return is_whole(made(user_agent="x" * (size - bare), **OLDEST), UA)


def has_batch_of(size):
    bare = len(packed([made(n, user_agent="x", **OLDEST) for n in (1, 2, 3)], UA)[0].body_at(NOW)) - 3
    third = (size - bare) // 3
    parts = (third, third, size - bare - 2 * third)
    return len(packed([made(n, user_agent="x" * part, **OLDEST) for n, part in enumerate(parts)], UA)) == 1


APPLIED = {
    EVENTS_PER_REQUEST: lambda size: len(packed([made(n) for n in range(size)])) == 1,
    BODY_BYTES: has_body_of,
    PARAM_VALUE_CHARS[""]: lambda size: is_whole(made(automation=Automation("chatbot", "b", "x" * size, None))),
    PARAM_VALUE_CHARS["page_location"]: lambda size: is_whole(made(page=Page("x" * size, None, None))),
    PARAM_VALUE_CHARS["page_referrer"]: lambda size: is_whole(made(page=Page(None, None, "x" * size))),
    PARAM_VALUE_CHARS["page_title"]: lambda size: is_whole(made(page=Page(None, "x" * size, None))),
    USER_ID_CHARS: lambda size: is_whole(made(user_id="x" * size)),
    WINDOW_MICROS: lambda size: not is_expired(made(timestamp_micros=NOW - size), NOW),
    HITS_PER_BATCH: lambda size: len(packed([made(n) for n in range(size)], UA)) == 1,
    HIT_BYTES: has_hit_of,
    BATCH_BYTES: has_batch_of,
    UA_BYTES["ec"]: lambda size: is_whole(made(category="x" * size), UA),
    UA_BYTES["ea"]: lambda size: is_whole(made(name="x" * size), UA),
    UA_BYTES["el"]: lambda size: is_whole(made(label="x" * size), UA),
    UA_BYTES["dl"]: lambda size: is_whole(made(page=Page("x" * size, None, None)), UA),
    UA_BYTES["dt"]: lambda size: is_whole(made(page=Page(None, "x" * size, None)), UA),
    UA_BYTES["dr"]: lambda size: is_whole(made(page=Page(None, None, "x" * size)), UA),
    UA_BYTES["ul"]: lambda size: is_whole(made(language="x" * size), UA),
}
"""By limit: whether what is so large goes out as it is."""


@pytest.mark.parametrize(("limit", "goes_out"), APPLIED.items(), ids=map(str, APPLIED))
def test_what_is_at_its_limit_goes_out_as_it_is_and_what_is_one_past_it_does_not(limit, goes_out):
    assert goes_out(limit.most)
    assert not goes_out(limit.most + 1)


# -- what cannot be past it: the sets are closed ---------------------------------------------------


def collector_takes(params=(), user_properties=None, name="Chatbot_sent"):
    """Whether the collector, with its own copy of the rules, has nothing to say."""
    event = {"name": name, "params": {"session_id": "1", "engagement_time_msec": 1, **dict(params)}}
    sent = {"client_id": "1.2", "events": [event]}
    if user_properties is not None:
        sent["user_properties"] = user_properties
    query = {"measurement_id": "G-A1", "api_secret": "s"}
    return not list(check_ga4(query, "application/json", json.dumps(sent).encode(), sent, NOW))


def numbered(size):
    return {f"p{number}": {"value": "v"} for number in range(size)}


PARAMS = [field.name for field in msgspec.structs.fields(Params)]
_PROPERTIES, _PROPERTY_NAME, _PROPERTY_VALUE = USER_PROPERTIES
CLOSED = {
    EVENT_NAME_CHARS: (map(len, NAMES), lambda size: collector_takes(name="x" * size)),
    PARAMS_PER_EVENT: ([len(PARAMS)], lambda size: collector_takes({f"p{n}": 1 for n in range(size - 2)})),
    PARAM_NAME_CHARS: (map(len, PARAMS), lambda size: collector_takes({"x" * size: 1})),
    _PROPERTIES: ([0], lambda size: collector_takes(user_properties=numbered(size))),
    _PROPERTY_NAME: ([0], lambda size: collector_takes(user_properties={"x" * size: {"value": "v"}})),
    _PROPERTY_VALUE: ([0], lambda size: collector_takes(user_properties={"x": {"value": "v" * size}})),
}
"""By limit: the sizes of all that is ever sent, and whether the collector takes one of a size."""


@pytest.mark.parametrize(
    ("limit", "sizes", "taken"), [(limit, *case) for limit, case in CLOSED.items()], ids=map(str, CLOSED)
)
def test_all_that_can_be_sent_is_within_a_limit_that_the_collector_applies(limit, sizes, taken):
    assert max(sizes) <= limit.most
    assert taken(limit.most)
    assert not taken(limit.most + 1)


def test_no_user_property_is_ever_sent():
    assert "user_properties" not in body(request(made(user_id="u1", consent=Consent(True, True))))


def test_categories_and_names_of_hits_are_within_their_limits_too():
    assert max(map(len, (CATEGORY, LEGACY_CATEGORY))) <= UA_BYTES["ec"].most
    assert max(map(len, (*NAMES, *LEGACY_NAMES.values()))) <= UA_BYTES["ea"].most


# -- what is passed on whatever it is ----------------------------------------------------------------


def age_sent(age_ms):
    return int(fields(request(made(timestamp_micros=NOW - age_ms * 1_000), UA))["qt"])


PASSED_ON = {QUEUE_TIME_MS: age_sent}
"""By limit: what is sent of a size."""


@pytest.mark.parametrize(("limit", "sent"), PASSED_ON.items(), ids=map(str, PASSED_ON))
def test_what_may_be_past_its_limit_is_sent_as_it_is(limit, sent):
    assert [sent(limit.most), sent(limit.most + 1)] == [limit.most, limit.most + 1]


def test_no_limit_is_without_a_test_at_it_and_one_past_it():
    tested = [*APPLIED, *CLOSED, *PASSED_ON]
    assert sorted(map(repr, tested)) == sorted(map(repr, LIMITS))


# -- names -------------------------------------------------------------------------------------------


def may_be(name, limit, reserved, prefixes):
    """Whether Google takes a name of an event or a parameter."""
    form = NAME.match(name) and len(name) <= limit.most
    return bool(form) and name not in reserved and not name.startswith(prefixes)


def event_may_be(name):
    return may_be(name, EVENT_NAME_CHARS, RESERVED_EVENT_NAMES, RESERVED_EVENT_PREFIXES)


def param_may_be(name):
    return may_be(name, PARAM_NAME_CHARS, RESERVED_PARAM_NAMES, RESERVED_PARAM_PREFIXES)


def test_all_names_that_are_sent_are_such_as_google_takes():
    assert [name for name in NAMES if not event_may_be(name)] == []
    assert [name for name in PARAMS if not param_may_be(name)] == []


FORMS = [
    pytest.param("x" * 40, True, id="at the limit"),
    pytest.param("x" * 41, False, id="one past it"),
    pytest.param("x", True, id="one letter"),
    pytest.param("", False, id="nothing"),
    pytest.param("x1_", True, id="digits and underscores"),
    pytest.param("1x", False, id="a digit first"),
    pytest.param("_x", False, id="an underscore first"),
    pytest.param("x-y", False, id="another character"),
    pytest.param("x y", False, id="a space"),
    pytest.param("é", False, id="another letter"),
    pytest.param("x\n", False, id="a line break"),
]
BARE = [pytest.param(prefix.rstrip("_."), True, id=f"{prefix} cut short") for prefix in ("firebase_", "google_")]


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        *FORMS,
        *BARE,
        *[pytest.param(name, False, id=name) for name in sorted(RESERVED_EVENT_NAMES)],
        *[pytest.param(f"{prefix}x", False, id=f"{prefix}…") for prefix in RESERVED_EVENT_PREFIXES],
    ],
)
def test_we_and_the_collector_agree_on_names_of_events(name, taken):
    assert event_may_be(name) == collector_takes(name=name) == taken


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        *FORMS,
        *BARE,
        *[pytest.param(name, False, id=name) for name in sorted(RESERVED_PARAM_NAMES)],
        *[pytest.param(f"{prefix}x", False, id=f"{prefix}…") for prefix in RESERVED_PARAM_PREFIXES],
    ],
)
def test_we_and_the_collector_agree_on_names_of_parameters(name, taken):
    assert param_may_be(name) == collector_takes({name: 1}) == taken
