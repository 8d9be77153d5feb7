"""One reaction explained: interaction by interaction, why it is credited to that automation.

Chosen from the traffic itself: a short session in which several automations were
received before the visitor answered one. The decisions are the replay's own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from schemas.account import Accounts
from schemas.decoding import session_key
from schemas.ga_event import GaEvent
from schemas.interaction import Fault, Interaction, Unknown
from streams.attribution import Decision, RuleBook
from streams.demo.traffic import Record
from streams.replay.engine import decisions

__all__ = ["a_reaction"]

_REACTION: Final = "_visitor_reaction"
_SENT: Final = "_sent"
_CANDIDATES: Final = 12  # interactions: a session that is read in one look
_STOPPED: Final = "stopped"

History = list[tuple[Interaction, Decision]]


def a_reaction(records: Iterable[Record], accounts: Accounts) -> tuple[str, Sequence[str]]:
    """A title and lines that explain one reaction of this traffic."""
    book = RuleBook(accounts=accounts)
    histories = [_history(interactions, book) for interactions in _sessions(records, book).values()]
    history = min((each for each in histories if _reactions(each)), key=_merit, default=None)
    if history is None:
        return "No visitor has answered an automation in this traffic.", ()
    reaction = _reactions(history)[0]
    automation = reaction.automation
    assert automation is not None
    title = f"Why {reaction.name} is credited to “{automation.name}” ({automation.kind} {automation.id})"
    return title, tuple(_lines(history))


def _sessions(records: Iterable[Record], book: RuleBook) -> dict[bytes, list[Interaction]]:
    """The interactions of each session key, as they arrived."""
    by_key: defaultdict[bytes, list[Interaction]] = defaultdict(list)
    for record in records:
        decoded = book.decode(record.value, record.arrival_ms)
        if not isinstance(decoded, (Fault, Unknown)) and record.key == session_key(decoded).encode():
            by_key[record.key].append(decoded)
    return by_key


def _history(interactions: list[Interaction], book: RuleBook) -> History:
    decided = [decision for _, decision in decisions(interactions, book)]
    return list(zip(interactions, decided, strict=True))


def _reactions(history: History) -> list[GaEvent]:
    return [event for _, decision in history for event in decision.events if event.name.endswith(_REACTION)]


def _merit(history: History) -> tuple[bool, bool, int]:
    """The least is the best: several automations before the first reaction, a duplicate among them, and short."""
    reaction = _reactions(history)[0]
    before, duplicates = set(), 0
    for _, decision in history:
        if reaction in decision.events:
            break
        before |= {event.automation for event in decision.events if event.name.endswith(_SENT)}
        duplicates += decision.duplicate is not None
    return len(before) < 2 or len(history) > _CANDIDATES, duplicates == 0, len(history)  # noqa: PLR2004 - several


def _lines(history: History) -> Iterator[str]:
    first = history[0][0].timestamp
    for interaction, decision in history:
        at_s = (interaction.timestamp - first) / 1_000_000
        kind = str(interaction.__struct_config__.tag)
        yield f"  {at_s:+8.1f} s  {kind}{_about(interaction)}"
        sent = {event.name for event in decision.events}
        if decision.duplicate:
            yield f"              duplicate, {decision.reasons[-1].why}"
            continue
        for reason in decision.reasons if any(name.endswith(_REACTION) for name in sent) else ():
            yield f"              {reason.outcome:<5} {reason.rule}: {reason.why}"
        for event in decision.events:
            label = f" “{event.label}”" if event.label else ""
            yield f"              → {event.name}{label}"
        if any(name.endswith(_REACTION) for name in sent):
            return


def _about(interaction: Interaction) -> str:
    """What tells it from others of its type."""
    automation = getattr(interaction, "automation", None)
    about = [f"“{automation.name}”"] if automation is not None else []
    fields = {name: getattr(interaction, name, None) for name in ("via", "button", "text", "in_reply_to")}
    about += [f"{name}: {value}" for name, value in fields.items() if value]
    return f" ({', '.join(about)})" if about else ""
