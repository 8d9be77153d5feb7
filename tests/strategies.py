"""Histories for properties, dense in what the rules of the contract turn on. Shared by the tests of every area.

Few ids, so that they meet; times at both ends of every window and gap; copies
from tabs and repetitions of every kind; what is absent, null or at its default.
Records are dicts as they stand on `chat-interactions`; `encoded` makes bytes.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from schemas.decoding import decode_interaction
from schemas.interaction import Fault, Interaction, Unknown

Record = dict[str, Any]

ANY_TIME: Final = 1 << 62
_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
START_MICROS: Final = int(_START.timestamp()) * 1_000_000
DAY: Final = 86_400_000_000
HALF_HOUR: Final = 1_800_000_000
WINDOW: Final = 5_000_000

_THOROUGH: Final = 30 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


def examples(count: int) -> settings:
    """So many examples in a plain run; HYPOTHESIS_PROFILE=thorough takes thirty times as long over it."""
    return settings(max_examples=count * _THOROUGH)


# -- parts ------------------------------------------------------------------------

BOTS: Final = [{"kind": "chatbot", "id": name, "name": name.title()} for name in ("one", "two")]
AUTOMATIONS: Final = [
    *BOTS,
    {"kind": "auto_message", "id": "one", "name": ""},  # of the same id as a chatbot
    {"kind": "auto_message", "id": "promo", "name": "Promo"},
    {"kind": "trigger", "id": "one", "name": "One"},
    {"kind": "trigger", "id": "hello", "name": "Hello"},
]
AGENTS: Final = [{"id": "eva", "name": "Eva"}, {"id": "adam", "name": ""}]
IDS: Final = [None, "i1", "i2", "i3", "i4"]
PAGES: Final[list[Record | None]] = [
    None,
    {},
    {"url": "/a", "measurement_ids": ["G-A", "UA-1-1", "G-A", "nonsense"]},
    {"url": "/b", "title": "B"},
    {"measurement_ids": []},
]
GA: Final[list[Record | None]] = [
    None,
    {"client_id": "7.7"},
    {"session_id": "77"},
    {"cookies": {"_ga": "GA1.1.1.2", "_ga_A": "GS1.1.5.1"}},
    {"cookies": {"_ga": "nonsense", "_ga_A": "GS2.1.s6$o1", "other": "GA1.1.3.4"}},
]
CONSENTS: Final[list[Record | None]] = [
    None,
    None,
    None,
    {"analytics": True},
    {"analytics": False},
    {"marketing": True},
]

_automations: Final = st.builds(
    lambda automation, run: automation if run is None else {**automation, "run_id": run},
    st.sampled_from(AUTOMATIONS),
    st.sampled_from([None, None, "r1", "r2"]),
)
_chatbots: Final = st.builds(
    lambda automation, run: automation if run is None else {**automation, "run_id": run},
    st.sampled_from(BOTS),
    st.sampled_from([None, "r1", "r9"]),
)


def _of(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Record]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


_sent: Final = _of("automation_sent", automation=_automations)
_typed: Final = _of(
    "visitor_message",
    text=st.sampled_from([None, "hi", "hello", " "]),
    online=st.sampled_from([None, True, True, False]),
    in_reply_to=st.sampled_from([None, None, None, "one", "promo", "unknown"]),
)
_clicked: Final = _of(
    "button_clicked",
    automation=st.none() | _chatbots,
    button=st.sampled_from(["Yes", "No", ""]),
    is_back=st.sampled_from([None, False, False, True]),
)
_said: Final = st.one_of(
    _sent,
    _sent,
    _typed,
    _typed,
    _clicked,
    _of("box_opened", via=st.sampled_from([None, "launcher", "popup", "widget"])),
    _of("box_closed"),
    _of("agent_joined", agent=st.sampled_from(AGENTS)),
    _of("agent_left", agent=st.sampled_from(AGENTS)),
    _of("agent_message", agent=st.none() | st.sampled_from(AGENTS)),
    _of("contact_form_sent"),
    _of(
        "feedback_given",
        rating=st.sampled_from([5, "good", "Bon", 3, 1]),
        text=st.sampled_from([None, "Fine", " ", "me@site.cz", "call 777 123 456"]),
    ),
    _of("feedback_given", text=st.just("Fine")),
    _of("conversation_closed"),
    _of("visit_started"),
    _of("page_viewed"),
    _of("goal_completed", goal=st.sampled_from([{"name": "order", "value": 1}, {"name": "order", "value": 1.0}])),
)

_apart: Final = st.one_of(
    st.sampled_from([0, 0, 1, 1_000, WINDOW - 1, WINDOW, WINDOW + 1]),
    st.integers(0, 120_000_000),
    st.sampled_from([-1, -WINDOW, -WINDOW - 1, -60_000_000]),
    st.sampled_from([HALF_HOUR, HALF_HOUR + 1, -HALF_HOUR, DAY, DAY + 1]),
)
"""Microseconds from the interaction before: often none at all, seldom past a gap."""


@st.composite
def _histories(draw: st.DrawFn, key: Record, max_size: int) -> list[Record]:
    history: list[Record] = []
    micros = START_MICROS
    for said in draw(st.lists(_said, min_size=1, max_size=max_size)):
        micros += draw(_apart)
        record = {
            **said,
            **key,
            "timestamp": spelled(micros),
            "interaction_id": draw(st.sampled_from(IDS)) if draw(st.integers(0, 3)) == 0 else None,
            "tab_id": draw(st.sampled_from([None, "left", "right"])),
            "conversation_id": draw(st.sampled_from([None, None, "a", "b"])),
        }
        if draw(st.integers(0, 3)) == 0:
            record |= {
                "page": draw(st.sampled_from(PAGES)),
                "ga": draw(st.sampled_from(GA)),
                "consent": draw(st.sampled_from(CONSENTS)),
                "user_id": draw(st.sampled_from([None, "u"])),
            }
        history.append(record)
        if draw(st.integers(0, 4)) == 0:  # the same once more: a redelivery, or a copy from the other tab
            again = dict(draw(st.sampled_from(history)))
            again["tab_id"] = draw(st.sampled_from([again["tab_id"], None, "left", "right"]))
            history.append(again)
    return history


_SESSIONS: Final = [
    {"account_id": "acme", "session_id": "s", "visitor_id": "v"},
    {"account_id": "acme", "session_id": "s"},
    {"account_id": "acme", "visitor_id": "v"},
]


def spelled(micros: int) -> str:
    """RFC 3339, to the microsecond."""
    return (_START + timedelta(microseconds=micros - START_MICROS)).isoformat(timespec="microseconds")


# -- whole histories --------------------------------------------------------------


def record_histories(max_size: int = 25) -> st.SearchStrategy[list[Record]]:
    """Records of one session key, in the order of their arrival."""
    return st.sampled_from(_SESSIONS).flatmap(lambda key: _histories(key, max_size))


def histories(max_size: int = 25) -> st.SearchStrategy[list[Interaction]]:
    """Interactions of one session key, in the order of their arrival."""
    return record_histories(max_size).map(lambda records: [decoded(record) for record in records])


def encoded(record: Record) -> bytes:
    """The record as it stands on the topic."""
    return msgspec.json.encode(record)


def decoded(record: Record) -> Interaction:
    """The interaction that a record is."""
    interaction = decode_interaction(encoded(record), ANY_TIME)
    assert not isinstance(interaction, (Fault, Unknown)), interaction
    return interaction


OPTIONS: Final = st.fixed_dictionaries(
    {},
    optional={
        "viewed_when_already_open": st.booleans(),
        "widget_open_counts": st.booleans(),
        "chatbot_interaction_scope": st.sampled_from(["session", "chatbot"]),
        "session_gap_s": st.sampled_from([60, 86_400]),
        "visitor_gap_s": st.sampled_from([60, 1_800]),
        "tab_window_s": st.sampled_from([0, 2, 5]),
    },
)
"""A parsed rules.toml."""

ACCOUNTS: Final = st.fixed_dictionaries(
    {},
    optional={
        "measurement": st.sampled_from(["auto", "manual"]),
        "measurement_ids": st.just(["G-OWN", "UA-9-9"]),
        "api_tracker": st.sampled_from(["", "G-API"]),
        "consent": st.sampled_from(["implied", "implied", "required"]),
        "pii": st.sampled_from(["redact", "drop", "keep"]),
    },
)
"""One account's table in an accounts.toml."""
