"""Reports of a few lines, as numbers."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from schemas.account import Account, Accounts
from streams.attribution import RuleBook
from streams.report import Report, report
from streams.report.numbers import Numbers
from tests.streams.report.month import Record, lines_of

__all__ = ["AS_OF_MS", "CONSENT_REQUIRED", "as_numbers", "made", "numbers_of", "said"]

AS_OF_MS: Final = 1_893_456_000_000  # 2030-01-01
CONSENT_REQUIRED: Final = RuleBook(accounts=Accounts(default=Account(consent="required")))


def made(lines: Sequence[bytes], out: str, directory: Path, **wanted: Any) -> Path:
    """The report of some lines, written as `out` in a directory."""
    source, to = directory / "in.jsonl", directory / out
    source.write_bytes(b"\n".join(lines) + b"\n")
    given = {"inputs": (str(source),), "out": str(to), "book": RuleBook(), "as_of_ms": AS_OF_MS}
    report(Report(**{**given, **wanted}))
    return to


def as_numbers(path: Path) -> Numbers:
    """What a report in JSON says."""
    return msgspec.json.decode(path.read_bytes(), type=Numbers)


def numbers_of(records: Sequence[Record], **wanted: Any) -> Numbers:
    """The numbers of some records."""
    with TemporaryDirectory() as directory:
        return as_numbers(made(lines_of(records), "out.json", Path(directory), **wanted))


def said(kind: str, at_s: float = 0, visitor: str | None = "v", session: str | None = None, **own: Any) -> Record:
    """A record of this kind, so many seconds after the history's beginning."""
    ids = {"visitor_id": visitor, "session_id": session}
    return {
        "type": kind,
        "account_id": "shop",
        "timestamp": 1_767_600_000_000 + round(at_s * 1000),
        **{name: value for name, value in ids.items() if value},
        **own,
    }
