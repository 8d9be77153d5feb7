"""What the demo tells: progress while it runs, tables when it is done. Rich on a terminal, plain lines in a pipe."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, get_args

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from schemas.ga_event import EventName
from schemas.receipt import Outcome
from streams.demo.expected import Protocol
from streams.demo.verdict import Check

__all__ = ["Teller"]

_PIPE_WIDTH: Final = 120
_REASON: Final = 70  # of a dead letter's reason, characters shown


class Teller:
    """Tells one run of the demo."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(highlight=False)
        if not console.is_terminal:
            console.width = _PIPE_WIDTH
        self._console: Final = console

    def step(self, what: str) -> None:
        """One thing that is done."""
        self._console.print(f"[dim]·[/dim] {what}" if self._console.is_terminal else what, soft_wrap=True)

    def trouble(self, what: str) -> None:
        """Why it ends early."""
        self._console.print(what, markup=False, soft_wrap=True, style="red")

    @contextmanager
    def progress(self, parts: Mapping[str, int]) -> Iterator["Moving"]:
        """Bars towards so many of each part, while the block lasts; in a pipe nothing moves."""
        bars = Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        with bars:
            yield Moving(bars, {part: bars.add_task(part, total=total) for part, total in parts.items()})

    # -- at the end -----------------------------------------------------------------------

    def events(self, published: Mapping[str, int], arrived: Mapping[tuple[Protocol, str], int]) -> None:
        """Per event name, how many were published and how many arrived; those under legacy names by themselves."""
        table = _table("GA events", "event", "published", "arrived (GA4)", "arrived (UA)")
        names = get_args(EventName)
        for name in names:
            table.add_row(name, *map(_n, (published.get(name), arrived.get(("ga4", name)), arrived.get(("ua", name)))))
        table.add_section()
        for protocol, name in sorted(set(arrived) - {(protocol, name) for protocol in _PROTOCOLS for name in names}):
            table.add_row(f"{name} (legacy name)", "", "", _n(arrived[protocol, name]))
        self._console.print(table)

    def duplicates(self, by_check: Mapping[str, int]) -> None:
        """Which duplicates there were."""
        table = _table("Duplicates removed", "found by", "records")
        for check, count in sorted(by_check.items()):
            table.add_row(_CHECKS.get(check, check), _n(count))
        self._console.print(table)

    def dead_letters(self, counts: Mapping[tuple[str, str], int], reasons: Mapping[tuple[str, str], str]) -> None:
        """Which records could not be taken, and why: of each kind the first reason that was given."""
        table = _table("Dead letters", "field", "code", "records", "reason")
        for (field, code), count in sorted(counts.items()):
            reason = reasons[field, code]
            table.add_row(
                field, code, _n(count), Text(reason if len(reason) <= _REASON else f"{reason[: _REASON - 1]}…")
            )
        self._console.print(table)

    def receipts(self, receipts: Mapping[Outcome, int]) -> None:
        """What became of the events at their trackers."""
        table = _table("Receipts", "outcome", "events by trackers")
        for outcome, count in sorted(receipts.items()):
            table.add_row(outcome, _n(count))
        self._console.print(table)

    def explained(self, title: str, lines: Sequence[str]) -> None:
        """One reaction, interaction by interaction."""
        self._console.print(f"\n{title}", markup=False, soft_wrap=True, style="bold")
        for line in lines:
            self._console.print(line, markup=False, soft_wrap=True)

    def urls(self, worker: str, collector: str) -> None:
        """Where to look while it keeps running."""
        self._console.print("\nEverything keeps running, with slow traffic. Ctrl-C ends it.")
        for what, url in (
            ("worker", f"{worker}/"),
            ("health", f"{worker}/healthz"),
            ("metrics", f"{worker}/metrics"),
            ("collector", f"{collector}/summary"),
        ):
            self._console.print(f"  {what:<10} {url}", soft_wrap=True)

    def verdict(self, checks: Sequence[Check]) -> None:
        """Whether everything is as it must be."""
        table = _table("Checked against a replay of the same records", "", "what", "found")
        for check in checks:
            table.add_row("[green]ok[/green]" if check.holds else "[red]NOT OK[/red]", check.what, check.told)
        self._console.print(table)


class Moving:
    """Bars that move."""

    def __init__(self, bars: Progress, tasks: Mapping[str, TaskID]) -> None:
        self._bars: Final = bars
        self._tasks: Final = tasks

    def to(self, part: str, completed: int) -> None:
        """Move a part's bar."""
        self._bars.update(self._tasks[part], completed=completed)


_PROTOCOLS: Final[tuple[Protocol, ...]] = get_args(Protocol)
_CHECKS: Final = {
    "same_id": "an interaction id that was applied before",
    "exact_copy": "the same content at the same instant",
    "tab_copy": "another tab's copy within 5 s",
}


def _n(count: int | None) -> str:
    return f"{count:,}" if count else "·"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)
    for column in columns:
        counted = column in _COUNTED
        table.add_column(column, justify="right" if counted else "left", overflow="fold")
    return table


_COUNTED: Final = {"records", "published", "arrived (GA4)", "arrived (UA)", "events by trackers"}
