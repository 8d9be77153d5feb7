"""What Google's validation server says, as the collector says it at `/debug/mp/collect`.

Form and codes are those of Google's page "Validate events". Stricter than
Google's: it looks at lengths, sizes, times and, where it knows them, secrets too.
"""

from collections.abc import Iterable
from typing import Any, Final

from streams.demo.google_rules import Violation

__all__ = ["validation_answer"]

_INVALID: Final = "VALUE_INVALID"
_OUT_OF_BOUNDS: Final = "VALUE_OUT_OF_BOUNDS"
_REQUIRED: Final = "VALUE_REQUIRED"
_TOO_MANY: Final = "EXCEEDED_MAX_ENTITIES"
_NAME: Final = "NAME_INVALID"
_RESERVED: Final = "NAME_RESERVED"

_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "measurement_id": ("measurement_id", _INVALID),
    "api_secret": ("api_secret", _INVALID),
    "content_type": ("content_type", _INVALID),
    "body_size": ("", _OUT_OF_BOUNDS),
    "body": ("", _INVALID),
    "unknown_field": ("", _NAME),
    "field_type": ("", _INVALID),
    "client_id": ("client_id", _REQUIRED),
    "client_id_form": ("client_id", _INVALID),
    "user_id_length": ("user_id", _OUT_OF_BOUNDS),
    "user_agent_ignored": ("user_agent", _INVALID),
    "consent": ("consent", _INVALID),
    "user_properties_count": ("user_properties", _TOO_MANY),
    "user_property_name": ("user_properties", _NAME),
    "user_property_reserved": ("user_properties", _RESERVED),
    "user_property_length": ("user_properties", _OUT_OF_BOUNDS),
    "events_count": ("events", _TOO_MANY),
    "event_form": ("events", _INVALID),
    "event_name": ("events", _NAME),
    "event_name_reserved": ("events", _RESERVED),
    "timestamp_type": ("events.timestamp_micros", _INVALID),
    "timestamp_future": ("events.timestamp_micros", _OUT_OF_BOUNDS),
    "timestamp_past": ("events.timestamp_micros", _OUT_OF_BOUNDS),
    "params_form": ("events.params", _INVALID),
    "params_count": ("events.params", _TOO_MANY),
    "param_name": ("events.params", _NAME),
    "param_name_reserved": ("events.params", _RESERVED),
    "param_type": ("events.params", _INVALID),
    "param_value_length": ("events.params", _OUT_OF_BOUNDS),
    "engagement_time_msec": ("events.params.engagement_time_msec", _INVALID),
    "engagement_time_msec_missing": ("events.params.engagement_time_msec", _REQUIRED),
    "session_id": ("events.params.session_id", _INVALID),
    "session_id_missing": ("events.params.session_id", _REQUIRED),
}
"""By rule: the path to the field, and Google's code."""


def validation_answer(violations: Iterable[Violation]) -> dict[str, Any]:
    """The body of the answer: no messages where nothing is wrong."""
    return {
        "validationMessages": [
            {
                "fieldPath": _MESSAGES[wrong.rule][0],
                "description": _described(wrong),
                "validationCode": _MESSAGES[wrong.rule][1],
            }
            for wrong in violations
        ]
    }


def _described(wrong: Violation) -> str:
    where = "" if wrong.event is None else f"Event at index: [{wrong.event}]: "
    return f"{where}{wrong.rule}: {wrong.detail}"
