"""How far recovery is: told while it lasts, as a start that reads a changelog of millions takes its time."""

from typing import Final

__all__ = ["TELL_S", "Progress"]

TELL_S: Final = 5.0
"""How often it is told."""


class Progress:
    """One recovery after the other; times are a monotonic clock's, in seconds."""

    def __init__(self) -> None:
        self._began_s = 0.0
        self._total = 0

    def tell(self, now_s: float, remaining: int) -> str | None:
        """What to say with so many offsets of the changelogs left to read; None where none are."""
        if remaining <= 0:
            self._total = 0
            return None
        if remaining > self._total:  # the first look at this recovery, or other partitions have come
            self._began_s, self._total = now_s, remaining
            return f"reading the changelog: {remaining:,} records to go"
        read, took_s = self._total - remaining, now_s - self._began_s
        if not read or took_s <= 0:
            return f"reading the changelog: 0 of {self._total:,} records"
        pace = read / took_s
        return (
            f"reading the changelog: {read:,} of {self._total:,} records ({read / self._total:.0%}), "
            f"{pace:,.0f} a second, {remaining / pace:.0f} s to go"
        )
