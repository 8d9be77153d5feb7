"""A raw format: who sends it, how it is signed, what it tells, and its translation. Pure."""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from schemas.ga_event import EventName
from schemas.interaction import Fault, Unknown
from schemas.keys import KeyFault
from streams.sources.draft import Draft, encoded
from streams.sources.facts import NEEDED, Facts, Never, Told
from streams.sources.mapping import Mapping
from streams.sources.record import At, read
from streams.sources.signature import Signature

__all__ = ["Coverage", "Format", "coverage"]


class Coverage(msgspec.Struct, frozen=True):
    """Whether an event can be had of a format under a mapping."""

    had: Literal["yes", "with_mapping", "no"]
    why: str = ""
    """What the mapping would have to say, or why it cannot be had."""


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One raw format. Goes to another process by its name."""

    name: str
    what: str
    origin: str
    """Where it is documented: a title and a public address."""
    session: str
    """What a session of it is, in words."""
    tells_account: bool
    """False: the mapping has to say `account_id`."""
    signature: Signature | None
    """How its sender signs a request; None: it does not."""
    records: dict[str, str]
    """Records of the format, and what interactions come of each, for the docs."""
    facts: Facts
    drafts: Callable[[At, Mapping], Sequence[Draft] | Fault | Unknown]
    """The interactions in a record, not yet looked at."""

    def translate(self, raw: bytes, mapping: Mapping) -> tuple[bytes, ...] | Fault | Unknown:
        """The raw interactions in one raw record, in order (CONTRACT §1).

        A fault names the field by its path in the record; unknown is a type of
        record that says nothing of the 17 events. Never raises, whatever comes.
        """
        try:
            record = read(raw)
            drafts = record if isinstance(record, Fault) else self.drafts(record, mapping)
            if isinstance(drafts, (Fault, Unknown)):
                return drafts
            made = []
            for draft in drafts:
                each = encoded(draft)
                if isinstance(each, Fault):
                    return each
                made.append(each)
        except RecursionError:  # what could just be read is a little deeper when it is written
            return Fault("$", "Expected JSON that is less deep", "not_json")
        return tuple(made)

    def needs(self, mapping: Mapping) -> tuple[KeyFault, ...]:
        """What the mapping has to say for this format and does not: without it every record is a fault."""
        if self.tells_account or mapping.account_id is not None:
            return ()
        return (KeyFault("account_id", f"{self.name} tells no account: say here whose records these are"),)


def coverage(of: Format, mapping: Mapping) -> dict[EventName, Coverage]:
    """Of each of the 17 events, whether it can be had of this format under this mapping."""
    return {event: _coverage(of, mapping, event) for event in NEEDED}


def _coverage(of: Format, mapping: Mapping, event: EventName) -> Coverage:
    facts = [of.facts[name] for name in NEEDED[event]]
    never = [fact.why for fact in facts if isinstance(fact, Never)]
    if never:
        return Coverage("no", "; ".join(never))
    told = [fact for fact in facts if isinstance(fact, Told)]
    lacking = [fact.says for fact in told if fact.under is not None and not fact.under(mapping)]
    return Coverage("with_mapping", "; ".join(lacking)) if lacking else Coverage("yes")
