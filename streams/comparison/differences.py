"""Differences: the events that two rule sets make of one history, matched. Pure: knows no file, process or broker.

Both rule sets, A and B, are given the same interactions, so an event of the one is
looked for among what the same interaction fired under the other. The first that holds:

1. the event of the same `event_id`;
2. the event of the same name for the same run of an automation, by the same causes
   or by others: so a session that ends elsewhere, whose id and whose events' ids are
   others, is still the same history;
3. where an event says whom the visitor answered, the one that says so under the
   other rule set. If that credits another automation, it is `reattributed`.

What is left over is looked for in the session: the same event of the same run,
fired by another interaction, is `moved`. What then stands alone is `lost` (A's) or
`gained` (B's). A pair that differs in anything but `rules_version` is `changed`.
So every event of A is the same, changed, moved, reattributed or lost, every event
of B the same, changed, moved, reattributed or gained, and to swap A and B swaps
lost and gained.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from schemas.ga_event import Automation, GaEvent

__all__ = ["KINDS", "Difference", "Kind", "Matching"]

Kind = Literal["gained", "lost", "reattributed", "moved", "changed"]
KINDS: Final[tuple[Kind, ...]] = ("gained", "lost", "reattributed", "moved", "changed")

MAX_HELD: Final = 1_000
"""Differences of a session that wait for its end. What moved further than that is lost and gained."""

_COMPARED: Final = tuple([name for name in GaEvent.__struct_fields__ if name != "rules_version"])
_ANSWERS: Final = {
    "Chatbot_visitor_reaction": "reaction",
    "Auto_message_visitor_reaction": "reaction",
    "Trigger_visitor_reaction": "reaction",
    "Chatbot_interaction": "interaction",
    "Chatbot_button_interaction": "button",
}
"""Events that credit an automation with what the visitor did. An interaction fires one of each at most. The others that
have an automation say what became of it: another automation's is another event."""


class Difference(msgspec.Struct, frozen=True):
    """One event that is not the same under both rule sets, and what it is under each."""

    kind: Kind
    name: str  # A's; B's where A has none
    account_id: str
    session: str
    """As `chat2ga explain --session` takes it: the session's own id may differ."""
    fields: tuple[str, ...]  # of the event, in which the two differ
    a: GaEvent | None
    b: GaEvent | None


class _Held(msgspec.Struct):
    """What may be a difference: an event alone, until its like is found, or a pair."""

    a: GaEvent | None
    b: GaEvent | None
    pair: Kind = "changed"


class Matching:
    """The differences of one session key: told of its interactions one by one, it gives them in their order.

    Without a session, each difference is named by its event's.
    """

    def __init__(self, session: str | None = None) -> None:
        self._session: Final = session
        self._held: list[_Held] = []
        self._alone: Final = {"a": _Waiting(), "b": _Waiting()}

    def fired(self, a: Sequence[GaEvent], b: Sequence[GaEvent]) -> Iterator[Difference]:
        """The events of one interaction under each rule set; what is settled by now."""
        for one, other in _pairs(a, b):
            if one is None or other is None:
                self._find(one, other)
            else:
                self._held.append(_Held(one, other, "changed" if _about(one) == _about(other) else "reattributed"))
        waiting = any(alone.count for alone in self._alone.values())
        if self._held and (not waiting or len(self._held) >= MAX_HELD):
            yield from self.settled()

    def settled(self) -> Iterator[Difference]:
        """All that is left: for the end, and for where a session begins under either, past which nothing moves."""
        for held in self._held:
            event = held.a or held.b
            assert event is not None
            kind, fields = _judged(held)
            if kind is not None:
                session = event.session_id if self._session is None else self._session
                yield Difference(kind, event.name, event.account_id, session, fields, held.a, held.b)
        self._held = []
        for alone in self._alone.values():
            alone.clear()

    def _find(self, one: GaEvent | None, other: GaEvent | None) -> None:
        """For an event without its like at this interaction, one that waits for it since another."""
        event = one or other
        assert event is not None
        ours, theirs = (self._alone["a"], self._alone["b"]) if other is None else (self._alone["b"], self._alone["a"])
        subject = _subject(event)
        held = theirs.take(subject)
        if held is None:
            held = _Held(one, other)
            self._held.append(held)
            ours.put(subject, held)
        else:
            held.a, held.b = held.a or one, held.b or other
            assert held.a is not None
            assert held.b is not None
            held.pair = "changed" if _fired_by(held.a) == _fired_by(held.b) else "moved"


