"""Records from the structs themselves, for properties: valid ones, and ones that are nearly so."""

import copy
from datetime import UTC, datetime, timedelta, timezone

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from schemas.instant import Instant
from schemas.interaction import TYPES, Rating

texts = st.text(max_size=20)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 12, 31, 23, 59, 59, 999_999)).map(  # noqa: DTZ001 - its zone follows
    lambda moment: moment.replace(tzinfo=UTC)
)


@st.composite
def instants(draw):
    """A timestamp in any of its spellings."""
    moment = draw(moments)
    if draw(st.booleans()):
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    # In a zone of its own, but not beyond what datetime holds; the years are UTC's.
    zone = draw(zones)
    text = moment.astimezone(zone).isoformat()
    if draw(st.booleans()):
        text = text.replace("T", "t")
    if zone.utcoffset(None) == timedelta(0):
        text = text.replace("+00:00", draw(st.sampled_from(["Z", "z", "+00:00", "-00:00"])))
    return text


@st.composite
def ratings(draw):
    """A rating in any of its spellings."""
    word = draw(st.sampled_from(list(Rating.spellings)))
    cases = draw(st.lists(st.booleans(), min_size=len(word), max_size=len(word)))
    spelt = "".join(letter.upper() if upper else letter for letter, upper in zip(word, cases, strict=True))
    return draw(st.sampled_from([5, 3, 1, spelt]))


def _account_id(kind):
    """The one type that says more in its JSON Schema than it checks by itself."""
    assert kind.extra_json_schema == {"pattern": "^[^/]+$"}
    return st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=256)


def _text(kind):
    return st.text(min_size=kind.min_length or 0, max_size=min(kind.max_length or 40, 256))


_VALUES = {
    inspect.NoneType: lambda _: st.none(),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.IntType: lambda _: st.integers(0, 2**53),
    inspect.FloatType: lambda _: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30),
    inspect.StrType: _text,
    inspect.BytesType: lambda _: st.sampled_from(["", "AA==", "/+8="]),
    inspect.LiteralType: lambda kind: st.sampled_from(sorted(kind.values)),
    inspect.CustomType: lambda kind: instants() if kind.cls is Instant else ratings(),
    inspect.UnionType: lambda kind: st.one_of([of(each) for each in kind.types]),
    inspect.VarTupleType: lambda kind: st.lists(of(kind.item_type), max_size=3),
    inspect.DictType: lambda kind: st.dictionaries(of(kind.key_type), of(kind.value_type), max_size=3),
    inspect.Metadata: _account_id,
    inspect.StructType: lambda kind: struct(kind.cls),
}


def of(kind):
    """Values of a type, as JSON has them."""
    return _VALUES[type(kind)](kind)


def struct(cls):
    """Objects of a struct: the required fields, and any of the others."""
    required, optional = {}, {}
    for field in inspect.type_info(cls).fields:
        (required if field.required else optional)[field.encode_name] = of(field.type)
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def interactions(draw):
    """Interactions, all of them valid."""
    name = draw(st.sampled_from(list(TYPES)))
    record = {"type": name, **draw(struct(TYPES[name]))}
    if record.get("session_id") is None and record.get("visitor_id") is None:
        record[draw(st.sampled_from(["session_id", "visitor_id"]))] = "s-1"
    if name == "feedback_given" and record.get("rating") is None and not (record.get("text") or "").strip():
        record["rating"] = draw(ratings())
    return record


@st.composite
def nearly_interactions(draw):
    """Interactions with up to two places changed: taken out, or something else put there."""
    record = copy.deepcopy(draw(interactions()))
    for _ in range(draw(st.integers(0, 2))):
        inside = [record, *(value for value in record.values() if isinstance(value, dict))]
        place = draw(st.sampled_from(inside))
        known = [name for cls in (*TYPES.values(), *_inner()) for name in cls.__struct_fields__]
        name = draw(st.sampled_from(sorted(place) + sorted(known)))
        if draw(st.booleans()):
            place[name] = draw(junk | instants() | ratings())
        else:
            place.pop(name, None)
    return record


def _inner():
    return [
        part.cls
        for cls in TYPES.values()
        for field in inspect.type_info(cls).fields
        for part in getattr(field.type, "types", (field.type,))
        if isinstance(part, inspect.StructType)
    ]


def encoded(cls, record):
    """A record of one of our own structs, through the struct."""
    return msgspec.json.encode(msgspec.convert(record, cls))
