"""The page of the raw formats: what each tells, which events come of it, and what a mapping can add."""

from collections.abc import Iterator
from typing import Final

import msgspec

from streams.sources import FORMATS, Coverage, Format, Mapping, Signature, coverage
from streams.sources.facts import FACTS, Never

__all__ = ["KEYS", "formats"]

_Table = tuple[tuple[str, ...], list[tuple[str, ...]]]

KEYS: Final[dict[str, str]] = {
    "account_id": "The account of records that tell none.",
    "accounts": "Accounts as the format calls them, and what they are called here: an id under each.",
    "automations": (
        "By the id or the name that a record tells: `kind` (`chatbot`, `auto_message` or `trigger`), `id` and `name`, "
        "each if it is to be another."
    ),
    "automation_kind": "The kind of automations that neither the format nor `automations` tells.",
    "agents": "Agents' names by their ids. They stand before those that a record tells; many records tell none.",
    "agent_joined": (
        "Where the format has no joins: `first_agent_message`, an agent who writes has joined, just before; "
        "`assigned`, one to whom the conversation is given has."
    ),
    "box_opened": (
        "`first_visitor_message`: a visitor who writes has opened the box, just before; once in a conversation."
    ),
    "measurement_ids": (
        "As if found on the page: they go with each page that a record tells, and with every record where a format "
        "tells none. An account of a single property is better served by its own `measurement_ids`."
    ),
    "ratings": "What a rating, a number or a word, is worth: 5, 3 or 1. By default 5 and 4, 3, 2 and 1.",
    "variables": (
        "Names of the site's own variables that hold `user_id`, `ga_client_id` and `ga_session_id`: Smartsupp's "
        "`variables`, Chatwoot's `custom_attributes` of a contact, `properties` of a Segment event. Without GA's "
        "client id the visitors of the chat are others to GA than those of the site."
    ),
    "channels": "The channels to be looked at, as the format calls them; by default all. A record that names none is.",
}
"""What each key of a mapping does."""

_EXAMPLE: Final = """```toml
box_opened = "first_visitor_message"

[accounts]
481516 = "shop"

[automations.tr77]
kind = "auto_message"
name = "First order"

[variables]
ga_client_id = "gaClientId"
```"""

_MARKS: Final = {"yes": "yes", "with_mapping": "mapping", "no": "no"}


def formats() -> Iterator[str | _Table]:
    """The parts of the page, in order: a text, or the head and the rows of a table."""
    yield (
        "What other systems send, translated record by record into raw interactions. A format says what it says: what "
        "it cannot know is not made up. What only you can know stands in a mapping file, and what neither tells does "
        "not happen. A record that breaks its format is a dead letter, by the field's name in the record; one that "
        "says nothing of the events is ignored and counted."
    )
    yield ("format", "what it is", "a session is", "signature", "documented in"), [_format(each) for each in _all()]
    yield "## Which events can be had"
    yield (
        "By the format alone (yes), if a mapping says something (mapping), or not at all (no). What a mapping has "
        "to say, and why something cannot be had, stands below."
    )
    yield _events()
    for each in _all():
        yield f"## {each.name}"
        yield ("record", "becomes"), list(each.records.items())
        yield ("not told by itself", "how it can be had, or why not"), _lacking(each)
    yield "## The mapping file"
    yield "TOML; every key may be left out, and one that is not known is a fault. For example:"
    yield _EXAMPLE
    yield (
        ("key", "meaning"),
        [(f"`{field.name}`", KEYS[field.name]) for field in msgspec.structs.fields(Mapping)],
    )


def _all() -> Iterator[Format]:
    return iter(FORMATS.values())


def _format(each: Format) -> tuple[str, ...]:
    account = "" if each.tells_account else ". Tells no account: the mapping must say `account_id`"
    return f"`{each.name}`", f"{each.what}{account}", each.session, _signature(each.signature), each.origin


def _signature(signature: Signature | None) -> str:
    if signature is None:
        return "none"
    signed = "the body" if signature.signed_at is None else f"`{signature.signed_at}`, a dot and the body"
    digits = f"`{signature.prefix}` and the HMAC" if signature.prefix else "the HMAC"
    return f"`{signature.header}`: {digits} of {signed}, {signature.algorithm}, in hexadecimal digits"


def _events() -> _Table:
    covered = {each.name: coverage(each, Mapping()) for each in _all()}
    events = list(next(iter(covered.values())))
    rows = [(f"`{event}`", *(_mark(covered[name][event]) for name in covered)) for event in events]
    return ("event", *(f"`{name}`" for name in covered)), rows


def _mark(covered: Coverage) -> str:
    return _MARKS[covered.had]


def _lacking(each: Format) -> list[tuple[str, ...]]:
    """What a mapping that says nothing does not get of this format."""
    rows: list[tuple[str, ...]] = []
    for name, fact in each.facts.items():
        if isinstance(fact, Never):
            rows.append((FACTS[name], f"not at all: {fact.why}"))
        elif fact.under is not None and not fact.under(Mapping()):
            rows.append((FACTS[name], f"with {fact.says}"))
    return rows
