"""Progress of what may take long: a bar on a terminal, nothing in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from streams.cli.console import terminal

if TYPE_CHECKING:
    from streams.replay import Progress as Phases

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
def phases() -> Iterator["Phases"]:
    """The same of a replay, phase by phase: how much of it is read, decided and written."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal(sys.stderr), transient=True) as bars:
        task = bars.add_task("reading", total=None)

        def tell(phase: Literal["reading", "deciding", "writing"], done: int, of: int | None) -> None:
            bars.update(task, description=phase, completed=done, total=of)

        yield tell
