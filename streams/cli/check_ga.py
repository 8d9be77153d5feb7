"""`chat2ga check --ga`: would Google Analytics take what is sent? One of each event, through a validation server."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from schemas.account import Account, Accounts
from schemas.ga_event import CATEGORY, Automation, Consent, EventName, GaEvent, Page, Tracker
from schemas.interaction import AutomationKind

if TYPE_CHECKING:
    from streams.delivery import Message, Validation
    from streams.settings import Settings

__all__ = ["Finding", "findings", "sample_events"]

Finding = tuple[Literal["good", "note", "FAULT"], str]

_SAMPLE_TRACKER: Final = "G-SAMPLE0001"
_SAMPLE_SECRET: Final = "sample"  # noqa: S105 - of no property
_KINDS: Final[tuple[tuple[str, AutomationKind], ...]] = (
    ("Chatbot_", "chatbot"),
    ("Auto_message_", "auto_message"),
    ("Trigger_", "trigger"),
)
_RATING: Final = 5
_REMEDIES: Final = {
    "measurement_id": "Check the id in GA: Admin > Data streams.",
    "api_secret": "Check the secret at {source}; in GA: Admin > Data streams > Measurement Protocol API secrets.",
}
_REPORT: Final = "The sample is chat2ga's: please report it."


class _Target(NamedTuple):
    account_id: str
    account: Account
    tracker_id: str
    source: str
    secret: str


def findings(settings: "Settings", accounts: Accounts) -> list[Finding]:
    """What the validation server says of each GA4 tracker that has a secret here; without any, of a sample one."""
    targets = list(_targets(accounts))
    if targets:
        return asyncio.run(_asked(settings, targets))
    sample = _Target("sample", Account(), _SAMPLE_TRACKER, "the sample", _SAMPLE_SECRET)
    note: Finding = ("note", "no account has an API secret here: a sample tracker stands in")
    return [note, *asyncio.run(_asked(settings, [sample]))]


def sample_events(now_micros: int, tracker: Tracker) -> list[GaEvent]:
    """One of each of the events, as of a second ago."""
    return [_sample(number, name, now_micros - 1_000_000, tracker) for number, name in enumerate(get_args(EventName))]


def _targets(accounts: Accounts) -> Iterator[_Target]:
    from streams.settings import secret

    met: set[tuple[str, str, str]] = set()
    for account_id, account in [("[defaults]", accounts.default), *accounts.by_id.items()]:
        for tracker_id, source in account.api_secrets.items():
            known = secret(source)
            key = (tracker_id, source, account.region)
            if known is not None and tracker_id.startswith("G-") and key not in met:
                met.add(key)
                yield _Target(account_id, account, tracker_id, source, known)


async def _asked(settings: "Settings", targets: Sequence[_Target]) -> list[Finding]:
    from streams.delivery import CannotValidate, Validation

    found: list[Finding] = []
    silent: set[str] = set()
    async with Validation(settings.ga_endpoint, settings.ga_timeout_s) as validation:
        for target in targets:
            host = validation.host(target.account.region)
            if host in silent:
                found.append(("note", f"{target.tracker_id} ({target.account_id}): not asked, see above"))
                continue
            try:
                found += await _findings_of(target, validation)
            except CannotValidate as error:
                if not error.status:  # it is not there: each further tracker would wait as long
                    silent.add(host)
                found.append(("FAULT", f"{target.tracker_id} ({target.account_id}): {error}"))
    return found


async def _findings_of(target: _Target, validation: "Validation") -> list[Finding]:
    from streams.measurement import Due, Rejected, pack

    now_micros = time.time_ns() // 1_000
    tracker = Tracker(target.tracker_id, str(now_micros // 1_000_000))
    events = sample_events(now_micros, tracker)
    where = f"{target.tracker_id} ({target.account_id})"
    found: list[Finding] = []
    for item in pack([Due(event, tracker) for event in events], target.account, now_micros):
        if isinstance(item, Rejected):
            found.append(("FAULT", f"{where}: {item.due.event.name}: {item.note}. {_REPORT}"))
            continue
        messages = await validation(item, target.account.region, target.secret)
        found += [("FAULT", f"{where}: {_told(message, target.source)}") for message in messages]
    if not found:
        said = f"{where}: {len(events)} sample events, nothing wrong with them"
        found.append(("good", f"{said}, says {validation.host(target.account.region)}"))
    return found


def _told(message: "Message", source: str) -> str:
    remedy = _REMEDIES.get(message.field_path, _REPORT).format(source=source)
    said = message.description if message.description.endswith(".") else f"{message.description}."
    return f"{message.field_path or 'the request'}: {message.validation_code}: {said} {remedy}"


def _sample(number: int, name: EventName, at_micros: int, tracker: Tracker) -> GaEvent:
    kind = next((kind for prefix, kind in _KINDS if name.startswith(prefix)), None)
    rated = name == "Feedback_sent"
    return GaEvent(
        event_id=f"{number:032x}",
        name=name,
        category=CATEGORY,
        label="Good" if rated else "Sample",
        value=_RATING if rated else None,
        account_id="sample",
        session_id="sample",
        conversation_id="sample",
        timestamp_micros=at_micros,
        client_id="1234567890.1234567890",
        user_id=None,
        page=Page("https://example.com/", "A page", "https://example.com/before"),
        user_agent="Mozilla/5.0 (X11; Linux x86_64)",
        language="en-us",
        consent=Consent(analytics=True, marketing=False),
        trackers=(tracker,),
        automation=None if kind is None else Automation(kind, "sample", "Sample", "sample"),
        caused_by=("sample",),
        rules_version="1",
    )
