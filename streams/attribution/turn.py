"""A turn: one interaction being applied to one session.

The workspace that the rules share. They read the interaction, put new values
into `session`, which is a copy made for this turn, and send events. A turn lives
inside one call of `step`.
"""

from copy import copy
from typing import Final

from schemas.ga_event import CATEGORY, Automation, Consent, EventName, GaEvent, Page, Tracker
from schemas.interaction import GivenAutomation, Interaction
from schemas.session import NONE, Conversation, Run, Session
from streams.attribution.identity import event_id
from streams.attribution.rules import Rules

__all__ = ["Turn"]

_MICROS: Final = 1_000_000


class Turn:
    """One interaction, the session it meets, and what came of it so far."""

    __slots__ = (
        "account",
        "arrived",
        "at_micros",
        "clicked",
        "conversation",
        "conversation_id",
        "events",
        "first_receipt",
        "had_messages",
        "identity",
        "interaction",
        "options",
        "rules",
        "session",
        "target",
    )

    def __init__(self, session: Session | None, interaction: Interaction, rules: Rules) -> None:
        self.interaction = interaction
        self.rules = rules
        self.options = rules.options
        self.account = rules.account
        self.at_micros = int(interaction.timestamp)  # plain: msgspec encodes no subclass of int
        # Until the session rule has spoken, None means an empty state.
        self.session: Session = copy(session)  # type: ignore[assignment]
        self.identity = ""
        self.conversation: Conversation | None = None  # of a conversation's interaction, once found
        self.conversation_id: str | None = None
        self.had_messages = False  # before this interaction
        self.arrived: Run | None = None  # of the automation that came in
        self.first_receipt = False
        self.target: Run | None = None  # that a typed message answers
        self.clicked: Run | GivenAutomation | None = None  # chatbot whose button it was
        self.events: list[GaEvent] = []

    # -- state ------------------------------------------------------------------

    def put_run(self, run: Run) -> None:
        """Replace a run where it stands."""
        self.session.runs = tuple([run if known.serial == run.serial else known for known in self.session.runs])

    def put_conversation(self, conversation: Conversation) -> None:
        """Replace a conversation where it stands."""
        self.session.conversations = tuple(
            [conversation if known.serial == conversation.serial else known for known in self.session.conversations]
        )
        self.conversation = conversation

    def run_of(self, serial: int) -> Run | None:
        """The run of that serial, if it is still remembered."""
        if serial != NONE:
            for run in self.session.runs:
                if run.serial == serial:
                    return run
        return None

    # -- events -----------------------------------------------------------------

    def send(
        self,
        name: EventName,
        *,
        label: str | None = None,
        value: int | None = None,
        automation: Run | GivenAutomation | None = None,
        subject: object = None,
    ) -> None:
        """Send an event in this turn's name. `subject` tells apart what one interaction sends under one name."""
        session, context = self.session, self.session.context
        caused_by: tuple[str, ...] = (self.identity,)
        credited = None
        if automation is not None:
            credited = Automation(automation.kind, automation.id, automation.name, automation.run_id)
            subject = (automation.kind, automation.id, automation.run_id, subject)
            if isinstance(automation, Run):
                subject = (*subject, automation.receipt)
                if automation.receipt != self.identity:
                    caused_by = (self.identity, automation.receipt)
        page = context.page
        self.events.append(
            GaEvent(
                event_id=event_id(self.interaction.account_id, session.session_id, name, subject, self.identity),
                name=name,
                category=CATEGORY,
                label=label or None,
                value=value,
                account_id=self.interaction.account_id,
                session_id=session.session_id,
                conversation_id=self.conversation_id,
                timestamp_micros=self.at_micros,
                client_id=context.client_id or context.cookies.get("_ga") or session.derived_client_id,
                user_id=context.user_id,
                page=None if page is None else Page(page.url, page.title, page.referrer),
                user_agent=context.user_agent,
                language=context.language,
                consent=Consent(context.analytics, context.marketing),
                trackers=self._trackers(),
                automation=credited,
                caused_by=caused_by,
                rules_version=self.rules.version,
            )
        )

    def _trackers(self) -> tuple[Tracker, ...]:
        """Where it goes: an exclusive choice (CONTRACT §2, trackers)."""
        account, context = self.account, self.session.context
        if not account.listed:
            return ()
        if account.api_tracker:
            ids: tuple[str, ...] = (account.api_tracker,)
        elif account.measurement == "manual":
            ids = tuple(dict.fromkeys(account.measurement_ids))
        else:
            ids = context.measurement_ids
        fallback = context.ga_session_id or str(self.session.first_micros // _MICROS)
        return tuple(
            [
                Tracker(known, context.cookies.get(f"_ga_{known[2:]}") or fallback if known[:2] == "G-" else fallback)
                for known in ids
            ]
        )
