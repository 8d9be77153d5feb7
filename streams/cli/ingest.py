"""`chat2ga ingest`: an HTTP endpoint for webhooks and raw interactions, until it is told to stop."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli import options
from streams.cli.running import verb

__all__ = ["ingest"]


@verb
def ingest(
    endpoints: Annotated[
        Path | None,
        typer.Option("--endpoints", help="File with the endpoints. By default that of CHAT2GA_INGEST.", metavar="FILE"),
    ] = None,
    config: options.ConfigOption = None,
) -> int:
    """Take webhooks and raw interactions over HTTP, and answer once Kafka has them, until SIGTERM or Ctrl-C."""
    settings = options.settings_of(config)
    if endpoints is not None:
        settings = settings.model_copy(update={"ingest": endpoints})
    from streams.ingest import run_ingest

    return run_ingest(settings)