class _Waiting:
    """Events of one side that stand alone so far, by what they count; the first is found first."""

    def __init__(self) -> None:
        self._by: Final[dict[Hashable, deque[_Held]]] = {}
        self.count = 0

    def put(self, subject: Hashable, held: _Held) -> None:
        self._by.setdefault(subject, deque()).append(held)
        self.count += 1

    def take(self, subject: Hashable) -> _Held | None:
        if not (found := self._by.get(subject)):
            return None
        self.count -= 1
        return found.popleft()

    def clear(self) -> None:
        self._by.clear()
        self.count = 0


def _judged(held: _Held) -> tuple[Kind | None, tuple[str, ...]]:
    """What it is, None where it is the same event; and in what the two differ."""
    if held.a is None:
        return "gained", ()
    if held.b is None:
        return "lost", ()
    fields = tuple([name for name in _COMPARED if getattr(held.a, name) != getattr(held.b, name)])
    return (held.pair if fields else None), fields


# -- events of one interaction --------------------------------------------------------------


def _pairs(a: Sequence[GaEvent], b: Sequence[GaEvent]) -> list[tuple[GaEvent | None, GaEvent | None]]:
    """Each event with its like under the other rule set, or alone."""
    if len(a) == len(b) and all(map(_same_id, a, b)):
        return list(zip(a, b, strict=True))
    pairs: list[tuple[GaEvent | None, GaEvent | None]] = []
    left, others = list(a), list(b)
    for key_of in _KEYS:
        by_key: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for place, other in enumerate(others):
            by_key[key_of(other)].append(place)
        paired: set[int] = set()
        alone = []
        for event in left:
            key = key_of(event)
            if key is None or not by_key[key]:
                alone.append(event)
                continue
            place = by_key[key].popleft()
            paired.add(place)
            pairs.append((event, others[place]))
        left, others = alone, [other for place, other in enumerate(others) if place not in paired]
    return [*pairs, *((event, None) for event in left), *((None, other) for other in others)]


def _same_id(one: GaEvent, other: GaEvent) -> bool:
    return one.event_id == other.event_id


def _id(event: GaEvent) -> Hashable:
    return event.event_id


def _run_by_causes(event: GaEvent) -> Hashable:
    return event.name, _run(event.automation), event.caused_by


def _run_alone(event: GaEvent) -> Hashable:
    return event.name, _run(event.automation)


def _answer(event: GaEvent) -> Hashable:
    return _ANSWERS.get(event.name)


_KEYS: Final[tuple[Callable[[GaEvent], Hashable], ...]] = (_id, _run_by_causes, _run_alone, _answer)
"""What makes two events of one interaction a pair, the surest first. None makes none."""


def _about(event: GaEvent) -> tuple[str, str] | None:
    """The automation of an event, its run apart."""
    return None if event.automation is None else (event.automation.kind, event.automation.id)


def _run(automation: Automation | None) -> tuple[str, str, str | None] | None:
    return None if automation is None else (automation.kind, automation.id, automation.run_id)


# -- events of other interactions -------------------------------------------------------------


def _fired_by(event: GaEvent) -> tuple[str, int]:
    """The interaction that fired it, as the event names it: of two copies of one, either may be applied."""
    return event.caused_by[0], event.timestamp_micros


def _subject(event: GaEvent) -> Hashable:
    """What an event counts, whichever interaction fires it: its run, told by the first receipt."""
    if event.automation is None:
        return event.event_id
    return event.name, event.label, _run(event.automation), event.caused_by[-1]
