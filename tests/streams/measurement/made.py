"""GA events made up for tests: one that is right in every way, and what to change of it."""

import json
from collections.abc import Sequence
from typing import Any, get_args
from urllib.parse import parse_qsl

from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.account import Account
from schemas.ga_event import CATEGORY, Automation, Consent, EventName, GaEvent, Page, Tracker
from streams.measurement import Due, Rejected, Request, pack

NOW = 1_790_000_000_000_000
"""A moment, in microseconds."""
G, UA = Tracker("G-ABC1234567", "1789999000"), Tracker("UA-1234-1", "1789999000")
NAMES: tuple[EventName, ...] = get_args(EventName)

_RIGHT = GaEvent(
    event_id="0" * 32,
    name="Chatbot_sent",
    category=CATEGORY,
    label="Welcome",
    value=None,
    account_id="acme",
    session_id="s1",
    conversation_id="c1",
    timestamp_micros=NOW - 1_000_000,
    client_id="123.456",
    user_id=None,
    page=Page("https://example.com/a", "A page", "https://example.com/"),
    user_agent="Mozilla/5.0",
    language="en-US",
    consent=Consent(None, None),
    trackers=(G,),
    automation=Automation("chatbot", "bot-1", "Welcome", "run-1"),
    caused_by=("i1",),
    rules_version="1",
)


def made(number: int = 0, **changes: Any) -> GaEvent:
    """An event; each number another id."""
    return replace(_RIGHT, event_id=f"{number:032x}", **changes)


def packed(events: Sequence[GaEvent], tracker: Tracker = G, **settings: Any) -> list[Request | Rejected]:
    """What comes of events of one lane."""
    return pack([Due(event, tracker) for event in events], Account(**settings), NOW)


def request(event: GaEvent, tracker: Tracker = G, **settings: Any) -> Request:
    """The one request of one event."""
    (only,) = packed([event], tracker, **settings)
    assert isinstance(only, Request)
    return only


def rejected(event: GaEvent, tracker: Tracker = G) -> Rejected:
    """Why an event is not sent."""
    (only,) = packed([event], tracker)
    assert isinstance(only, Rejected)
    return only


def body(one: Request) -> dict[str, Any]:
    """The JSON that a GA4 request sends."""
    loaded: dict[str, Any] = json.loads(one.body_at(NOW))
    return loaded


def fields(one: Request, now: int = NOW) -> dict[str, str]:
    """The fields that a UA hit sends."""
    return dict(parse_qsl(one.body_at(now).decode(), keep_blank_values=True, strict_parsing=True))


texts = st.text(max_size=300) | st.text("aé€😀", max_size=1_500)
maybe_texts = st.none() | texts
ids = st.text("abc-_.1é😀", min_size=1, max_size=256)


@st.composite
def events(draw: st.DrawFn, number: int = 0) -> GaEvent:
    """Any event that attribution can make, of one account and one of a few clients."""
    return made(
        number,
        name=draw(st.sampled_from(NAMES)),
        label=draw(maybe_texts),
        value=draw(st.sampled_from([None, 5, 3, 1])),
        timestamp_micros=NOW - draw(st.integers(-3_600_000_000, 72 * 3_600_000_000)),
        client_id=draw(st.sampled_from(["1.1", "2.2", "3.3", "amp-x"])),
        user_id=draw(st.none() | ids),
        conversation_id=draw(st.none() | ids),
        page=draw(st.none() | st.builds(Page, maybe_texts, maybe_texts, maybe_texts)),
        user_agent=draw(st.sampled_from([None, "", "Mozilla/5.0", "curl/8", "x" * 20_000])),
        language=draw(maybe_texts),
        consent=Consent(None, draw(st.sampled_from([None, True, False]))),
        automation=draw(st.none() | st.builds(Automation, st.just("chatbot"), ids, texts, st.none() | ids)),
    )
