"""`chat2ga worker`: the Faust worker, until it is told to stop."""

from typing import Annotated, Literal

import typer

from streams.cli import options
from streams.cli.running import verb

__all__ = ["worker"]


@verb
def worker(
    only: Annotated[
        Literal["attribute", "deliver"] | None,
        typer.Option("--only", help="Run one half, so that they scale apart. By default both."),
    ] = None,
    config: options.ConfigOption = None,
) -> int:
    """Work: attribute interactions on Kafka and deliver the events to GA, until SIGTERM or Ctrl-C."""
    settings = options.settings_of(config)
    from streams.worker import run_worker

    return run_worker(settings, only)
