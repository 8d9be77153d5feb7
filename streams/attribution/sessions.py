"""Sessions: where one ends and the next begins, and what it remembers of the visitor."""

import re
from typing import Final, cast

from schemas.interaction import Instant, Interaction
from schemas.session import MAX_COOKIES, MAX_MEASUREMENT_IDS, MAX_TEXT, Context, SeenPage, Session
from streams.attribution.cookies import is_ga_cookie, read_cookie
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
    session = cast("Session | None", turn.session)  # None until this rule has spoken
    if session is None:
        turn.session = _new_session(turn.interaction)
        return _BEGINS
    if turn.at_micros - session.last_micros > turn.rules.gap_micros(of_visitor=session.of_visitor):
        turn.session = _new_session(turn.interaction)
        return _ENDED
    return _GOES_ON


def _new_session(first: Interaction) -> Session:
    at: Instant = first.timestamp
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
_NOTHING: Final = (None,) * 6
_SILENT: Final = held("context", "it says nothing new of the visitor or the page")


def context(turn: Turn) -> Reason:
    """What an interaction leaves out is what the session's interactions last said.

    Remembered one by one; a page as a whole, its `measurement_ids` apart.
    """
    said, session = turn.interaction, turn.session
    if (said.page, said.ga, said.consent, said.user_id, said.user_agent, said.language) == _NOTHING:
        return _SILENT
    known = session.context
    page, ga, consent = said.page, said.ga, said.consent
    cookies, client_id, ga_session_id = known.cookies, known.client_id, known.ga_session_id
    if ga is not None:
        client_id, ga_session_id = ga.client_id or client_id, ga.session_id or ga_session_id
        if ga.cookies:
            cookies = _with_cookies(cookies, ga.cookies)
    analytics, marketing = known.analytics, known.marketing
    if consent is not None:
        analytics = analytics if consent.analytics is None else consent.analytics
        marketing = marketing if consent.marketing is None else consent.marketing
    now = Context(
        page=known.page if page is None else SeenPage(_cut(page.url), _cut(page.title), _cut(page.referrer)),
        measurement_ids=known.measurement_ids
        if page is None or page.measurement_ids is None
        else _measurement_ids(page.measurement_ids),
        user_id=said.user_id or known.user_id,
        user_agent=known.user_agent if said.user_agent is None else said.user_agent[:MAX_TEXT],
        language=known.language if said.language is None else said.language[:MAX_TEXT],
        analytics=analytics,
        marketing=marketing,
        client_id=client_id,
        ga_session_id=ga_session_id,
        cookies=cookies,
    )
    if now == known:
        return _SILENT
    session.context = now
    return _SAYS


def _cut(text: str | None) -> str | None:
    return text and text[:MAX_TEXT]


def _measurement_ids(listed: tuple[str, ...]) -> tuple[str, ...]:
    """Those that GA knows, as listed and without repeats."""
    known = [measurement_id for measurement_id in dict.fromkeys(listed) if _MEASUREMENT_ID.match(measurement_id)]
    return tuple(known[:MAX_MEASUREMENT_IDS])


def _with_cookies(known: dict[str, str], given: dict[str, str | None]) -> dict[str, str]:
    """The well-formed ones by name; the first 16 names of the session count, others do not."""
    now = known
    for name, value in given.items():
        if value is None or not is_ga_cookie(name):
            continue
        read = read_cookie(name, value)
        if read is not None and (name in now or len(now) < MAX_COOKIES):
            now = {**now, name: read}
    return now
