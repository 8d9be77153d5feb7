"""Errors of a report: what it lacks to be made, and what to do about it."""

from streams.errors import Chat2gaError, Fault

__all__ = ["NothingToReport", "TooLarge", "UnknownAccount", "UnknownTimeZone", "WithoutExtra"]

_SHOWN = 10


class NothingToReport(Chat2gaError):
    """The input holds no interaction."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, records: int, dead_letters: int) -> None:
        super().__init__(records, dead_letters)
        self.records, self.dead_letters = records, dead_letters

    def __str__(self) -> str:
        if not self.dead_letters:
            return f"there is no interaction among {self.records} records: nothing to report. Check the input."
        return (
            f"there is no interaction among {self.records} records ({self.dead_letters} are dead letters): nothing to "
            "report. See why: chat2ga replay INPUT --to - --dead-letters dead.jsonl"
        )


class UnknownAccount(Chat2gaError):
    """No interaction is of the accounts asked for."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, asked: tuple[str, ...], there: tuple[str, ...]) -> None:
        super().__init__(asked, there)
        self.asked, self.there = asked, there

    def __str__(self) -> str:
        others = ", ".join(self.there[:_SHOWN]) + (", …" if len(self.there) > _SHOWN else "")
        return f"no interaction is of account {' or '.join(self.asked)}. Those of the input: {others or 'none'}."


class UnknownTimeZone(Chat2gaError):
    """A time zone that this machine does not know."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"--time-zone {self.name!r}: not known here. Give a name like Europe/Prague or UTC; "
            "where the machine has no time zones, `pip install tzdata` brings them."
        )


class WithoutExtra(Chat2gaError):
    """A page needs packages that are not installed."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(missing)
        self.missing = missing

    def __str__(self) -> str:
        return (
            f"an HTML report needs {' and '.join(self.missing)}: pip install 'chat2ga[report]'. "
            "The numbers alone need nothing more: --to report.json, .csv or .parquet."
        )


class TooLarge(Chat2gaError):
    """The database has no memory or no disk left."""

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.where, self.reason = where, reason

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.reason} Make room, name another directory for temporary files "
            "(TMPDIR=/path chat2ga report …), or report one account at a time with --account."
        )
