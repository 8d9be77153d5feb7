"""Events that a raw format does not tell of: said after every verb, so that nobody takes their absence for a fact."""

import sys
from typing import TYPE_CHECKING

from streams.cli.console import print_table

if TYPE_CHECKING:
    from streams.replay import Translation

__all__ = ["tell_missing"]


def tell_missing(translation: "Translation | None") -> None:
    """Which events cannot be had of the format, or only with a mapping; nothing of our own format."""
    if translation is None:
        return
    from streams.sources import FORMATS, coverage

    covered = coverage(FORMATS[translation.format], translation.mapping)
    missing = [(name, each) for name, each in covered.items() if each.had != "yes"]
    if missing:
        rows = [(name, "a mapping" if each.had == "with_mapping" else "never", each.why) for name, each in missing]
        print_table(sys.stderr, (f"not from {translation.format}", "but with", "why"), rows)
