"""A turn: one interaction being applied to one session.

The workspace that the rules share. They read the interaction, put new values
into `session`, which is this turn's own once no gate has stopped it, and send events. A turn lives
inside one call of `step`.
"""

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

    # A turn is made for every record: what most leave as it is stands in the class.
    identity = ""  # of the interaction
    conversation: Conversation | None = None  # of a conversation's interaction, once found
    conversation_id: str | None = None
    had_messages = False  # before this interaction
    arrived: Run | None = None  # of the automation that came in
    first_receipt = False
    target: Run | None = None  # that a typed message answers
    clicked: Run | GivenAutomation | None = None  # chatbot whose button it was

    def __init__(self, session: Session | None, interaction: Interaction, rules: Rules) -> None:
        self.interaction = interaction
        self.rules = rules
        self.at_micros = int(interaction.timestamp)  # plain: msgspec encodes no subclass of int
        self.met: Session | None = session  # None: an empty state
        # Set by the session rule, and copied by the rule that finds that there is something to change.
        self.session: Session = session  # type: ignore[assignment]
        self.events: list[GaEvent] = []

    # -- state ------------------------------------------------------------------

    def put_run(self, run: Run) -> None:
        """Replace a run where it stands."""
        runs = self.session.runs
        self.session.runs = (
            (*runs[:-1], run)  # mostly the one received last
            if runs[-1].serial == run.serial
            else tuple([run if known.serial == run.serial else known for known in runs])
        )

    def put_conversation(self, conversation: Conversation) -> None:
        """Replace the conversation that this interaction touches, which therefore stands last."""
        self.session.conversations = (*self.session.conversations[:-1], conversation)
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
        account_id, identity = self.interaction.account_id, self.identity
        caused_by: tuple[str, ...] = (identity,)
        credited = None
        if automation is not None:
            credited = Automation(automation.kind, automation.id, automation.name, automation.run_id)
            subject = (automation.kind, automation.id, automation.run_id, subject)
            if type(automation) is Run:
                subject = (*subject, automation.receipt)
                if automation.receipt != identity:
                    caused_by = (identity, automation.receipt)
        page = context.page
        self.events.append(
            GaEvent(  # in the order of its fields: naming all nineteen takes as long again
                event_id(account_id, session.session_id, name, subject, identity),
                name,
                CATEGORY,
                label or None,
                value,
                account_id,
                session.session_id,
                self.conversation_id,
                self.at_micros,
                context.client_id or context.cookies.get("_ga") or session.derived_client_id,
                context.user_id,
                None if page is None else Page(page.url, page.title, page.referrer),
                context.user_agent,
                context.language,
                Consent(context.analytics, context.marketing),
                self._trackers(),
                credited,
                caused_by,
                self.rules.version,
            )
        )

    def _trackers(self) -> tuple[Tracker, ...]:
        """Where it goes: an exclusive choice (CONTRACT §2, trackers)."""
        account, context = self.rules.account, self.session.context
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
