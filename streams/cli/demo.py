"""`chat2ga demo`: the product doing its whole job on one machine."""

from typing import Annotated

import typer

from streams.cli.running import verb

__all__ = ["demo"]


@verb
def demo(
    seed: Annotated[int, typer.Option("--seed", help="Of the sample traffic: the same gives the same.")] = 7,
    sessions: Annotated[int, typer.Option("--sessions", min=1, help="Visits in the sample traffic.")] = 400,
    *,
    serve: Annotated[bool, typer.Option("--serve", help="Stay up, with slow traffic, until Ctrl-C.")] = False,
) -> int:
    """Show the whole path: an embedded broker, sample traffic, the worker, and a local collector in GA's place."""
    from streams.demo import run_demo

    return run_demo(seed=seed, sessions=sessions, serve=serve)
