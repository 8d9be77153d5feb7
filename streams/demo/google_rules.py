"""Google's published rules, as the collector checks them.

Written from Google's documents and from nothing else: this module imports no
chat2ga and has its own numbers, so that what `streams.measurement` misreads is
found here and not shared. Each rule has a short fixed code, for counting.
"""

# ruff: noqa: PLR2004, SIM905 - the numbers and the names stand in the rule, as in Google's text

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["Violation", "check_batch", "check_ga4", "check_hit"]


class Violation(NamedTuple):
    """A rule that was broken, and by what."""

    rule: str
    detail: str
    event: int | None = None  # its place in the request, where it is of an event


_US: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_G_ID: Final = re.compile(r"G-[A-Z0-9]+")
_UA_ID: Final = re.compile(r"UA-\d+-\d+", re.ASCII)
_CLIENT: Final = re.compile(r"\d+\.\d+", re.ASCII)
_WHOLE: Final = re.compile(r"\d+", re.ASCII)

# Reference > JSON POST body.
_TOP_LEVEL: Final = {
    "client_id": str,
    "user_id": str,
    "timestamp_micros": int,
    "user_properties": dict,
    "user_data": dict,
    "consent": dict,
    "non_personalized_ads": bool,
    "user_location": dict,
    "ip_override": str,
    "device": dict,
    "user_agent": str,
    "validation_behavior": str,
    "events": list,
}
# Reference > Reserved names.
_RESERVED_EVENTS: Final = frozenset(
    """ad_activeview ad_click ad_exposure ad_query ad_reward adunit_exposure app_clear_data app_exception app_install
    app_remove app_store_refund app_update app_upgrade dynamic_link_app_open dynamic_link_app_update
    dynamic_link_first_open error firebase_campaign firebase_in_app_message_action firebase_in_app_message_dismiss
    firebase_in_app_message_impression first_open first_visit notification_dismiss notification_foreground
    notification_open notification_receive notification_send os_update session_start user_engagement
    in_app_purchase""".split()
)
_RESERVED_PREFIXES: Final = ("_", "firebase_", "ga_", "google_", "gtag.")
# User properties > Reserved names.
_RESERVED_PROPERTIES: Final = frozenset(
    "first_open_time first_visit_time last_deep_link_referrer user_id first_open_after_install".split()
)
# Event collection limits > Length of event parameter value.
_VALUE_LENGTHS: Final = {"page_title": 300, "page_referrer": 420, "page_location": 1000}


def check_ga4(
    query: Mapping[str, str], content_type: str, raw: bytes, body: object, now_micros: int, *, validating: bool = False
) -> Iterator[Violation]:
    """What is wrong with a request to `/mp/collect`. `body` is what `raw` says as JSON.

    `validating`: by what the validation server asks for beyond the reference, too.
    """
    if not _G_ID.fullmatch(query.get("measurement_id", "")):
        yield Violation("measurement_id", "missing, or not of the form G-…")
    if not query.get("api_secret"):
        yield Violation("api_secret", "missing")
    if content_type != "application/json":
        yield Violation("content_type", f"{content_type or 'none'} in place of application/json")
    if len(raw) >= 130_000:
        yield Violation("body_size", f"{len(raw)} bytes: must be smaller than 130 kB")
    if not isinstance(body, dict):
        yield Violation("body", "not a JSON object")
        return
    yield from _top_level(body)
    client_id = body.get("client_id")
    if validating and isinstance(client_id, str) and client_id.strip() and not _CLIENT.fullmatch(client_id):
        # Not in the reference, and `/mp/collect` takes it: the validation server's own rule.
        yield Violation("client_id_form", f"[{client_id[:80]}] should be in <number>.<number> format")
    events = body.get("events")
    if not isinstance(events, list) or not 1 <= len(events) <= 25:
        yield Violation("events_count", "events: 1 to 25 of them in an array")
    for index, event in enumerate(events if isinstance(events, list) else ()):
        for wrong in _event(event, body, now_micros):
            yield wrong._replace(event=index)


def _top_level(body: Mapping[str, Any]) -> Iterator[Violation]:
    for key, value in body.items():
        if key not in _TOP_LEVEL:
            yield Violation("unknown_field", key)
        elif not _is(value, _TOP_LEVEL[key]):
            yield Violation("field_type", key)
    client_id = body.get("client_id")
    if not (isinstance(client_id, str) and client_id.strip()):
        yield Violation("client_id", "missing, or nothing in it")
    user_id = body.get("user_id", "u")
    if isinstance(user_id, str) and not 1 <= _length(user_id) <= 256:
        yield Violation("user_id_length", f"{_length(user_id)} characters")
    if "device" in body and "user_agent" in body:
        yield Violation("user_agent_ignored", "user_agent is ignored where device is sent")
    consent = body.get("consent", {})
    for key, value in consent.items() if isinstance(consent, dict) else ():
        if key not in ("ad_user_data", "ad_personalization") or value not in ("GRANTED", "DENIED"):
            yield Violation("consent", str(key))
    properties = body.get("user_properties")
    if isinstance(properties, dict):
        yield from _user_properties(properties)


