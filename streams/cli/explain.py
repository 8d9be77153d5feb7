"""`chat2ga explain`: sessions, interaction by interaction: which rule fired, which did not and why, what changed."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import options
from streams.cli.console import shown, terminal
from streams.cli.progress import phases, progress
from streams.cli.running import UsageFault, verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from schemas.ga_event import GaEvent
    from streams.replay import Asked, Explanation, Step

__all__ = ["explain"]


@verb
def explain(  # noqa: PLR0913 - options of a command line are given by name
    inputs: options.AnyInputsArgument = None,
    *,
    session: Annotated[
        str | None,
        typer.Option("--session", help="A session_id, <visitor_id>@<ms>, a visitor_id, or a record key (acme/s/s1)."),
    ] = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", help="The sessions in which this conversation is named.")
    ] = None,
    visitor: Annotated[str | None, typer.Option("--visitor", help="The sessions of this visitor_id.")] = None,
    event: Annotated[
        str | None, typer.Option("--event", help="Only what sent the event of this id, and what that was caused by.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Only this account's: where several have such a session.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="In place of INPUT: the records that the worker reads, from CHAT2GA_BROKER.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON, one object a session, whole states and events.")
    ] = False,
    accounts: options.AccountsOption = None,
    rules: options.RulesOption = None,
    order: options.OrderOption = "time",
    as_of: options.AsOfOption = None,
    jobs: options.JobsOption = options.CORES,
    input_format: options.FormatOption = "interaction",
    mapping: options.MappingOption = None,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    config: options.ConfigOption = None,
) -> None:
    """Explain a session: every interaction, what each rule did with it and why, its events, and what it changed.

    Asked for by --session, --conversation, --visitor or --event; all but --session read the input twice.
    Give the --accounts, --rules and --order of the worker or the replay whose events are in question.
    """
    from streams.replay import chain

    asked = _asked(session, conversation, visitor, event, account)
    _check(
        inputs,
        live=live,
        others=order != "time" or input_format != "interaction" or any((as_of, since, until, mapping)),
    )
    if live:
        found = _of_broker(asked, accounts, rules, config)
    else:
        found = _of_files(
            asked,
            inputs=options.inputs_named(inputs or (), config, since, until),
            book=options.rule_book(accounts, rules, config),
            as_of_ms=options.as_of_ms(as_of),
            translation=options.translation(input_format, mapping),
            order=order,
            jobs=jobs,
        )
    for number, explanation in enumerate(found):
        steps = explanation.steps if event is None else chain(explanation, event)
        if as_json:
            sys.stdout.write(json.dumps(_object(explanation, steps), ensure_ascii=False) + "\n")
        else:
            _print(explanation, steps, apart=number > 0)


def _asked(
    session: str | None, conversation: str | None, visitor: str | None, event: str | None, account: str | None
) -> "Asked":
    """What was asked for, of what was given."""
    from streams.replay import Holding, Named, Sent

    given = sum(each is not None for each in (session, conversation, visitor))
    if given > 1 or (event is not None and session is None and given):
        raise UsageFault("give one of --session, --conversation and --visitor; --event stands alone or with --session")
    if session is not None:
        return Named(session, account)
    if given:
        return Holding(conversation=conversation, visitor=visitor, account=account)
    if event is not None:
        return Sent(event, account)
    raise UsageFault("which session? Give --session, --conversation, --visitor or --event")


def _check(inputs: list[str] | None, *, live: bool, others: bool) -> None:
    if live and (inputs or others):
        raise UsageFault(
            "--live takes the worker's records as they arrived: INPUT and what goes with it have no place beside it"
        )
    if not live and not inputs:
        raise UsageFault("Missing argument 'INPUT...', or --live. See `chat2ga explain --help`")


def _of_files(asked: "Asked", **wanted: Any) -> "Sequence[Explanation]":  # noqa: ANN401 - as Question takes it
    from streams.replay import Question
    from streams.replay import explain as ask

    with phases() as told:
        return ask(Question(asked=asked, **wanted), told)


def _of_broker(
    asked: "Asked", accounts: Path | None, rules: Path | None, config: Path | None
) -> "Sequence[Explanation]":
    from streams.inspect.explaining import explain_live

    book = options.rule_book(accounts, rules, config)
    with progress("records") as told:
        return asyncio.run(explain_live(options.settings_of(config), asked, book, told))


def _object(explanation: "Explanation", steps: "Sequence[Step]") -> dict[str, Any]:
    import msgspec

    first_kept = explanation.first_kept
    return {
        "session_key": explanation.key,
        **({} if first_kept is None else {"first_kept": msgspec.to_builtins(first_kept)}),
        "interactions": [_step_object(step) for step in steps],
        "left_out": [
            {**msgspec.to_builtins(each.at), "field": each.field, "code": each.code, "reason": each.reason}
            for each in explanation.left
        ],
        **({"table": _table_object(explanation)} if explanation.is_live else {}),
    }


def _table_object(explanation: "Explanation") -> dict[str, Any] | None:
    """What the worker's table holds of it."""
    import msgspec

    from streams.replay import agreement, state_of

    stored = explanation.stored
    if stored is None:
        return None
    found = agreement(explanation.steps, stored)
    return {
        **msgspec.to_builtins(stored.at),
        "last_offset": stored.last_offset,
        "applied": found.applied,
        "pending": found.pending,
        "other_session": found.other_session,
        "further": found.further,
        "differences": [
            {"what": what, "explained": explained, "stored": held} for what, explained, held in found.differences
        ],
        "state": state_of(stored.session),
    }


