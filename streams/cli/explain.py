"""`chat2ga explain`: one session, interaction by interaction: which rule fired, which did not and why, what changed."""

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import options
from streams.cli.console import shown, terminal
from streams.cli.running import verb

if TYPE_CHECKING:
    from rich.console import Console

    from schemas.ga_event import GaEvent
    from streams.replay import Explanation, Step

__all__ = ["explain"]


@verb
def explain(  # noqa: PLR0913 - options of a command line are given by name
    inputs: options.InputsArgument,
    *,
    session: Annotated[
        str,
        typer.Option("--session", help="A session_id, <visitor_id>@<ms>, a visitor_id, or a record key (acme/s/s1)."),
    ],
    account: Annotated[
        str | None, typer.Option("--account", help="Where several accounts have such a session.")
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", help="Only what sent the event of this id, and what that was caused by.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with whole states and events.")] = False,
    accounts: options.AccountsOption = None,
    rules: options.RulesOption = None,
    order: options.OrderOption = "time",
    as_of: options.AsOfOption = None,
    config: options.ConfigOption = None,
) -> None:
    """Explain a session: every interaction, what each rule did with it and why, its events, and what it changed.

    Give the --accounts, --rules and --order of the worker or the replay whose events are in question.
    """
    from streams.replay import Question, chain
    from streams.replay import explain as ask

    explanation = ask(
        Question(
            inputs=tuple(inputs),
            session=session,
            account=account,
            book=options.rule_book(accounts, rules, config),
            as_of_ms=options.as_of_ms(as_of),
            order=order,
        )
    )
    steps = chain(explanation, event) if event is not None else explanation.steps
    if as_json:
        sys.stdout.write(json.dumps(_object(explanation, steps), ensure_ascii=False) + "\n")
    else:
        _print(explanation, steps)


def _object(explanation: "Explanation", steps: Iterable["Step"]) -> dict[str, Any]:
    import msgspec

    return {
        "session_key": explanation.key,
        "interactions": [_step_object(step) for step in steps],
        "left_out": [msgspec.to_builtins(each) for each in explanation.left],
    }


def _step_object(step: "Step") -> dict[str, Any]:
    import msgspec

    from streams.replay import changes, instant_text, state_of

    before = None if step.before is None else state_of(step.before)
    after = state_of(step.decision.session)
    return {
        "file": step.file,
        "line": step.line,
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


def _print(explanation: "Explanation", steps: Iterable["Step"]) -> None:
    console = terminal(sys.stdout)
    console.print(f"Session {shown(explanation.key)}", style="bold")
    for step in steps:
        _print_step(console, step)
    if explanation.left:
        console.print("\nRecords of this session that are no interactions:", style="bold")
    for left in explanation.left:
        console.print(shown(f"  {left.file}:{left.line}  {left.field}  {left.code}: {left.reason}"), style="yellow")


def _print_step(console: "Console", step: "Step") -> None:
    from streams.replay import changes, instant_text, state_of

    said = step.interaction
    kind, at = type(said).__struct_config__.tag, instant_text(said.timestamp)
    console.print()
    console.print(
        shown(f"{at}  {kind}  {said.interaction_id or '(no interaction_id)'}  {step.file}:{step.line}"),
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