def _user_properties(properties: Mapping[str, Any]) -> Iterator[Violation]:
    if len(properties) > 25:
        yield Violation("user_properties_count", f"{len(properties)} user properties")
    for key, given in properties.items():
        if not _NAME.fullmatch(key) or _length(key) > 24:
            yield Violation("user_property_name", key[:80])
        elif key in _RESERVED_PROPERTIES or key.startswith(("firebase_", "ga_", "google_")):
            yield Violation("user_property_reserved", key)
        value = given.get("value") if isinstance(given, dict) else None
        if isinstance(value, str) and _length(value) > 36:
            yield Violation("user_property_length", f"{key[:40]}: {_length(value)} characters")


def _event(event: object, body: Mapping[str, Any], now_micros: int) -> Iterator[Violation]:
    if not isinstance(event, dict) or not set(event) <= {"name", "params", "timestamp_micros"}:
        yield Violation("event_form", "an object of name, params and timestamp_micros")
        return
    name = event.get("name")
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        yield Violation("event_name", repr(name)[:80])
    elif name in _RESERVED_EVENTS or name.startswith(_RESERVED_PREFIXES):
        yield Violation("event_name_reserved", name)
    yield from _timestamp(event.get("timestamp_micros", body.get("timestamp_micros", now_micros)), now_micros)
    params = event.get("params", {})
    if not isinstance(params, dict):
        yield Violation("params_form", "not an object")
        return
    if len(params) > 25:
        yield Violation("params_count", f"{len(params)} parameters")
    for key, value in params.items():
        yield from _param(key, value)
    for key in ("session_id", "engagement_time_msec"):
        if key not in params:
            yield Violation(f"{key}_missing", "activity would not show in Realtime")


def _timestamp(at: object, now_micros: int) -> Iterator[Violation]:
    if not isinstance(at, int) or isinstance(at, bool):
        yield Violation("timestamp_type", type(at).__name__)
    elif at > now_micros:
        yield Violation("timestamp_future", f"{(at - now_micros) / _US:.3f} s ahead")
    elif at < now_micros - 72 * 3600 * _US:
        yield Violation("timestamp_past", f"{(now_micros - at) / 3600 / _US:.3f} h old")


def _param(key: str, value: object) -> Iterator[Violation]:
    if not _NAME.fullmatch(key):
        yield Violation("param_name", key[:80])
    if key == "firebase_conversion" or key.startswith(_RESERVED_PREFIXES):
        yield Violation("param_name_reserved", key[:80])
    if not _is(value, str) and not _is(value, int) and not _is(value, float):
        yield Violation("param_type", key[:80])
    if key == "engagement_time_msec" and not (_is(value, int) and isinstance(value, int) and value >= 0):
        yield Violation("engagement_time_msec", repr(value)[:80])
    elif key == "session_id":
        # A positive number, as number or text, or an id of Tag Manager's, to which no length applies.
        if not str(value).strip("0") or str(value).startswith("-"):
            yield Violation("session_id", repr(value)[:80])
    elif isinstance(value, str) and _length(value) > _VALUE_LENGTHS.get(key, 100):
        yield Violation("param_value_length", f"{key[:40]}: {_length(value)} characters")


# -- Universal Analytics: Measurement Protocol v1 > Parameter Reference ------------

_HIT_TYPES: Final = "pageview screenview event transaction item social exception timing".split()
_FORMS: Final[dict[str, Callable[[str], bool]]] = {
    "v": lambda text: text == "1",
    "tid": lambda text: bool(_UA_ID.fullmatch(text)),
    "t": lambda text: text in _HIT_TYPES,
    "ev": lambda text: bool(_WHOLE.fullmatch(text)),
    "qt": lambda text: bool(_WHOLE.fullmatch(text)),
    "npa": lambda text: text in ("0", "1"),
}
_REQUIRED: Final = ("v", "tid", "t")
_REQUIRED_OF_EVENTS: Final = ("ec", "ea")
_MAX_BYTES: Final = {
    "dl": 2048,
    "dr": 2048,
    "dh": 100,
    "dp": 2048,
    "dt": 1500,
    "ul": 20,
    "ec": 150,
    "ea": 500,
    "el": 500,
}


def check_hit(fields: Mapping[str, str], size: int) -> Iterator[Violation]:
    """What is wrong with one hit of so many bytes."""
    if size > 8192:
        yield Violation("hit_size", f"{size} bytes: at most 8 kB")
    required = _REQUIRED + (_REQUIRED_OF_EVENTS if fields.get("t") == "event" else ())
    for name in required:
        if not fields.get(name):
            yield Violation("hit_required", name)
    if not fields.get("cid") and not fields.get("uid"):
        yield Violation("hit_required", "cid or uid")
    for name, text in fields.items():
        if name in _FORMS and not _FORMS[name](text):
            yield Violation("hit_form", f"{name}={text[:40]}")
        if len(text.encode()) > _MAX_BYTES.get(name, size):
            yield Violation("hit_value_length", f"{name}: {len(text.encode())} bytes")


def check_batch(hits: int, size: int) -> Iterator[Violation]:
    """What is wrong with a batch as a whole."""
    if not 1 <= hits <= 20:
        yield Violation("batch_hits", f"{hits} hits: 1 to 20")
    if size > 16384:
        yield Violation("batch_size", f"{size} bytes: at most 16 kB")


def _is(value: object, kind: type) -> bool:
    """Of that JSON type: true and false are no numbers."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _length(text: str) -> int:
    """In UTF-16, as a browser counts: the strictest reading of "characters"."""
    return len(text.encode("utf-16-le")) // 2
