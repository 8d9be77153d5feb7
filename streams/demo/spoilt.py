"""Records that are no interaction: one kind for each way in which senders get it wrong.

Each kind says which field the dead letter has to name and by which code, so that
the demo can hold the worker to it. The records are built here, byte by byte, and
not by the contract's own structs: those could not write them.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from streams.demo.visit import Fields, Visit

__all__ = ["KINDS", "OVERSIZED_BYTES", "Spoilt"]

OVERSIZED_BYTES: Final = 5_000_000

_json: Final = msgspec.json.encode
_Made = tuple[bytes | None, bytes | None]


class Spoilt(msgspec.Struct, frozen=True):
    """One kind of bad record: what its dead letter says, and how to make one."""

    name: str
    field: str
    code: str
    make: Callable[[Visit, int], _Made]
    """(key, value) of such a record, as of a visit and a moment in ms."""


def _typed(visit: Visit, at_ms: int) -> Fields:
    return {
        "type": "visitor_message",
        "account_id": visit.site.id,
        "timestamp": visit.written(at_ms),
        **visit.ids,
        "interaction_id": visit.new_id(),
        "text": visit.rng.choice(visit.site.typed),
    }


def _with(**wrong: object) -> Callable[[Visit, int], _Made]:
    """A message in which these fields are wrong."""

    def make(visit: Visit, at_ms: int) -> _Made:
        return visit.key.encode(), _json({**_typed(visit, at_ms), **wrong})

    return make


def _without(*names: str) -> Callable[[Visit, int], _Made]:
    """A message in which these fields are missing."""

    def make(visit: Visit, at_ms: int) -> _Made:
        said = _typed(visit, at_ms)
        return visit.key.encode(), _json({name: value for name, value in said.items() if name not in names})

    return make


def _value(change: Callable[[bytes], bytes | None]) -> Callable[[Visit, int], _Made]:
    """A message whose bytes were changed on the way."""

    def make(visit: Visit, at_ms: int) -> _Made:
        return visit.key.encode(), change(_json(_typed(visit, at_ms)))

    return make


def _key(change: Callable[[bytes], bytes | None]) -> Callable[[Visit, int], _Made]:
    """A sound message under a key that is not its session's."""

    def make(visit: Visit, at_ms: int) -> _Made:
        return change(visit.key.encode()), _json(_typed(visit, at_ms))

    return make


def _naive(visit: Visit, at_ms: int) -> _Made:
    said = _typed(visit, at_ms)
    return visit.key.encode(), _json({**said, "timestamp": "2026-01-31T12:00:00"})


def _ahead(visit: Visit, at_ms: int) -> _Made:
    said = _typed(visit, at_ms)
    return visit.key.encode(), _json({**said, "timestamp": visit.written(at_ms + 3 * 3_600_000)})


def _oversized(raw: bytes) -> bytes:
    return raw[:-1] + b',"text":"' + b"x" * OVERSIZED_BYTES + b'"}'


_AUTOMATION: Final = {"kind": "banner", "id": "b", "name": "Banner"}

KINDS: Final = (
    Spoilt("cut short", "$", "not_json", _value(lambda raw: raw[: len(raw) // 2])),
    Spoilt("not UTF-8", "$", "not_json", _value(lambda raw: raw[:-2] + b"\xff\xfe" + raw[-2:])),
    Spoilt("a lone surrogate", "$", "not_json", _value(lambda raw: raw[:-1] + b',"user_agent":"\\ud800"}')),
    Spoilt("an array", "$", "not_object", _value(lambda raw: b"[" + raw + b"]")),
    Spoilt("a string", "$", "not_object", _value(lambda raw: _json(raw.decode()))),
    Spoilt("no value", "$", "empty", _value(lambda _: None)),
    Spoilt("no type", "type", "invalid", _without("type")),
    Spoilt("no account", "account_id", "invalid", _without("account_id")),
    Spoilt("nobody's", "session_id", "invalid", _without("session_id", "visitor_id")),
    Spoilt("an account that is a number", "account_id", "invalid", _with(account_id=42)),
    Spoilt("no timestamp", "timestamp", "invalid", _without("timestamp")),
    Spoilt("a naive timestamp", "timestamp", "invalid", _naive),
    Spoilt("a clock that is ahead", "timestamp", "ahead", _ahead),
    Spoilt("an id of 300 characters", "tab_id", "invalid", _with(tab_id="t" * 300)),
    Spoilt(
        "an unknown automation", "automation.kind", "invalid", _with(type="automation_sent", automation=_AUTOMATION)
    ),
    Spoilt("cookies in a list", "ga.cookies", "invalid", _with(ga={"cookies": ["_ga=GA1.1.1.2"]})),
    Spoilt("measurement ids in a text", "page.measurement_ids", "invalid", _with(page={"measurement_ids": "G-ABC"})),
    Spoilt("an agent without a name", "agent.name", "invalid", _with(type="agent_joined", agent={"id": "a"})),
    Spoilt("four stars", "rating", "invalid", _with(type="feedback_given", rating=4)),
    Spoilt("an empty form", "rating", "invalid", _with(type="feedback_given", text=" ")),
    Spoilt("no key", "key", "no_key", _key(lambda _: None)),
    Spoilt("another session's key", "key", "wrong_key", _key(lambda key: key + b"0")),
    Spoilt("five megabytes", "$", "too_large", _value(_oversized)),
)
"""In this order they come, again and again; the last, for its size, once in a stream."""
