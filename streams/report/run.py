"""A report from beginning to end: files of interactions in, a page or its numbers out.

    1. Replay:  the facts of each visit, in bounded memory, on all cores.
    2. Count:   DuckDB answers one question a table.
    3. Write:   a page (.html), everything as one object (.json, -), or one long table (.csv, .parquet).

What comes out depends on the input, the rules and the options alone: no clock, no
chance, and not the number of processes.
"""

from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from streams.attribution import RuleBook
from streams.replay import Input, Progress, Replay, Tally, Translation, inputs_of, replay
from streams.replay.errors import BadOutput, NotSupported
from streams.replay.writing import STDOUT, check_file, whole_file
from streams.report.counting import counted
from streams.report.database import opened
from streams.report.errors import NothingToReport, UnknownAccount, UnknownTimeZone
from streams.report.facts import Facts
from streams.report.numbers import Met, Numbers
from streams.report.tables import COLUMNS, harmless, long_table

__all__ = ["OUTPUTS", "Report", "Reported", "report"]

OUTPUTS: Final = "an .html page, .json or - for all numbers, .csv or .parquet for one long table"
_COPIED_BYTES: Final = 1_048_576


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be reported, and where to."""

    inputs: tuple[str | Input, ...]
    out: str
    book: RuleBook
    as_of_ms: int
    translation: Translation | None = None  # of another format
    accounts: tuple[str, ...] = ()  # all, if none are named
    time_zone: str = "UTC"
    jobs: int = 1


class Reported(msgspec.Struct, frozen=True):
    """What was met, and what came of it."""

    tally: Tally
    numbers: Numbers


def _unheard(*_: object) -> None:
    pass


def report(wanted: Report, progress: Progress = _unheard) -> Reported:
    """Make a report. Raises Chat2gaError, and then nothing was written."""
    _check(wanted)
    with TemporaryDirectory(prefix="chat2ga-report-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        facts = directory / "facts.jsonl"
        tally = replay(
            Replay(
                inputs=wanted.inputs,
                out=str(facts),
                book=wanted.book,
                as_of_ms=wanted.as_of_ms,
                translation=wanted.translation,
                jobs=wanted.jobs,
                product=Facts(wanted.book, wanted.time_zone, frozenset(wanted.accounts)),
            ),
            progress,
        )
        with opened(directory, wanted.jobs) as database:
            database.load(facts)
            facts.unlink()
            if not tally.sessions:
                raise _nothing(wanted, tally, database.rows("elsewhere", _Elsewhere))
            numbers = counted(database, _met(wanted, tally))
        _write(numbers, wanted.out, directory)
    return Reported(tally, numbers)


class _Elsewhere(msgspec.Struct):
    account: str


def _nothing(wanted: Report, tally: Tally, elsewhere: list[_Elsewhere]) -> NothingToReport | UnknownAccount:
    if elsewhere:
        return UnknownAccount(wanted.accounts, tuple(row.account for row in elsewhere))
    return NothingToReport(tally.records, tally.dead_letters.total())


def _check(wanted: Report) -> None:
    """Whatever can be known to be wrong before the first line is read."""
    try:
        ZoneInfo(wanted.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name that is a path, or a directory
        raise UnknownTimeZone(wanted.time_zone) from None
    if wanted.out == STDOUT:
        return
    if Path(wanted.out).suffix not in {".html", ".json", ".csv", ".parquet"}:
        raise NotSupported("--to", wanted.out, OUTPUTS)
    check_file(wanted.out)
    if Path(wanted.out).resolve() in {Path(each.name).resolve() for each in inputs_of(wanted.inputs)}:
        raise BadOutput(wanted.out, "--to would replace an input. Name another file.")
    if wanted.out.endswith(".html"):
        from streams.report.page import check_installed  # noqa: PLC0415 - whoever wants numbers needs no charts

        check_installed()


def _met(wanted: Report, tally: Tally) -> Met:
    return Met(
        time_zone=wanted.time_zone,
        only_accounts=wanted.accounts,
        rules_version=wanted.book.default.version,
        records=tally.records,
        duplicates=tally.duplicates.total(),
        unknown_types=tally.unknown.total(),
        dead_letters=tally.dead_letters.total(),
    )


def _write(numbers: Numbers, out: str, directory: Path) -> None:
    """The whole of it, or nothing: a file takes its name when it is done."""
    if out.endswith((".csv", ".parquet")):
        _write_table(numbers, out, directory)
        return
    if out.endswith(".html"):
        from streams.report.page import page  # noqa: PLC0415 - as above

        data = page(numbers)
    else:
        data = msgspec.json.format(msgspec.json.encode(numbers)) + b"\n"
    with whole_file(out) as file:
        file.write(data)


def _write_table(numbers: Numbers, out: str, directory: Path) -> None:
    rows, made = directory / "rows.jsonl", directory / f"made{Path(out).suffix}"
    keep = harmless if out.endswith(".csv") else lambda row: row
    with rows.open("wb") as file:
        for row in long_table(numbers):
            file.write(msgspec.json.encode(keep(row)) + b"\n")
    with opened(directory, 1) as database:
        database.convert(rows, COLUMNS, made)
    with made.open("rb") as source, whole_file(out) as file:
        copyfileobj(source, file, _COPIED_BYTES)
