"""Progress of what may take long: a bar on a terminal, nothing in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streams.cli.console import terminal

if TYPE_CHECKING:
    from streams.replay import Phase, Progress

__all__ = ["phases", "progress"]


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Call what this gives with how many are done, of how many. The bar is on stderr and goes when it ends."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


@contextmanager
def phases() -> Iterator["Progress"]:
    """The same of a replay, which is told phase by phase."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Left

    rate, left = TextColumn("{task.fields[rate]}"), Left(elapsed_when_finished=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), rate, left, TimeElapsedColumn())
    with Progress(*columns, console=terminal(sys.stderr), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def told(phase: "Phase", done: int, of: int | None) -> None:
            if phase not in tasks:
                for before in tasks.values():
                    bars.update(before, visible=False)
                tasks[phase] = bars.add_task(phase, total=of, rate="")
            bars.update(tasks[phase], completed=done, total=of)
            speed = bars.tasks[tasks[phase]].speed
            bars.update(tasks[phase], rate=_rate(phase, speed) if speed else "")

        yield told


def _rate(phase: "Phase", speed: float) -> str:
    return f"{speed:,.1f} buckets/s" if phase == "deciding" else f"{speed / 1_000_000:,.1f} MB/s"
