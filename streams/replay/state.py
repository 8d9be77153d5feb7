"""A session as a person reads it: names for numbers, and what an interaction changed. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.session import DIGEST_BYTES, NONE, Conversation, Run, Session

__all__ = ["changes", "instant_text", "state_of"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant_text(micros: int) -> str:
    """A moment in RFC 3339."""
    return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def state_of(session: Session) -> dict[str, Any]:
    """What the session remembers, fit for JSON. Digests are counted: nobody reads them."""
    context = session.context
    conversations = {known.serial: _conversation(known) for known in session.conversations}
    runs = {known.serial: _run(known) for known in session.runs}
    return {
        "session_id": session.session_id,
        "first_interaction": instant_text(session.first_micros),
        "latest_interaction": instant_text(session.last_micros),
        "box_open": session.box_open,
        "current_conversation": conversations.get(session.current) if session.current != NONE else None,
        "conversations": {
            conversations[known.serial]: {
                "has_messages": known.has_messages,
                "last_message_of": runs.get(known.last_run),
                "agents": list(known.agents),
            }
            for known in session.conversations
        },
        "runs": {
            runs[known.serial]: {"name": known.name, "viewed": known.viewed, "reacted": known.reacted}
            for known in session.runs
        },
        "chatbots_answered": list(session.answered),
        "context": {
            "page": None if context.page is None else context.page.url,
            "page_title": None if context.page is None else context.page.title,
            "referrer": None if context.page is None else context.page.referrer,
            "measurement_ids": list(context.measurement_ids),
            "user_id": context.user_id,
            "user_agent": context.user_agent,
            "language": context.language,
            "consent_analytics": context.analytics,
            "consent_marketing": context.marketing,
            "ga_client_id": context.client_id,
            "ga_session_id": context.ga_session_id,
            "cookies": dict(context.cookies),
        },
        "derived_client_id": session.derived_client_id,
        "identities_remembered": len(session.identities) // DIGEST_BYTES,
        "contents_remembered": len(session.contents),
    }


def _conversation(known: Conversation) -> str:
    return f"{known.id or 'nameless'} (conversation {known.serial + 1})"


def _run(known: Run) -> str:
    return f"{known.kind} {known.id}{f' {known.run_id}' if known.run_id else ''} (run {known.serial + 1})"


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(what, before, after) of everything that differs; None where there was nothing or is nothing."""
    then, now = dict(_flat(before or {})), dict(_flat(after))
    return [
        (name, then.get(name), now.get(name))
        for name in dict.fromkeys((*now, *then))
        if then.get(name) != now.get(name)
    ]


def _flat(state: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in state.items():
        at = f"{path}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{at}: ")
        else:
            yield at, None if value == [] else value
