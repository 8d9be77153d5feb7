"""The demo: sample traffic, an embedded broker, a local GA collector and the real worker in one command.

What only the demo needs stays here, as settings: the worker has no branch for it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.demo.run import run_demo

__all__ = ["run_demo"]


def __getattr__(name: str) -> object:
    """Load the demo when it is asked for: `python -m streams.demo.traffic` needs neither broker nor collector."""
    if name == "run_demo":
        from streams.demo.run import run_demo as found  # noqa: PLC0415

        return found
    raise AttributeError(name)