def _step_object(step: "Step") -> dict[str, Any]:
    import msgspec

    from streams.replay import changes, instant_text, state_of

    before = None if step.before is None else state_of(step.before)
    after = state_of(step.decision.session)
    return {
        **msgspec.to_builtins(step.at),
        "time": instant_text(step.interaction.timestamp),
        "record": msgspec.json.decode(step.raw),
        "rules": [msgspec.to_builtins(reason) for reason in step.decision.reasons],
        "duplicate": step.decision.duplicate,
        "before": before,
        "after": after,
        "changes": [{"what": what, "before": then, "after": now} for what, then, now in changes(before, after)],
        "events": [msgspec.to_builtins(event) for event in step.decision.events],
    }


# -- for people ------------------------------------------------------------------------


def _print(explanation: "Explanation", steps: "Sequence[Step]", *, apart: bool) -> None:
    console = terminal(sys.stdout)
    if apart:
        console.print()
    console.print(f"Session {shown(explanation.key)}", style="bold")
    if explanation.first_kept is not None:
        console.print(
            shown(f"  Kept from {explanation.first_kept} on: what this session did before is missing."), style="yellow"
        )
    for step in steps:
        _print_step(console, step)
    if explanation.left:
        console.print("\nRecords of this session that are not applied:", style="bold")
    for left in explanation.left:
        console.print(shown(f"  {left.at}  {left.field}  {left.code}: {left.reason}"), style="yellow")
    if explanation.is_live:
        _print_table_state(console, explanation)


def _print_table_state(console: "Console", explanation: "Explanation") -> None:
    from streams.replay import agreement

    stored = explanation.stored
    console.print("\nThe worker's table:", style="bold")
    if stored is None:
        console.print("  holds nothing of it: the worker has not come so far, or the session is past its gap.")
        return
    found = agreement(explanation.steps, stored)
    console.print(shown(f"  has come to offset {stored.last_offset}, says {stored.at}"))
    if found.pending:
        console.print(f"  {found.pending} of these interactions are not applied yet", style="yellow")
    if found.other_session:
        console.print(shown(f"  holds session {stored.session.session_id} of this key"))
    elif found.further:
        console.print("  has applied more than was read here meanwhile: ask again", style="yellow")
    elif found.differences:
        console.print("  holds another state. Are --accounts and --rules the worker's?", style="yellow")
        for what, explained, held in found.differences:
            console.print(f"  state   {shown(what)}: {_value(explained)} -> {_value(held)}")
    elif found.applied:
        console.print("  holds what is explained", style="green")


def _print_step(console: "Console", step: "Step") -> None:
    from streams.replay import changes, instant_text, state_of

    said = step.interaction
    kind, at = type(said).__struct_config__.tag, instant_text(said.timestamp)
    console.print()
    console.print(
        shown(f"{at}  {kind}  {said.interaction_id or '(no interaction_id)'}  {step.at}"),
        style="bold cyan",
    )
    for reason in step.decision.reasons:
        style = {"fired": "green", "stopped": "yellow"}.get(reason.outcome, "dim")
        console.print(f"  {reason.outcome:<8}{reason.rule:<20} {shown(reason.why)}", style=style)
    before = None if step.before is None else state_of(step.before)
    for what, then, now in changes(before, state_of(step.decision.session)):
        console.print(f"  state   {shown(what)}: {_value(then)} -> {_value(now)}")
    for event in step.decision.events:
        console.print(f"  event   {_event(event)}", style="bold magenta")


def _event(event: "GaEvent") -> str:
    label = "" if event.label is None else f" {_value(event.label)}"
    caused = ", ".join(event.caused_by)
    to = ", ".join(tracker.id for tracker in event.trackers) or "no tracker"
    return shown(f"{event.name}{label}  id {event.event_id}  caused by {caused}  to {to}")


def _value(value: object) -> str:
    return "nothing" if value is None else shown(json.dumps(value, ensure_ascii=False))
