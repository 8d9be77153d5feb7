"""Raw interactions in a word each, and what `step` makes of a history of them.

A history is a list of records, each a dict as it stands on the topic. What a
record leaves out is filled in: account `acme`, session `s`, and a time 10 s
after the one before, so that no rule about time speaks unless a test lets it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from schemas.account import Account
from schemas.decoding import decode_interaction
from schemas.ga_event import GaEvent
from schemas.interaction import Fault, Interaction, Unknown
from schemas.options import Options, options_from
from schemas.session import Session
from streams.attribution import Decision, Rules, step

Record = dict[str, Any]

ANY_TIME: Final = 1 << 62
START: Final = datetime(2024, 1, 1, tzinfo=UTC)
START_MICROS: Final = int(START.timestamp()) * 1_000_000
STEP_S: Final = 10

BOT: Final = {"kind": "chatbot", "id": "bot", "name": "Bot"}
BOT_2: Final = {"kind": "chatbot", "id": "bot-2", "name": "Second bot"}
PROMO: Final = {"kind": "auto_message", "id": "promo", "name": "Promo"}
HELLO: Final = {"kind": "trigger", "id": "hello", "name": "Hello"}
EVA: Final = {"id": "eva", "name": "Eva"}
ADAM: Final = {"id": "adam", "name": "Adam"}

DEFAULTS: Final = Rules.of()
"""The contract's options and the settings of an account that is listed and sets nothing."""


def rules(options: Record | None = None, **account: Any) -> Rules:
    """The rules of an account with these settings, under these options."""
    made = options_from(options or {})
    assert isinstance(made, Options), made
    return Rules.of(made, msgspec.convert(account, Account))


# -- records ----------------------------------------------------------------------


def a(kind: str, **fields: Any) -> Record:
    """A record of a type. `at`: seconds after the start."""
    return {"type": kind, **fields}


def of_run(automation: Record, run_id: str) -> Record:
    return {**automation, "run_id": run_id}


def sent(automation: Record = BOT, **fields: Any) -> Record:
    return a("automation_sent", automation=automation, **fields)


def opened(via: str | None = None, **fields: Any) -> Record:
    return a("box_opened", via=via, **fields)


def closed(**fields: Any) -> Record:
    return a("box_closed", **fields)


def typed(text: str | None = "hi", **fields: Any) -> Record:
    return a("visitor_message", text=text, **fields)


def clicked(automation: Record | None = None, button: str = "Yes", **fields: Any) -> Record:
    return a("button_clicked", automation=automation, button=button, **fields)


def joined(agent: Record = EVA, **fields: Any) -> Record:
    return a("agent_joined", agent=agent, **fields)


def left(agent: Record = EVA, **fields: Any) -> Record:
    return a("agent_left", agent=agent, **fields)


def agent_wrote(agent: Record | None = None, **fields: Any) -> Record:
    return a("agent_message", agent=agent, **fields)


def form(**fields: Any) -> Record:
    return a("contact_form_sent", **fields)


def rated(rating: object = None, text: str | None = None, **fields: Any) -> Record:
    return a("feedback_given", rating=rating, text=text, **fields)


def ended(**fields: Any) -> Record:
    return a("conversation_closed", **fields)


def visited(**fields: Any) -> Record:
    return a("visit_started", **fields)


def viewed_page(**fields: Any) -> Record:
    return a("page_viewed", **fields)


def reached_goal(name: str = "order", **fields: Any) -> Record:
    return a("goal_completed", goal={"name": name}, **fields)


# -- what comes of them -----------------------------------------------------------


def instant(at: float) -> str:
    """RFC 3339, so many seconds after the start, to the microsecond."""
    return (START + timedelta(microseconds=round(at * 1_000_000))).isoformat(timespec="microseconds")


def interaction(record: Record, index: int = 0) -> Interaction:
    """The interaction of a record that stands at this place of its history."""
    fields = {"account_id": "acme", "session_id": "s", **record}
    fields.setdefault("timestamp", instant(fields.pop("at", STEP_S * index)))
    decoded = decode_interaction(msgspec.json.encode(fields), ANY_TIME)
    assert not isinstance(decoded, (Fault, Unknown)), decoded
    return decoded


def interactions(history: Iterable[Record]) -> list[Interaction]:
    return [interaction(record, index) for index, record in enumerate(history)]


def decisions_on(said: Iterable[Interaction], by: Rules = DEFAULTS, session: Session | None = None) -> list[Decision]:
    """The decision on each interaction of one session."""
    made = []
    for one in said:
        made.append(step(session, one, by))
        session = made[-1].session
    return made


def decisions(history: Iterable[Record], by: Rules = DEFAULTS) -> list[Decision]:
    return decisions_on(interactions(history), by)


def session_after(history: Iterable[Record], by: Rules = DEFAULTS) -> Session:
    return decisions(history, by)[-1].session


def last(history: Sequence[Record], by: Rules = DEFAULTS) -> tuple[GaEvent, ...]:
    """The events of the history's last record."""
    return decisions(history, by)[-1].events


def names(history: Sequence[Record], by: Rules = DEFAULTS) -> list[str]:
    """The names of the events of the history's last record."""
    return [event.name for event in last(history, by)]


def all_events(history: Iterable[Record], by: Rules = DEFAULTS) -> list[GaEvent]:
    return [event for decision in decisions(history, by) for event in decision.events]


def all_names(history: Iterable[Record], by: Rules = DEFAULTS) -> list[str]:
    return [event.name for event in all_events(history, by)]


def duplicate(history: Sequence[Record], by: Rules = DEFAULTS) -> str | None:
    """The check that takes the history's last record for a duplicate."""
    return decisions(history, by)[-1].duplicate
