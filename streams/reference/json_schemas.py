"""JSON Schemas of the topics, from the structs that decode their records (draft 2020-12).

What a struct enforces the schema says. Beyond a schema's words, and so only in
the decoder:

- a date that does not exist (30 February), and on the first and last day of the
  years 2000 to 2100 the hour, which depends on the offset;
- a `timestamp` later than the record's arrival allows;
- whole numbers: to a schema 5 and 5.0 are one number, to the decoder they are not;
- numbers beyond the range of a double, lone surrogates, nesting without an end;
- the size of the record, and its key.

A record whose `type` is not listed is not an interaction to the schema; to
chat2ga it is one of another version, ignored and counted.
"""

import types
from collections.abc import Iterator
from typing import Any, Final, get_args

import msgspec

from schemas.catalog import TOPICS, Topic
from schemas.codes import CODES
from schemas.dead_letter import DeadLetter
from schemas.ga_event import CATEGORY, GaEvent
from schemas.instant import Instant
from schemas.interaction import TYPES, FeedbackGiven, Rating
from streams.reference.meanings import meaning_of
from streams.reference.shipped import schema_file

__all__ = ["DIALECT", "json_schemas", "topic_schema"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_END: Final = r"$(?!\n)"
"""The end of the text, to every reader of patterns: some take `$` for the end of its last line too."""
_DAY: Final = (
    r"(?:(?:20[0-9]{2}|2100)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])|1999-12-31|2101-01-01)"  # in UTC others yet
)
_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_OFFSET: Final = r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_NOT_BLANK: Final = (
    r"[^\t-\r\u001c- \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"  # what str.isspace() says
)
_INSTANT: Final[Schema] = {
    "anyOf": [
        {"type": "integer", "minimum": 946_684_800_000, "maximum": 4_133_980_799_999},
        {"type": "string", "format": "date-time", "pattern": f"^{_DAY}[Tt]{_CLOCK}{_OFFSET}{_END}"},
    ]
}


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


_RATING: Final[Schema] = {
    "anyOf": [
        {"enum": [5, 3, 1]},
        {"type": "string", "pattern": f"^(?:{'|'.join(map(_any_case, Rating.spellings))}){_END}"},
    ]
}
_PROMISES: Final[dict[type[msgspec.Struct], dict[str, Schema]]] = {
    GaEvent: {
        "event_id": {"pattern": f"^[0-9a-f]{{32}}{_END}"},
        "category": {"const": CATEGORY},
        "caused_by": {"minItems": 1, "maxItems": 2},
        "timestamp_micros": {"minimum": 946_684_800_000_000, "maximum": 4_133_980_799_999_999},
    },
    DeadLetter: {
        "partition": {"minimum": 0},
        "offset": {"minimum": 0},
        "size": {"minimum": 0},
        "code": {"examples": list(CODES)},
    },
}
"""What is said of chat2ga's own records beyond what their structs take."""


def json_schemas() -> dict[str, Schema]:
    """Every JSON Schema, by the name of its file."""
    return {schema_file(topic): topic_schema(topic) for topic in reversed(TOPICS) if topic.encoding == "json"}


def topic_schema(topic: Topic) -> Schema:
    """The JSON Schema of a topic's records."""
    schema = msgspec.json.schema(topic.schema, schema_hook=_custom)
    schema.pop("discriminator", None)  # OpenAPI's; a validator of JSON Schema knows none
    definitions: dict[str, Schema] = schema.pop("$defs")
    for struct in _structs(topic.schema):
        definition = definitions[struct.__name__]
        for field, said in definition.get("properties", {}).items():
            if field != struct.__struct_config__.tag_field:
                said.update(_PROMISES.get(struct, {}).get(field, {}))
                definition["properties"][field] = {"description": meaning_of(struct, field), **_flat(said)}
        if struct in TYPES.values():
            definition["allOf"] = [_either("session_id", "visitor_id")]
        if struct is FeedbackGiven:
            definition["allOf"].append(
                {
                    "anyOf": [
                        _given("rating", {"not": {"type": "null"}}),
                        _given("text", {"type": "string", "pattern": _NOT_BLANK}),
                    ]
                }
            )
    return {
        "$schema": DIALECT,
        "$id": schema_file(topic),
        "title": topic.name,
        "description": topic.what,
        **schema,
        "$defs": definitions,
    }


def _custom(wanted: type) -> Schema:
    """The schemas of our own types."""
    return {Instant: _INSTANT, Rating: _RATING}[wanted]


def _flat(said: Schema) -> Schema:
    """A plain type or null, written in one line."""
    either = said.get("anyOf", [])
    if [part.get("type") for part in either[1:]] != ["null"] or not isinstance(either[0].get("type"), str):
        return said
    others = {word: what for word, what in said.items() if word != "anyOf"}
    return {**either[0], "type": [either[0]["type"], "null"], **others}


def _given(field: str, schema: Schema) -> Schema:
    return {"required": [field], "properties": {field: schema}}


def _either(*fields: str) -> Schema:
    return {"anyOf": [_given(field, {"type": "string"}) for field in fields]}


def _structs(given: Any) -> Iterator[type[msgspec.Struct]]:  # noqa: ANN401 - whatever a type may be written as
    """Every struct in a type, each once, in the order of their fields."""
    yield from dict.fromkeys(_structs_in(given))


def _structs_in(given: Any) -> Iterator[type[msgspec.Struct]]:  # noqa: ANN401
    if isinstance(given, type) and issubclass(given, msgspec.Struct) and not isinstance(given, types.GenericAlias):
        yield given
        for field in msgspec.structs.fields(given):
            yield from _structs_in(field.type)
    else:
        for part in get_args(given):
            yield from _structs_in(part)
