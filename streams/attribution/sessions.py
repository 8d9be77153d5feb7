"""Sessions: where one ends and the next begins, and what it remembers of the visitor."""

import re
from typing import Any, Final

from msgspec.structs import replace

from schemas.interaction import GivenConsent, GivenGa, GivenPage, Interaction
from schemas.session import MAX_COOKIES, MAX_MEASUREMENT_IDS, MAX_TEXT, Context, SeenPage, Session
from streams.attribution.cookies import read_cookie
from streams.attribution.identity import derived_client_id
from streams.attribution.reasons import Reason, fired, held
from streams.attribution.turn import Turn

__all__ = ["context", "session_gap"]

_BEGINS: Final = fired("session", "nothing is known of it: a session begins")
_GOES_ON: Final = held("session", "the session goes on")
_ENDED: Final = fired(
    "session", "the silence before was longer than the gap: everything is forgotten, a session begins"
)
_MEASUREMENT_ID: Final = re.compile(r"G-[A-Z0-9]+\Z|UA-[0-9]+-[0-9]+\Z")


def session_gap(turn: Turn) -> Reason:
    """A silence longer than the gap ends the session; exactly the gap does not.

    Counted from the latest event time applied; an earlier time is no gap.
    """
    session = turn.met
    if session is None:
        turn.session = _new_session(turn.interaction)
        return _BEGINS
    rules = turn.rules
    gap_micros = rules.visitor_gap_micros if session.of_visitor else rules.session_gap_micros
    if turn.at_micros - session.last_micros > gap_micros:
        turn.session = _new_session(turn.interaction)
        return _ENDED
    return _GOES_ON


def _new_session(first: Interaction) -> Session:
    at = first.timestamp
    of_visitor = first.session_id is None
    session_id = f"{first.visitor_id}@{at // 1000}" if first.session_id is None else first.session_id
    return Session(
        session_id=session_id,
        of_visitor=of_visitor,
        first_micros=int(at),
        last_micros=int(at),
        derived_client_id=derived_client_id(first.account_id, first.visitor_id or session_id),
    )


_SAYS: Final = fired("context", "it says something of the visitor or the page, which the session keeps")
_SILENT: Final = held("context", "it says nothing new of the visitor or the page")


def context(turn: Turn) -> Reason:
    """What an interaction leaves out is what the session's interactions last said.

    Remembered one by one; a page as a whole, its `measurement_ids` apart. Most
    interactions say again what is known, so what is new is looked for before
    anything is made.
    """
    said, known = turn.interaction, turn.session.context
    new: dict[str, Any] = {}
    if said.page is not None:
        _page(said.page, known, new)
    if said.ga is not None:
        _ga(said.ga, known, new)
    if said.consent is not None:
        _consent(said.consent, known, new)
    if said.user_id is not None and said.user_id != known.user_id:
        new["user_id"] = said.user_id
    if said.user_agent is not None and said.user_agent != known.user_agent:
        new["user_agent"] = said.user_agent[:MAX_TEXT]
    if said.language is not None and said.language != known.language:
        new["language"] = said.language[:MAX_TEXT]
    if not new:
        return _SILENT
    now = replace(known, **new)
    if now == known:  # a text that was cut when it was remembered is not new when it is said again
        return _SILENT
    turn.session.context = now
    return _SAYS


def _page(said: GivenPage, known: Context, new: dict[str, Any]) -> None:
    page = known.page
    if page is None or page.url != said.url or page.title != said.title or page.referrer != said.referrer:
        new["page"] = SeenPage(_cut(said.url), _cut(said.title), _cut(said.referrer))
    if said.measurement_ids is not None and said.measurement_ids != known.measurement_ids:
        new["measurement_ids"] = _measurement_ids(said.measurement_ids)


def _ga(said: GivenGa, known: Context, new: dict[str, Any]) -> None:
    if said.client_id is not None and said.client_id != known.client_id:
        new["client_id"] = said.client_id
    if said.session_id is not None and said.session_id != known.ga_session_id:
        new["ga_session_id"] = said.session_id
    if said.cookies:
        cookies = _with_cookies(known.cookies, said.cookies)
        if cookies is not known.cookies:
            new["cookies"] = cookies


def _consent(said: GivenConsent, known: Context, new: dict[str, Any]) -> None:
    if said.analytics is not None and said.analytics is not known.analytics:
        new["analytics"] = said.analytics
    if said.marketing is not None and said.marketing is not known.marketing:
        new["marketing"] = said.marketing


def _cut(text: str | None) -> str | None:
    return text and text[:MAX_TEXT]


def _measurement_ids(listed: tuple[str, ...]) -> tuple[str, ...]:
    """Those that GA knows, as listed and without repeats."""
    known = [measurement_id for measurement_id in dict.fromkeys(listed) if _MEASUREMENT_ID.match(measurement_id)]
    return tuple(known[:MAX_MEASUREMENT_IDS])


def _with_cookies(known: dict[str, str], given: dict[str, str | None]) -> dict[str, str]:
    """The well-formed ones by name; `known` itself if nothing is new.

    The first 16 names of the session count, others do not.
    """
    now = known
    for name, value in given.items():
        read = None if value is None else read_cookie(name, value)
        if read is not None and now.get(name) != read and (name in now or len(now) < MAX_COOKIES):
            now = {**now, name: read}
    return now
