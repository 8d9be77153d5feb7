"""What Google takes, as data: each limit beside the document and section it stands in.

Nothing here decides anything. `ga4` and `ua` apply the limits, the docs print
them, and the demo's collector has its own copy on purpose: a number misread here
must not be misread there too.
"""

import re
from typing import Final, Literal

import msgspec

__all__ = [
    "BATCH_BYTES",
    "BODY_BYTES",
    "CLIENT_ID",
    "EVENTS_PER_REQUEST",
    "EVENT_NAME_CHARS",
    "HITS_PER_BATCH",
    "HIT_BYTES",
    "LIMITS",
    "NAME",
    "PARAMS_PER_EVENT",
    "PARAM_NAME_CHARS",
    "PARAM_VALUE_CHARS",
    "QUEUE_TIME_MS",
    "RESERVED_EVENT_NAMES",
    "RESERVED_EVENT_PREFIXES",
    "RESERVED_PARAM_NAMES",
    "RESERVED_PARAM_PREFIXES",
    "UA_BYTES",
    "USER_ID_CHARS",
    "USER_PROPERTIES",
    "WINDOW_MICROS",
    "Limit",
]

Unit = Literal["events", "hits", "user properties", "characters", "bytes", "parameters", "milliseconds", "microseconds"]

_MP4: Final = "https://developers.google.com/analytics/devguides/collection/protocol/ga4"
_LIMITATIONS: Final = f"{_MP4}/sending-events#limitations"
_PAST_EVENTS: Final = f"{_MP4}/sending-events#past_events"
_REFERENCE: Final = f"{_MP4}/reference"
_COLLECTION: Final = "https://support.google.com/analytics/answer/9267744 (Event collection limits)"
_MP1: Final = "https://developers.google.com/analytics/devguides/collection/protocol/v1"


class Limit(msgspec.Struct, frozen=True):
    """One limit: what is at most so much, and where Google says so."""

    what: str
    most: int
    unit: Unit
    source: str

    def __str__(self) -> str:
        return f"{self.what} has at most {self.most:,} {self.unit}"


# -- GA4 -------------------------------------------------------------------------

EVENTS_PER_REQUEST: Final = Limit("a request", 25, "events", _LIMITATIONS)
# "Smaller than 130kB": the next byte is one too many; read as the smaller kB, of 1,000 bytes.
BODY_BYTES: Final = Limit("a body", 129_999, "bytes", _LIMITATIONS)
EVENT_NAME_CHARS: Final = Limit("an event's name", 40, "characters", _LIMITATIONS)
PARAMS_PER_EVENT: Final = Limit("an event", 25, "parameters", _LIMITATIONS)
PARAM_NAME_CHARS: Final = Limit("a parameter's name", 40, "characters", _LIMITATIONS)
PARAM_VALUE_CHARS: Final = {
    "": Limit("a parameter's value", 100, "characters", _LIMITATIONS),
    "page_location": Limit("page_location", 1_000, "characters", _COLLECTION),
    "page_referrer": Limit("page_referrer", 420, "characters", _COLLECTION),
    "page_title": Limit("page_title", 300, "characters", _COLLECTION),
}
"""By parameter; `""` is every other. A Google Analytics 360 property takes 500: the standard's are kept to."""
USER_ID_CHARS: Final = Limit("user_id", 256, "characters", _COLLECTION)
WINDOW_MICROS: Final = Limit("an event's age", 72 * 3_600 * 1_000_000, "microseconds", _PAST_EVENTS)

USER_PROPERTIES: Final = (
    Limit("a request", 25, "user properties", _LIMITATIONS),
    Limit("a user property's name", 24, "characters", _LIMITATIONS),
    Limit("a user property's value", 36, "characters", _LIMITATIONS),
)
"""None is sent: what chat2ga knows is of the event, and a user property outlives it. So none can break them."""

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
"""Of events and parameters: letters, digits and underscores, a letter first. Source: reference, Limitations."""
CLIENT_ID: Final = re.compile(r"[0-9]+\.[0-9]+\Z")
"""Two numbers joined by a period: what Google's tag makes and what the validation server asks for. The
reference asks for a unique text and no more (JSON POST body, `client_id`): docs/decisions/0013-client-ids.md."""
RESERVED_EVENT_NAMES: Final = frozenset(
    {
        *("ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_clear_data"),
        *("app_exception", "app_install", "app_remove", "app_store_refund", "app_update", "app_upgrade"),
        *("dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open", "error", "firebase_campaign"),
        *("firebase_in_app_message_action", "firebase_in_app_message_dismiss", "firebase_in_app_message_impression"),
        *("first_open", "first_visit", "in_app_purchase", "notification_dismiss", "notification_foreground"),
        *("notification_open", "notification_receive", "notification_send", "os_update", "session_start"),
        "user_engagement",
    }
)
"""Source: reference, Reserved event names."""
RESERVED_EVENT_PREFIXES: Final = ("_", "firebase_", "ga_", "google_", "gtag.")
"""Source: reference, Reserved event names."""
RESERVED_PARAM_NAMES: Final = frozenset({"firebase_conversion"})
RESERVED_PARAM_PREFIXES: Final = ("_", "firebase_", "ga_", "google_", "gtag.")
"""Source: reference, Reserved parameter names."""

# -- UA --------------------------------------------------------------------------

HITS_PER_BATCH: Final = Limit("a batch", 20, "hits", f"{_MP1}/devguide#batch-limitations")
HIT_BYTES: Final = Limit("a hit", 8_192, "bytes", f"{_MP1}/reference#using-post")
BATCH_BYTES: Final = Limit("a batch", 16_384, "bytes", f"{_MP1}/devguide#batch-limitations")
UA_BYTES: Final = {
    name: Limit(name, most, "bytes", f"{_MP1}/parameters#{name}")
    for name, most in {"ec": 150, "ea": 500, "el": 500, "dl": 2_048, "dt": 1_500, "dr": 2_048, "ul": 20}.items()
}
"""Of the value before it is encoded, by parameter."""
# "May lead to hits not being processed", by Google's servers, which are off. The collectors
# that stand in their place need the time as it was: so the age is sent, whatever it is.
QUEUE_TIME_MS: Final = Limit("qt", 4 * 3_600 * 1_000, "milliseconds", f"{_MP1}/parameters#qt")

LIMITS: Final = (
    EVENTS_PER_REQUEST,
    BODY_BYTES,
    EVENT_NAME_CHARS,
    PARAMS_PER_EVENT,
    PARAM_NAME_CHARS,
    *PARAM_VALUE_CHARS.values(),
    USER_ID_CHARS,
    WINDOW_MICROS,
    *USER_PROPERTIES,
    HITS_PER_BATCH,
    HIT_BYTES,
    BATCH_BYTES,
    *UA_BYTES.values(),
    QUEUE_TIME_MS,
)
"""All of them, in the order of the docs."""
