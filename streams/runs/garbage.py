"""Garbage: when Python looks for cycles in a process that handles runs."""

import gc

__all__ = ["tune_collector"]


def tune_collector() -> None:
    """Let it look seldom; to be called once all is set up.

    What a run makes and drops has no cycles: it would be looked through for nothing, every 700 objects.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
